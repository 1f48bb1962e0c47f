"""Outer products of two vectors, stored row after row."""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import SCALAR, broadcast, data_of, emitted, lanes_in, load_line, store_line

I64 = ir.IntType(64)


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


def emit_cases(builder, dtype, cases, arguments):
    """The first of `cases` (numbers in a row below, size, in_registers) that holds."""
    (below, size, in_registers), *others = cases
    if not others:
        emit_rows(builder, dtype, size, in_registers, arguments)
        return
    with builder.if_else(builder.icmp_signed("<", arguments[3], I64(below))) as (this, other):
        with this:
            emit_rows(builder, dtype, size, in_registers, arguments)
        with other:
            emit_cases(builder, dtype, others, arguments)


def outer_function(module, dtype):
    """A function of the module for all calls of `outer_lines`: taken into each, `dense` would compile for 1 s longer."""
    name, number = f"gammachain.outer_lines.{dtype}", SCALAR[dtype].as_pointer()
    if name not in module.globals:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [number, I64, number, I64, number]), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder, lanes = ir.IRBuilder(function.append_basic_block()), lanes_in(dtype)
        short = [(2 * size, size, 1) for size in (1, 2, 4, 8, 16) if size <= lanes]
        emit_cases(builder, dtype, [*short, (3 * lanes, lanes, 2), (None, lanes, None)], function.args)
        builder.ret_void()
    return module.globals[name]


@emitted(plain_outer_lines)
def outer_lines(context, B, b, width, A, a, before, out, o):
    """out[o + p before + q] = B[b + p] A[a + q] for p < width, q < before: vector by vector, a row's last over part of that
    before. The vectors of rows shorter than three lines stay in registers."""

    def codegen(context, builder, signature, arguments):
        B, A, out = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 3, 6))
        builder.call(outer_function(builder.module, signature.args[0].dtype), [B, arguments[2], A, arguments[5], out])
        return context.get_dummy_value()

    return types.void(B, types.int64, types.int64, A, types.int64, types.int64, out, types.int64), codegen
