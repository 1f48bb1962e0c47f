"""Products of lines with lines, summed over a few pairs of groups of lines."""

from itertools import product

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import data_of, emitted, fused_lines, lanes_in, line_type, load_line, store_line
from .plain import fma

I64 = ir.IntType(64)
TILES = {2: (2, 1), 1: (4, 1)}  # columns at a time of so many rows: 8 of 16 registers of half a line hold their sums


def plain_paired_lines(A, a, B, b, C, c, shape):
    """The sums in plain Python."""
    rows, columns, count = shape
    lanes = 64 // C.itemsize
    for p in range(rows):
        for q in range(columns):
            total = np.zeros(lanes, C.dtype)
            for k in range(count):
                first, second = a[0] + k * a[1] + p * lanes, b[0] + k * b[1] + q * lanes
                for s in range(lanes):
                    total[s] = fma(A[first + s], B[second + s], total[s])
            to = c + (p * columns + q) * lanes
            C[to:to + lanes] = total


@emitted(plain_paired_lines)
def paired_lines(context, A, a, B, b, C, c, shape):
    """Line p columns + q of C from c is the sum over k < count of line p of A_k times line q of B_k, lane by lane, each number one
    chain of fused multiply-adds; a, b = (first, stride from k to k + 1), shape = (rows, columns, count)."""
    signature = types.void(A, a, B, b, C, types.int64, shape)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes, vector, fused = lanes_in(dtype), line_type(dtype), fused_lines(builder, dtype)
        A, B, C = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 4))
        (a, a_stride), (b, b_stride) = (cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3))
        rows, columns, count = cgutils.unpack_tuple(builder, arguments[6])
        A, B, C = (builder.gep(array, [at]) for array, at in ((A, a), (B, b), (C, arguments[5])))

        def line_at(array, first, i):
            return builder.gep(array, [builder.mul(builder.add(first, I64(i)), I64(lanes))])

        def add_up(p, q, size):
            sums = {ij: cgutils.alloca_once(builder, vector) for ij in product(range(size[0]), range(size[1]))}
            for total in sums.values():
                builder.store(ir.Constant(vector, [0.0] * lanes), total)
            with cgutils.for_range(builder, count) as loop:
                first, second = (builder.gep(array, [builder.mul(loop.index, stride)])
                                 for array, stride in ((A, a_stride), (B, b_stride)))
                x = [load_line(builder, dtype, line_at(first, p, i)) for i in range(size[0])]
                y = [load_line(builder, dtype, line_at(second, q, j)) for j in range(size[1])]
                for (i, j), total in sums.items():
                    builder.store(builder.call(fused, [x[i], y[j], builder.load(total)]), total)
            for (i, j), total in sums.items():
                row = builder.mul(builder.add(p, I64(i)), columns)
                store_line(builder, dtype, builder.load(total), line_at(C, builder.add(row, q), j))

        top = I64(0)
        for height, widths in TILES.items():
            end = builder.sub(rows, builder.srem(builder.sub(rows, top), I64(height)))
            with cgutils.for_range_slice(builder, top, end, I64(height)) as (p, _):
                left = I64(0)
                for width in widths:
                    right = builder.sub(columns, builder.srem(builder.sub(columns, left), I64(width)))
                    with cgutils.for_range_slice(builder, left, right, I64(width)) as (q, _):
                        add_up(p, q, (height, width))
                    left = right
            top = end
        return context.get_dummy_value()

    return signature, codegen
