"""Outer products of two vectors, stored row after row."""

from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import SCALAR, broadcast, data_of, emitted, lanes_in, load_line, shuffle, store_line

I64 = ir.IntType(64)
VECTORS = 6  # of half a line that stay in registers


def plain_outer_lines(B, b, width, A, a, before, out, o):
    """The products in plain Python."""
    out.reshape(-1)[o:o + width * before] = np.multiply.outer(B[b:b + width], A[a:a + before]).reshape(-1)


def emit_rows(builder, dtype, size, in_registers, arguments):
    """Rows of vectors of `size`, of which the first `in_registers` and the last stay there; loaded for each row where None."""
    B, width, A, before, out = arguments
    last = builder.sub(before, I64(size))
    places = [last] if in_registers is None else [I64(k * size) for k in range(in_registers)] + [last]

    def load(q):
        return load_line(builder, dtype, builder.gep(A, [q]), size)

    lines = [load(q) for q in places]
    with cgutils.for_range(builder, width) as loop:
        factor = broadcast(builder, dtype, builder.load(builder.gep(B, [loop.index])), size)
        to = builder.gep(out, [builder.mul(loop.index, before)])
        if in_registers is None:
            with cgutils.for_range(builder, builder.udiv(before, I64(size))) as whole:
                q = builder.mul(whole.index, I64(size))
                store_line(builder, dtype, builder.fmul(factor, load(q)), builder.gep(to, [q]))
        for q, line in zip(places, lines):
            store_line(builder, dtype, builder.fmul(factor, line), builder.gep(to, [q]))


def emit_pairs(builder, dtype, size, arguments):
    """Rows of two numbers, `size` numbers at a time, the last over part of those before; at least so many."""
    B, width, A, _, out = arguments
    few = size // 2
    pair = load_line(builder, dtype, A, 2)
    pairs, last = shuffle(builder, pair, pair, [0, 1] * few), builder.sub(width, I64(few))

    def store(p):
        factors = load_line(builder, dtype, builder.gep(B, [p]), few)
        factors = shuffle(builder, factors, factors, [k // 2 for k in range(size)])
        store_line(builder, dtype, builder.fmul(factors, pairs), builder.gep(out, [builder.mul(p, I64(2))]))

    with cgutils.for_range_slice(builder, I64(0), last, I64(few)) as (p, _):
        store(p)
    store(last)


def emit_cases(builder, cases, arguments):
    """The first of `cases` (condition, emitter) whose condition holds."""
    (condition, emitter), *others = cases
    if not others:
        emitter(arguments)
        return
    with builder.if_else(condition) as (this, other):
        with this:
            emitter(arguments)
        with other:
            emit_cases(builder, others, arguments)


def outer_function(module, dtype):
    """A function of the module for all calls of `outer_lines`: taken into each, `dense` would compile for 1 s longer."""
    name, number = f"gammachain.outer_lines.{dtype}", SCALAR[dtype].as_pointer()
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [number, I64, number, I64, number]), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder, lanes = ir.IRBuilder(function.append_basic_block()), lanes_in(dtype)
        half, width, before = lanes // 2, function.args[1], function.args[3]
        pairs = builder.and_(builder.icmp_signed("==", before, I64(2)), builder.icmp_signed(">=", width, I64(half // 2)))
        cases = [(pairs, partial(emit_pairs, builder, dtype, half))]
        cases += [(builder.icmp_signed("<", before, I64(2 * size)), partial(emit_rows, builder, dtype, size, 1))
                  for size in (1, 2, 4) if size < half]
        cases += [(builder.icmp_signed("<=", before, I64(count * half)), partial(emit_rows, builder, dtype, half, count - 1))
                  for count in range(1, VECTORS + 1)]
        emit_cases(builder, [*cases, (None, partial(emit_rows, builder, dtype, lanes, None))], function.args)
        builder.ret_void()
    return module.globals[name]


@emitted(plain_outer_lines)
def outer_lines(context, B, b, width, A, a, before, out, o):
    """out[o + p before + q] = B[b + p] A[a + q] for p < width, q < before: vector by vector, a row's last over part of that
    before. The vectors of rows of up to three lines stay in registers."""

    def codegen(context, builder, signature, arguments):
        B, A, out = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 3, 6))
        builder.call(outer_function(builder.module, signature.args[0].dtype), [B, arguments[2], A, arguments[5], out])
        return context.get_dummy_value()

    return types.void(B, types.int64, types.int64, A, types.int64, types.int64, out, types.int64), codegen
