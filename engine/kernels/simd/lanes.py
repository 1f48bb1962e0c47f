"""Sums over samples that lie in the lanes: line by line in the order of the panels, then halves of a line onto halves."""

from functools import partial, reduce
from itertools import product

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import SCALAR, data_of, emitted, fused_lines, lanes_in, line_in_register, line_type, load_line, store_line
from .scalar import fma

I64 = ir.IntType(64)


def plain_halves(line):
    """The sum of a line's lanes in plain Python."""
    while line.size > 1:
        line = line[:line.size // 2] + line[line.size // 2:]
    return line[0]


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


def plain_outer_sums(rows, columns, D, d, A, a, count, out, o):
    """The sums in plain Python."""
    lanes = 64 // D.itemsize
    for i in range(rows):
        for k in range(columns):
            total = np.zeros(lanes, D.dtype)
            for j in range(count):
                first, second = d[0] + j * d[1] + i * lanes, a[0] + j * a[1] + k * lanes
                for s in range(lanes):
                    total[s] = fma(D[first + s], A[second + s], total[s])
            out[o[0] + i * o[1] + k * o[2]] = plain_halves(total)


def outer_sums(rows, columns):
    """A function of so many rows and columns, 16 in all: out[i, k] is the sum over samples of D's row i times A's row k.

    A row is a line in each of `count` panels, the next row the line after it; d, a = (first, panel stride), o = (first, row
    stride, column stride).
    """
    @emitted(partial(plain_outer_sums, rows, columns))
    def sums_of_products(context, D, d, A, a, count, out, o):
        signature = types.void(D, d, A, a, types.int64, out, o)
        return signature, partial(emit_outer_sums, rows, columns)

    return sums_of_products


def emit_outer_sums(rows, columns, context, builder, signature, arguments):
    """Loops over panels, each for as many sums as registers hold, then the lanes of all sums added up together."""
    dtype = signature.args[0].dtype
    lanes = lanes_in(dtype)
    # of 16 registers of half a line eight hold sums: 2-50-50-1, m 10000, f32, gradient 4.5 down to 3.5 ms
    group, size = (rows * columns, lanes) if line_in_register(context) else (8, lanes // 2)
    D, A, out = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 5))
    d, a, o = (cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3, 6))
    vector, fused = line_type(dtype, size), fused_lines(builder, dtype, size)
    grid = [(i, k) for i in range(rows) for k in range(columns)]
    lines = {ik: cgutils.alloca_once(builder, line_type(dtype)) for ik in grid}

    def part(array, place, j, i, lane):
        at = builder.add(place[0], builder.add(builder.mul(j, place[1]), I64(i * lanes + lane)))
        return load_line(builder, dtype, builder.gep(array, [at]), size)

    for first, lane in product(range(0, len(grid), group), range(0, lanes, size)):
        part_of_grid = grid[first:first + group]
        sums = {ik: cgutils.alloca_once(builder, vector) for ik in part_of_grid}
        for total in sums.values():
            builder.store(ir.Constant(vector, [0.0] * size), total)
        with cgutils.for_range(builder, arguments[4]) as loop:
            a_parts = {k: part(A, a, loop.index, k, lane) for k in sorted({k for _, k in part_of_grid})}
            d_parts = {i: part(D, d, loop.index, i, lane) for i in sorted({i for i, _ in part_of_grid})}
            for i, k in part_of_grid:
                builder.store(builder.call(fused, [d_parts[i], a_parts[k], builder.load(sums[i, k])]), sums[i, k])
        for ik, total in sums.items():
            numbers = builder.bitcast(lines[ik], SCALAR[dtype].as_pointer())
            store_line(builder, dtype, builder.load(total), builder.gep(numbers, [I64(lane)]))
    for first in range(0, len(grid), lanes):
        part_of_grid = grid[first:first + lanes]
        total = emit_halves(builder, dtype, [builder.load(lines[ik]) for ik in part_of_grid])
        store_lanes(builder, total, out, [reduce(builder.add, (o[0], builder.mul(o[1], I64(i)), builder.mul(o[2], I64(k))))
                                          for i, k in part_of_grid])
    return context.get_dummy_value()


def plain_sums_of_lines(source, first, stride, count, out, o):
    """The sums in plain Python."""
    lanes = 64 // source.itemsize
    for i in range(lanes):
        total = np.zeros(lanes, source.dtype)
        for k in range(count):
            at = first + k * stride + i * lanes
            total = total + source[at:at + lanes]
        out[o + i] = plain_halves(total)


@emitted(plain_sums_of_lines)
def sums_of_lines(context, source, first, stride, count, out, o):
    """out[o + i], for as many i as a line has lanes, is the sum of `count` lines `stride` apart, the first of them line i from
    `first` on: the same as `sum_lines` has it."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes, vector = lanes_in(dtype), line_type(dtype)
        array, out = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 4))
        _, first, stride, count, _, o = arguments
        sums = [cgutils.alloca_once(builder, vector) for _ in range(lanes)]
        for total in sums:
            builder.store(ir.Constant(vector, [0.0] * lanes), total)
        with cgutils.for_range(builder, count) as loop:
            at = builder.add(first, builder.mul(loop.index, stride))
            for i, total in enumerate(sums):
                line = load_line(builder, dtype, builder.gep(array, [builder.add(at, I64(i * lanes))]))
                builder.store(builder.fadd(builder.load(total), line), total)
        line = emit_halves(builder, dtype, [builder.load(total) for total in sums])
        store_line(builder, dtype, line, builder.gep(out, [o]))
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64, types.int64, out, types.int64), codegen
