"""Sums over samples that lie in the lanes: line by line in the order of the panels, then halves of a line onto halves."""

from functools import partial, reduce
from itertools import product

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import data_of, emitted, fused_lines, lanes_in, line_in_register, line_type, load_line, shuffle, store_line
from .scalar import fma

I64 = ir.IntType(64)
SUMS = 8  # sums that are added up lane by lane together: of 16 registers of half a line as many hold them
ENTRY = {4: (0, 2, 1, 3), 8: (0, 4, 1, 5, 2, 6, 3, 7)}  # the order in which vectors are paired, so that totals come out in theirs


def plain_halves(line):
    """The sum of a line's lanes in plain Python."""
    while line.size > 1:
        line = line[:line.size // 2] + line[line.size // 2:]
    return line[0]


def halves_onto_halves(size, width):
    """The lanes of two vectors, in which stretches of `width` lanes belong to one sum, whose addition leaves stretches half as
    long. A stretch stays where it is, which makes one of the summands a blend; a single float32 stays within its four."""
    half = width // 2
    if half == 1 and size == 8:
        lower = [k for four in range(0, size, 4) for k in (four, four + 2, size + four, size + four + 2)]
        return lower, [k + 1 for k in lower]
    return ([k if k % width < half else size + k for k in range(size)],
            [k + half if k % width < half else size + k - half for k in range(size)])


def emit_totals(builder, vectors):
    """The sums of the lanes of as many vectors as each has lanes, as one vector: halves onto halves, two vectors at a time."""
    size = width = len(vectors)
    vectors = [vectors[k] for k in ENTRY[size]]
    while width > 1:
        lower, upper = halves_onto_halves(size, width)
        vectors = [builder.fadd(shuffle(builder, first, second, lower), shuffle(builder, first, second, upper))
                   for first, second in zip(vectors[::2], vectors[1::2])]
        width //= 2
    return vectors[0]


def emit_sums(builder, dtype, panels, add, size):
    """Eight sums over `panels` panels, each panel added by add(j, lane, size, sums), and then over the lanes, as vectors of half a
    line; lines are summed whole or half by half, as `size` says."""
    lanes = lanes_in(dtype)
    parts = []
    for lane in range(0, lanes, size):
        sums = [cgutils.alloca_once(builder, line_type(dtype, size)) for _ in range(SUMS)]
        for total in sums:
            builder.store(ir.Constant(line_type(dtype, size), [0.0] * size), total)
        with cgutils.for_range(builder, panels) as loop:
            for total, value in zip(sums, add(loop.index, lane, size, [builder.load(total) for total in sums])):
                builder.store(value, total)
        parts.append([builder.load(total) for total in sums])
    if size == lanes:
        parts = [[shuffle(builder, total, total, list(range(lane, lane + lanes // 2))) for total in parts[0]]
                 for lane in (0, lanes // 2)]
    halves = [builder.fadd(lower, upper) for lower, upper in zip(*parts)]
    return [emit_totals(builder, halves[k:k + lanes // 2]) for k in range(0, SUMS, lanes // 2)]


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
    """Eight sums at a time, of two rows where there are as many."""
    dtype = signature.args[0].dtype
    lanes = lanes_in(dtype)
    D, A, out = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 5))
    d, a, o = (cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3, 6))
    size = lanes if line_in_register(context) else lanes // 2
    height = min(rows, 2)
    width = SUMS // height

    def part(array, place, j, i, lane, size):
        at = builder.add(place[0], builder.add(builder.mul(j, place[1]), I64(i * lanes + lane)))
        return load_line(builder, dtype, builder.gep(array, [at]), size)

    def products(first, start, j, lane, size, sums):
        a_parts = [part(A, a, j, start + k, lane, size) for k in range(width)]
        d_parts = [part(D, d, j, first + i, lane, size) for i in range(height)]
        return [builder.call(fused_lines(builder, dtype, size), [x, y, total])
                for (x, y), total in zip(product(d_parts, a_parts), sums)]

    for first, start in product(range(0, rows, height), range(0, columns, width)):
        totals = emit_sums(builder, dtype, arguments[4], partial(products, first, start), size)
        store_block(builder, dtype, totals, out, o, (first, start), (height, width))
    return context.get_dummy_value()


def store_block(builder, dtype, totals, out, o, corner, shape):
    """Eight numbers, row by row, from a corner of out on: neighbours together where they are neighbours in out."""
    size, width = totals[0].type.count, min(shape[1], totals[0].type.count)

    def pointer(t):
        i, k = corner[0] + t // shape[1], corner[1] + t % shape[1]
        return builder.gep(out, [reduce(builder.add, (o[0], builder.mul(o[1], I64(i)), builder.mul(o[2], I64(k))))])

    with builder.if_else(builder.icmp_signed("==", o[2], I64(1))) as (neighbours, apart):
        with neighbours:
            for t in range(0, SUMS, width):
                total = totals[t // size]
                store_line(builder, dtype, shuffle(builder, total, total, list(range(t % size, t % size + width))), pointer(t))
        with apart:
            for t in range(SUMS):
                builder.store(builder.extract_element(totals[t // size], ir.IntType(32)(t % size)), pointer(t))


def plain_sums_of_lines(source, first, stride, count, out, o):
    """The sums in plain Python."""
    lanes = 64 // source.itemsize
    for i in range(SUMS):
        total = np.zeros(lanes, source.dtype)
        for k in range(count):
            at = first + k * stride + i * lanes
            total = total + source[at:at + lanes]
        out[o + i] = plain_halves(total)


@emitted(plain_sums_of_lines)
def sums_of_lines(context, source, first, stride, count, out, o):
    """out[o + i], i = 0 … 7, is the sum of `count` lines `stride` apart, the first of them line i from `first` on: the same as
    `sum_lines` has it. Lines are read whole, in the order in which they lie: panels a power of two apart share places in the cache
    (64 lines of float64: 8 ns a sample, one line of each panel after the other 29)."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        array, out = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 4))
        _, first, stride, count, _, o = arguments

        def lines(j, lane, size, sums):
            at = builder.add(first, builder.mul(j, stride))
            pointers = [builder.gep(array, [builder.add(at, I64(i * size))]) for i in range(SUMS)]
            return [builder.fadd(total, load_line(builder, dtype, pointer)) for total, pointer in zip(sums, pointers)]

        for k, total in enumerate(emit_sums(builder, dtype, count, lines, lanes_in(dtype))):
            store_line(builder, dtype, total, builder.gep(out, [builder.add(o, I64(k * total.type.count))]))
        return context.get_dummy_value()

    return types.void(source, types.int64, types.int64, types.int64, out, types.int64), codegen
