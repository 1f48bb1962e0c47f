"""Sums over samples that lie in the lanes: line by line in the order of the panels, then halves of a line onto halves."""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import data_of, emitted, lanes_in, line_type, load_line
from .scalar import fma

I64 = ir.IntType(64)
SIDE = 4  # rows and columns of a tile of outer products: 16 sums in registers


def plain_halves(line):
    """The sum of a line's lanes in plain Python."""
    while line.size > 1:
        line = line[:line.size // 2] + line[line.size // 2:]
    return line[0]


def plain_outer_sums(D, rows, d_stride, A, columns, a_stride, count, out, o):
    """The sums in plain Python."""
    lanes = 64 // D.itemsize
    for i, d in enumerate(rows):
        for k, a in enumerate(columns):
            total = np.zeros(lanes, D.dtype)
            for j in range(count):
                for s in range(lanes):
                    total[s] = fma(D[d + j * d_stride + s], A[a + j * a_stride + s], total[s])
            out[o[0][i] + o[1][k]] = plain_halves(total)


def emit_halves(builder, dtype, lines):
    """The sums of as many lines as a line has lanes, as one line: halves onto halves, two lines at a time."""
    lanes = lanes_in(dtype)
    mask = ir.VectorType(ir.IntType(32), lanes)
    width = lanes
    while width > 1:
        half = width // 2
        low = [k // half * width + k % half for k in range(2 * lanes // 2)]
        low, high = (ir.Constant(mask, [k + shift for k in low]) for shift in (0, half))
        lines = [builder.fadd(builder.shuffle_vector(first, second, low), builder.shuffle_vector(first, second, high))
                 for first, second in zip(lines[::2], lines[1::2])]
        width = half
    return lines[0]


def store_lanes(builder, line, array, places):
    """Each lane of a line at its own place."""
    for i, place in enumerate(places):
        builder.store(builder.extract_element(line, ir.IntType(32)(i)), builder.gep(array, [place]))


@emitted(plain_outer_sums)
def outer_sums(context, D, rows, d_stride, A, columns, a_stride, count, out, o):
    """out[o[0][i] + o[1][k]] is the sum over samples of D's row i times A's row k, for four rows of each: rows and columns say
    where their first lines lie, of `count` lines that are d_stride and a_stride apart."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes = lanes_in(dtype)
        D, A, out = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 3, 7))
        rows, columns, places = (cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 4, 8))
        places = [cgutils.unpack_tuple(builder, place) for place in places]
        vector = line_type(dtype)
        name = f"llvm.fma.v{lanes}f{dtype.bitwidth}"
        fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
        grid = [(i, k) for i in range(SIDE) for k in range(SIDE)]
        sums = {ik: cgutils.alloca_once(builder, vector) for ik in grid}
        for ik in grid:
            builder.store(ir.Constant(vector, [0.0] * lanes), sums[ik])
        with cgutils.for_range(builder, arguments[6]) as loop:
            d, a = builder.mul(loop.index, arguments[2]), builder.mul(loop.index, arguments[5])
            a_lines = [load_line(builder, dtype, builder.gep(A, [builder.add(column, a)])) for column in columns]
            for i, row in enumerate(rows):
                d_line = load_line(builder, dtype, builder.gep(D, [builder.add(row, d)]))
                for k in range(SIDE):
                    builder.store(builder.call(fused, [d_line, a_lines[k], builder.load(sums[i, k])]), sums[i, k])
        for first in range(0, SIDE * SIDE, lanes):
            some = grid[first:first + lanes]
            line = emit_halves(builder, dtype, [builder.load(sums[ik]) for ik in some])
            store_lanes(builder, line, out, [builder.add(places[0][i], places[1][k]) for i, k in some])
        return context.get_dummy_value()

    return types.void(D, rows, types.int64, A, columns, types.int64, types.int64, out, o), codegen
