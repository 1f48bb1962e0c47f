"""A job on a board: a kernel, its packed arguments and a function that calls it over a range, for threads that wait for one.

Relies on
---------
``context.call_conv.call_function``
    As in calls.py; ``status.is_error`` says whether the kernel raised, which its threads cannot.
``context.make_array(type)(context, builder, value).data``
    Where an array's numbers lie.
``ir.IRBuilder.load_atomic``, ``atomic_rmw``
    Sequentially consistent reads, additions and exchanges.
``PyThread_allocate_lock``, ``PyThread_acquire_lock``, ``PyThread_release_lock``
    CPython's own locks, which need no GIL, and which another thread than the one that took them may release.
"""

import ctypes
import os

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .calls import lent

WORDS = 512  # of a board: eight a cache line
FUNCTION, PACK = 32, 64  # the words where the function lies, and from which on its arguments do
NAP = 20  # microseconds
SLEEP = "Sleep" if os.name == "nt" else "usleep"  # of the C library; the one takes milliseconds, the other microseconds
YIELD = "SwitchToThread" if os.name == "nt" else "sched_yield"

WORD, BYTES = ir.IntType(64), ir.IntType(8).as_pointer()
ASLEEP, LOCK, NEXT_BELL = 0, 1, 2  # words of a bell
JOB = ir.FunctionType(ir.IntType(32), [BYTES, WORD, WORD, WORD])  # (packed arguments, first, stop, slot) -> whether it failed


def _word(context, builder, board_type, board, word):
    """A pointer to a word of the board."""
    return builder.gep(context.make_array(board_type)(context, builder, board).data, [word])


@intrinsic
def look(context, board, word):
    """The number at `word` of the board, as every thread sees it."""

    def codegen(context, builder, signature, arguments):
        return builder.load_atomic(_word(context, builder, signature.args[0], *arguments), "seq_cst", 8)

    return types.int64(board, types.int64), codegen


def _changed(operation):
    """The code of a function (board, word, value) that changes the number at `word` in one step and gives what it was before."""

    def codegen(context, builder, signature, arguments):
        pointer = _word(context, builder, signature.args[0], *arguments[:2])
        return builder.atomic_rmw(operation, pointer, arguments[2], "seq_cst")

    return codegen


@intrinsic
def add(context, board, word, value):
    """Add to the number at `word` of the board; what it was before."""
    return types.int64(board, types.int64, types.int64), _changed("add")


@intrinsic
def swap(context, board, word, value):
    """Set the number at `word` of the board; what it was before."""
    return types.int64(board, types.int64, types.int64), _changed("xchg")


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
def give_way(context):
    """Let another thread have the core if one waits for it; back at once if none does."""

    def codegen(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, YIELD), [])
        return context.get_dummy_value()

    return types.void(), codegen


def new_bell():
    """A bell, on which a thread sleeps until another rings it: an int64 array of whether it sleeps, the address of a lock, and
    that of the next bell. The lock stays for as long as the process."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, ctypes.pythonapi.PyThread_acquire_lock
    allocate.restype, acquire.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)
    bell = np.zeros(8, np.int64)
    bell[LOCK] = allocate()
    acquire(bell[LOCK].item(), 1)
    return bell


def release_bell(bell):
    """Ring a bell, whether a thread sleeps on it or is about to."""
    release = ctypes.pythonapi.PyThread_release_lock
    release.argtypes, release.restype = (ctypes.c_void_p,), None
    release(bell[LOCK].item())


@intrinsic
def wait_for_bell(context, bell):
    """Sleep until the bell is rung."""

    def codegen(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [BYTES, ir.IntType(32)])
        acquire = cgutils.get_or_insert_function(builder.module, kind, "PyThread_acquire_lock")
        lock = builder.load(_word(context, builder, signature.args[0], arguments[0], WORD(LOCK)))
        builder.call(acquire, [builder.inttoptr(lock, BYTES), ir.IntType(32)(1)])
        return context.get_dummy_value()

    return types.void(bell), codegen


@intrinsic
def ring(context, address):
    """Ring the bell at an address if a thread sleeps on it; the address of the next bell."""

    def codegen(context, builder, signature, arguments):
        words = builder.inttoptr(arguments[0], WORD.as_pointer())
        asleep = builder.gep(words, [WORD(ASLEEP)])
        with builder.if_then(builder.icmp_signed("!=", builder.load_atomic(asleep, "seq_cst", 8), WORD(0))):
            before = builder.atomic_rmw("xchg", asleep, WORD(0), "seq_cst")
            with builder.if_then(builder.icmp_signed("!=", before, WORD(0))):
                kind = ir.FunctionType(ir.VoidType(), [BYTES])
                release = cgutils.get_or_insert_function(builder.module, kind, "PyThread_release_lock")
                lock = builder.load(builder.gep(words, [WORD(LOCK)]))
                builder.call(release, [builder.inttoptr(lock, BYTES)])
        return builder.load(builder.gep(words, [WORD(NEXT_BELL)]))

    return types.int64(types.int64), codegen


@intrinsic
def run_posted(context, board, first, stop, slot):
    """Run the posted job over first … stop - 1 as thread `slot`; whether it failed."""

    def codegen(context, builder, signature, arguments):
        board = signature.args[0], arguments[0]
        function = builder.load(_word(context, builder, *board, WORD(FUNCTION)))
        pack = builder.bitcast(_word(context, builder, *board, WORD(PACK)), BYTES)
        failed = builder.call(builder.inttoptr(function, JOB.as_pointer()), [pack, *arguments[1:]])
        return builder.zext(failed, WORD)

    return types.int64(board, types.int64, types.int64, types.int64), codegen


@intrinsic
def post_arguments(context, address, arguments, board):
    """Write a job to the board: the kernel at `address` with `arguments` and a range; whether there was room for them."""

    def codegen(context, builder, signature, values):
        lent_values = lent(context, builder, values[1], arguments)
        given = [builder.extract_value(lent_values, i) for i in range(len(arguments.types))]
        packed = ir.LiteralStructType([WORD, *(value.type for value in given)])
        if context.get_abi_sizeof(packed) > 8 * (WORDS - PACK):
            return WORD(0)
        board = signature.args[2], values[2]
        pack = builder.bitcast(_word(context, builder, *board, WORD(PACK)), packed.as_pointer())
        for i, value in enumerate([values[0], *given]):
            builder.store(value, cgutils.gep_inbounds(builder, pack, 0, i))
        job = _job(context, builder.module, (*arguments.types, types.UniTuple(types.int64, 3)), packed)
        builder.store(builder.ptrtoint(job, WORD), _word(context, builder, *board, WORD(FUNCTION)))
        return WORD(1)

    return types.int64(types.int64, arguments, board), codegen


def _job(context, module, kinds, packed):
    """A JOB that calls the kernel with its arguments and (first, stop, slot)."""
    function = ir.Function(module, JOB, "job")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    pack = builder.bitcast(function.args[0], packed.as_pointer())
    address, *given = (builder.load(cgutils.gep_inbounds(builder, pack, 0, i)) for i in range(len(packed.elements)))
    span = ir.Constant(ir.ArrayType(WORD, 3), ir.Undefined)
    for i, number in enumerate(function.args[1:]):
        span = builder.insert_value(span, number, i)
    kernel = builder.inttoptr(address, context.call_conv.get_function_type(types.none, kinds).as_pointer())
    status, _ = context.call_conv.call_function(builder, kernel, types.none, kinds, [*given, span])
    builder.ret(builder.zext(status.is_error, ir.IntType(32)))
    return function
