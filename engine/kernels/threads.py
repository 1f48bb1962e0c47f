"""Ranges of a kernel for waiting threads: handed out in machine code, so that no thread needs the GIL to take one.

The *board* is an int64 array on which a caller posts a job: a function, its packed arguments and how many ranges it has. Whoever
sees it open takes ranges until none is left, the caller too, which never waits for a thread that has not begun. A waiting thread
looks at the board for a while and then goes to sleep in Python. 2 cores, half of the work each: 5 µs a call, where a
ThreadPoolExecutor took 75 to 200.
"""

import os

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .linked import kernel

WORDS = 512  # of a board: eight a cache line
OPEN, STOP, ACTIVE, NEXT, FAILED, FUNCTION, COUNT, RANGES, SLOTS, PACK = 0, 1, 8, 16, 24, 32, 33, 34, 35, 64
LOOKS = 12000  # how often a thread looks at the board before it goes to sleep, some 200 µs
PATIENCE = 4000  # how often a caller looks whether the others are done before it sleeps between looks
NAP = 20  # microseconds of such a sleep
SLEEP = "Sleep" if os.name == "nt" else "usleep"  # of the C library; the one takes milliseconds, the other microseconds

WORD, BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
JOB = ir.FunctionType(ir.IntType(32), [BYTES, WORD, WORD, WORD])  # (packed arguments, first, last, slot) -> whether it failed


def _place(builder, board_type, board, context, word):
    data = context.make_array(board_type)(context, builder, board).data
    return builder.gep(data, [WORD(word)])


@intrinsic
def look(context, board, word):
    """The number at `word` of the board, as every thread sees it."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(builder.gep(data, [arguments[1]]), "seq_cst", 8)

    return types.int64(board, types.int64), codegen


@intrinsic
def add(context, board, word, value):
    """Add to the number at `word` of the board; what it was before."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [arguments[1]]), arguments[2], "seq_cst")

    return types.int64(board, types.int64, types.int64), codegen


@intrinsic
def pause(context):
    """A moment's rest inside a loop that looks at memory."""

    def codegen(context, builder, signature, arguments):
        if llvmlite.binding.get_process_triple().startswith("x86_64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def nap(context):
    """A rest in which another process may have the core."""

    def codegen(context, builder, signature, arguments):
        word = ir.IntType(32)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(word, [word]), SLEEP)
        builder.call(function, [word(1 if SLEEP == "Sleep" else NAP)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def run_posted(context, board, first, last, slot):
    """Run the posted job over first … last - 1 as thread `slot`; whether it failed."""

    def codegen(context, builder, signature, arguments):
        function = builder.load(_place(builder, signature.args[0], arguments[0], context, FUNCTION))
        pack = builder.bitcast(_place(builder, signature.args[0], arguments[0], context, PACK), BYTES)
        failed = builder.call(builder.inttoptr(function, JOB.as_pointer()), [pack, *arguments[1:]])
        return builder.zext(failed, WORD)

    return types.int64(board, types.int64, types.int64, types.int64), codegen


@intrinsic
def post_arguments(context, address, arguments, board):
    """Write a job to the board: the kernel at `address` with `arguments` and a range; whether they had room."""
    kinds = (*arguments.types, types.UniTuple(types.int64, 3))

    def codegen(context, builder, signature, values):
        packer = context.get_arg_packer(kinds)
        given = [builder.extract_value(values[1], i) for i in range(len(kinds) - 1)]
        flat = packer.as_arguments(builder, [*given, ir.Constant(ir.ArrayType(WORD, 3), [0, 0, 0])])[:-3]
        packed = ir.LiteralStructType([WORD, *(value.type for value in flat)])
        if context.get_abi_sizeof(packed) > 8 * (WORDS - PACK):
            return WORD(0)
        store = builder.bitcast(_place(builder, signature.args[2], values[2], context, PACK), packed.as_pointer())
        for i, value in enumerate([values[0], *flat]):
            builder.store(value, cgutils.gep_inbounds(builder, store, 0, i))
        job = _job(context, builder.module, kinds, packed)
        builder.store(builder.ptrtoint(job, WORD), _place(builder, signature.args[2], values[2], context, FUNCTION))
        return WORD(1)

    return types.int64(types.int64, arguments, board), codegen


def _job(context, module, kinds, packed):
    """A function of (packed arguments, first, last) that calls the kernel."""
    function = ir.Function(module, JOB, "job")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    pack = builder.bitcast(function.args[0], packed.as_pointer())
    address, *flat = (builder.load(cgutils.gep_inbounds(builder, pack, 0, i)) for i in range(len(packed.elements)))
    kind = context.call_conv.get_function_type(types.none, kinds)
    result, failure = (cgutils.alloca_once_value(builder, ir.Constant(kind.args[i].pointee, None)) for i in range(2))
    status = builder.call(builder.inttoptr(address, kind.as_pointer()), [result, failure, *flat, *function.args[1:]])
    failed = builder.and_(builder.icmp_signed("!=", status, status.type(0)), builder.icmp_signed("!=", status, status.type(-2)))
    builder.ret(builder.zext(failed, ir.IntType(32)))
    return function


@kernel
def take_ranges(board, slot):
    """Run ranges of the posted job until none is left, as thread `slot`: 0 the caller, the others from 1."""
    count, ranges = board[COUNT], board[RANGES]
    i = add(board, NEXT, 1)
    while i < ranges:
        if run_posted(board, count * i // ranges, count * (i + 1) // ranges, slot) != 0:
            add(board, FAILED, 1)
        i = add(board, NEXT, 1)


@kernel
def launch(address, arguments, board, count, ranges, slots):
    """Run the kernel at `address` over 0 … count in so many ranges, alone or with those whose slot is below `slots`; back when all
    of them are done, so that no interrupt comes while another thread writes to the arguments. 0 where the arguments are too many
    for the board, and nothing was run."""
    if post_arguments(address, arguments, board) == 0:
        return 0
    board[COUNT], board[RANGES], board[SLOTS] = count, ranges, slots
    board[NEXT], board[FAILED] = 0, 0
    add(board, OPEN, 1)
    take_ranges(board, 0)
    add(board, OPEN, -1)
    looks = 0
    while look(board, ACTIVE) > 0:
        looks += 1
        if looks < PATIENCE:
            pause()
        else:
            nap()
    return 1


@kernel
def wait_for_jobs(board, slot):
    """As thread `slot`, take ranges of jobs as they are posted; back when there was none for a while, or when told to stop."""
    looks = 0
    while looks < LOOKS and look(board, STOP) == 0:
        if look(board, OPEN) > 0 and slot < board[SLOTS] and look(board, NEXT) < board[RANGES]:
            add(board, ACTIVE, 1)
            if look(board, OPEN) > 0 and slot < board[SLOTS]:
                take_ranges(board, slot)
                looks = 0
            add(board, ACTIVE, -1)
        pause()
        looks += 1


def new_board():
    """A board with no job on it."""
    return np.zeros(WORDS, np.int64)
