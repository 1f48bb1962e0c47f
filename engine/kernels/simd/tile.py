"""The register tile: the one inner loop under every product."""

from functools import reduce

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import broadcast, data_of, emitted, fused_lines, lanes_in, line_in_register, line_type, load_line, store_line
from .plain import fused_sum

WIDE = {1: (8, 2, 1), 2: (8, 2, 1), 3: (8, 2, 1), 4: (4, 2, 1), 5: (4, 2, 1), 6: (4, 2, 1)}  # 24 of 32 registers of a whole line
NARROW = {1: (4, 1), 2: (2, 1), 3: (2, 1), 4: (1,), 5: (1,), 6: (1,)}  # 12 of 16 registers of half a line


def panels_at_once(context, rows):
    """How many panels a tile of `rows` rows takes at a time on the CPU that is compiled for; no bit depends on it."""
    return (WIDE if line_in_register(context) else NARROW)[rows]


def plain_tile(rows, A, a, B, b, C, c, M, m, shape, modes):
    """The tile in plain Python."""
    inner, outer, panels = shape
    lanes = 64 // B.itemsize
    flat_a, flat_b, flat_c, flat_m = (array.reshape(-1) for array in (A, B, C, M))
    k = np.arange(inner * outer)
    line = np.arange(lanes)
    for j in range(panels):
        lines = flat_b[b[0] + k[:, None] * b[1] + j * b[2] + line]
        for i in range(rows):
            to = c[0] + i * c[1] + j * c[2]
            total = flat_c[to:to + lanes] if modes[0] == 1 else np.zeros(lanes, B.dtype)
            if modes[0] == 2:
                total = total + flat_a[a[4] + i]
            total = fused_sum(flat_a[a[0] + i * a[1] + k % inner * a[2] + k // inner * a[3]], lines, total)
            if modes[1]:
                at = m[0] + i * m[1] + j * m[2]
                total = total * flat_m[at:at + lanes]
            flat_c[to:to + lanes] = total


@emitted(plain_tile)
def tile(context, rows, A, a, B, b, C, c, M, m, shape, modes):
    """A product of `rows` rows, 1 to 6, with any number of panels, its sums held in registers.

    C_j[i] = begin + sum_k A[i, k] B_j[k], then times M_j[i] where `finish` says so; B_j[k], C_j[i] and M_j[i] are cache lines
    and j runs over the panels. The inner index runs over `outer` stretches of `inner`, between which A jumps by
    its outer stride. Each number of C is one chain of fused multiply-adds in the order of k: its bits depend on nothing else.
    `begin`: 0 starts at zero, 1 at what C holds, 2 at A[start + i]. `finish`: 0 stores, 1 multiplies by M first.

    a = (first, row stride, column stride, outer stride, start); b = (first, k stride, panel stride);
    c, m = (first, row stride, panel stride); shape = (inner, outer, panels); modes = (begin, finish).
    """
    signature = types.void(types.int64, A, a, B, b, C, c, M, m, shape, modes)

    def codegen(context, builder, signature, arguments):
        emit_heights(context, builder, signature.args[1:], arguments, emit)
        return context.get_dummy_value()

    return signature, codegen


def plain_tile_groups(rows, A, a, B, b, C, c, M, m, shape, modes):
    """The tiles of several groups in plain Python."""
    for g in range(shape[3]):
        places = ((place[0] + g * place[3], *place[1:3]) for place in (b, c, m))
        b_place, c_place, m_place = places
        plain_tile(rows, A, a, B, b_place, C, c_place, M, m_place, shape[:3], modes)


@emitted(plain_tile_groups)
def tile_groups(context, rows, A, a, B, b, C, c, M, m, shape, modes):
    """A tile for each of several groups of panels: `tile`, where b, c, m end with a group stride and shape with the groups."""
    signature = types.void(types.int64, A, a, B, b, C, c, M, m, shape, modes)

    def codegen(context, builder, signature, arguments):
        emit_heights(context, builder, signature.args[1:], arguments, emit_groups)
        return context.get_dummy_value()

    return signature, codegen


def emit_heights(context, builder, kinds, arguments, emitter):
    """A branch for each number of rows."""
    done = builder.append_basic_block("done")
    switch = builder.switch(arguments[0], done)
    for rows in WIDE:
        block = builder.append_basic_block(f"rows_{rows}")
        switch.add_case(arguments[0].type(rows), block)
        builder.position_at_end(block)
        emitter(context, builder, rows, kinds, arguments[1:])
        builder.branch(done)
    builder.position_at_end(done)


def unpacked(context, builder, kinds, arguments):
    """Pointers to A, B, C and M, and the numbers of a, b, c, m, shape and modes."""
    pointers = [data_of(context, builder, kinds[k], arguments[k]) for k in (0, 2, 4, 6)]
    return pointers, [cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3, 5, 7, 8, 9)]


def emit_groups(context, builder, rows, kinds, arguments):
    """The loop over groups."""
    pointers, (a, b, c, m, shape, modes) = unpacked(context, builder, kinds, arguments)
    with cgutils.for_range(builder, shape[3]) as loop:
        places = [[builder.add(place[0], builder.mul(loop.index, place[3])), *place[1:3]] for place in (b, c, m)]
        emit_loops(context, builder, kinds[0].dtype, rows, pointers, a, places, shape[:3], modes)


def emit(context, builder, rows, kinds, arguments):
    """One group."""
    pointers, (a, b, c, m, shape, modes) = unpacked(context, builder, kinds, arguments)
    emit_loops(context, builder, kinds[0].dtype, rows, pointers, a, (b, c, m), shape, modes)


def emit_loops(context, builder, dtype, rows, pointers, a, starts, shape, modes):
    """The loops over panels, a few at once while they last."""
    i64 = ir.IntType(64)
    inner, outer, panels = shape
    done = i64(0)
    for width in panels_at_once(context, rows):
        count = builder.udiv(builder.sub(panels, done), i64(width))
        with cgutils.for_range(builder, count) as loop:
            j = builder.add(done, builder.mul(loop.index, i64(width)))
            places = [[builder.add(place[0], builder.mul(j, place[2])), *place[1:]] for place in starts]
            emit_panels(builder, dtype, (rows, width), pointers, a, places, (inner, outer), modes)
        done = builder.add(done, builder.mul(count, i64(width)))


def emit_panels(builder, dtype, size, pointers, a, places, shape, modes):
    """`width` panels: sums begun, accumulated over k, finished."""
    rows, width = size
    A, B, C, M = pointers
    b, c, m = places
    i64 = ir.IntType(64)
    grid = [(i, j) for i in range(rows) for j in range(width)]
    vector, lanes = line_type(dtype), lanes_in(dtype)
    fused = fused_lines(builder, dtype)

    def line(array, place, i, j):
        return builder.gep(array, [reduce(builder.add, (place[0], builder.mul(place[1], i64(i)), builder.mul(place[2], i64(j))))])

    sums = {ij: cgutils.alloca_once(builder, vector) for ij in grid}
    with builder.if_else(builder.icmp_signed("==", modes[0], i64(2))) as (started, otherwise):
        with started:
            for i in range(rows):
                x = broadcast(builder, dtype, builder.load(builder.gep(A, [builder.add(a[4], i64(i))])))
                for j in range(width):
                    builder.store(x, sums[i, j])
        with otherwise, builder.if_else(builder.icmp_signed("==", modes[0], i64(1))) as (stored, zero):
            with stored:
                for ij in grid:
                    builder.store(load_line(builder, dtype, line(C, c, *ij)), sums[ij])
            with zero:
                for ij in grid:
                    builder.store(ir.Constant(vector, [0.0] * lanes), sums[ij])
    with cgutils.for_range(builder, shape[1]) as stretch:
        a_first = builder.add(a[0], builder.mul(stretch.index, a[3]))
        k_first = builder.mul(stretch.index, shape[0])
        with cgutils.for_range(builder, shape[0]) as loop:
            b_row = builder.add(b[0], builder.mul(builder.add(k_first, loop.index), b[1]))
            places = [builder.add(b_row, builder.mul(b[2], i64(j))) for j in range(width)]
            lines = [load_line(builder, dtype, builder.gep(B, [place])) for place in places]
            a_column = builder.add(a_first, builder.mul(loop.index, a[2]))
            for i in range(rows):
                x = broadcast(builder, dtype, builder.load(builder.gep(A, [builder.add(a_column, builder.mul(a[1], i64(i)))])))
                for j in range(width):
                    builder.store(builder.call(fused, [x, lines[j], builder.load(sums[i, j])]), sums[i, j])
    with builder.if_else(builder.icmp_signed("==", modes[1], i64(0))) as (plain, multiplied):
        with plain:
            for ij in grid:
                store_line(builder, dtype, builder.load(sums[ij]), line(C, c, *ij))
        with multiplied:
            for ij in grid:
                product = builder.fmul(builder.load(sums[ij]), load_line(builder, dtype, line(M, m, *ij)))
                store_line(builder, dtype, product, line(C, c, *ij))
