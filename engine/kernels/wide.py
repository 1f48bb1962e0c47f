"""The gradient of eq. 20 for networks with more parameters than a cache holds: threads share the rows of each W^l, and the tree
of sums over blocks is climbed tile by tile."""

import numpy as np

from .deltas import deltas
from .layout import FROM_TARGET, FROM_ZERO, STORED, line, lines_for, padded, panel_sizes, places
from .levels import fold_levels, push_level
from .linked import kernel
from .outer_products import lane_gradient, samples_as_lanes
from .panels import gather
from .product import ROWS, pack
from .simd import lanes_of, sum_lines, tile, transpose
from .sums import BLOCK

LINES = 4  # lines of a tile


@kernel
def packed_offset(plan, l, lanes):
    """The offset of a^{l-1} in a block's packed inputs."""
    numbers = 0
    for k in range(1, l):
        numbers += padded(places(plan, k, lanes).before, lanes)
    return numbers * BLOCK


@kernel
def packed_size(plan, lanes):
    """Numbers that a block's inputs a^0 … a^{L-1} take, packed."""
    return packed_offset(plan, plan.shape[0], lanes)


@kernel
def pack_panels(theta, backward_weights, plan, stack, output_gradient, delta, packed, span):
    """The deltas and the packed inputs of the panels of `span`, each at its own offset."""
    lanes, every_sample = lanes_of(theta), np.empty(0, np.int64)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    sample = line(0, first, lanes)
    count = min(line(0, stop, lanes), output_gradient.shape[0]) - sample
    gather(output_gradient, every_sample, sample, count, delta, first * panel.deltas + panel.chain, panel.deltas)
    deltas(backward_weights, plan, stack, first * panel.stack, delta, first * panel.deltas, count)
    for j in range(first, stop):
        block, s = line(0, j, lanes) // BLOCK, line(0, j, lanes) % BLOCK
        offset = line(block * packed_size(plan, lanes), s, lanes)
        for l in range(1, panel.depth + 1):
            at = places(plan, l, lanes)
            pack(stack, (j * panel.stack + at.a_below, panel.stack), at.before, lanes, packed,
                 offset + packed_offset(plan, l, lanes), BLOCK)


@kernel
def panels_in(block, m, lanes):
    """How many panels hold the samples of a block."""
    return lines_for(min(BLOCK, m - block * BLOCK), lanes)


@kernel
def delta_offset(plan, l, block, lanes):
    """The offset of delta^l of a block's first panel."""
    return block * BLOCK // lanes * panel_sizes(plan, lanes).deltas + places(plan, l, lanes).delta


@kernel
def bias_sums(plan, l, delta, m, nodes, out, rows):
    """D_{b^l} C for rows = (first, stop)."""
    lanes = lanes_of(delta)
    first, stop = rows
    for p in range(first, stop):
        filled = 0
        for b in range(lines_for(m, BLOCK)):
            d = line(delta_offset(plan, l, b, lanes), p, lanes)
            nodes[filled, 0] = sum_lines(delta, d, panel_sizes(plan, lanes).deltas, panels_in(b, m, lanes))
            filled = push_level(nodes, filled, b)
        fold_levels(nodes, filled)
        out[places(plan, l, lanes).bias + p] = nodes[0, 0]  # eq. 20


@kernel
def tile_sums(delta, d, stride, packed, b, out, shape, count):
    """out [6][LINES][lanes] = the sums over a block's `count` samples of rows of delta, in panels from d, `stride` apart, times
    packed inputs from b: shape = (rows, lines); whole panels, then the samples that are left."""
    lanes = lanes_of(delta)
    height, lines = shape
    whole, rest = count // lanes, count % lanes
    c, b_stride = (0, line(0, LINES, lanes), lanes), line(0, BLOCK, lanes)
    tile(height, delta, (d, lanes, 1, stride, 0), packed, (b, lanes, b_stride), out, c, out, (0, 0, 0), (lanes, whole, lines),
         (FROM_ZERO, STORED))  # eq. 20
    if rest > 0:
        tile(height, delta, (d + whole * stride, lanes, 1, 0, 0), packed, (line(b, line(0, whole, lanes), lanes), lanes, b_stride),
             out, c, out, (0, 0, 0), (rest, 1, lines), (FROM_TARGET, STORED))  # eq. 20


@kernel
def write_tile(tile_rows, height, columns, out, offset, stride):
    """`height` rows of a tile [.][LINES][lanes], `columns` numbers of each, to rows of out from `offset` on, `stride` apart."""
    size = line(0, LINES, lanes_of(out))
    for i in range(height):
        start = offset + i * stride
        source, target = tile_rows[i * size:i * size + columns], out[start:start + columns]
        for k in range(columns):
            target[k] = source[k]


@kernel
def weight_sums(plan, l, delta, packed, m, levels, out, rows):
    """D_{W^l} C for rows = (first, count <= 6)."""
    lanes = lanes_of(delta)
    first, height = rows
    panel, at = panel_sizes(plan, lanes), places(plan, l, lanes)
    size, start = packed_size(plan, lanes), packed_offset(plan, l, lanes)
    for q in range(0, at.before, line(0, LINES, lanes)):
        shape, filled = (height, min(LINES, lines_for(at.before - q, lanes))), 0
        for b in range(lines_for(m, BLOCK)):
            d, x = line(delta_offset(plan, l, b, lanes), first, lanes), b * size + start + q * BLOCK
            tile_sums(delta, d, panel.deltas, packed, x, levels[filled], shape, min(BLOCK, m - b * BLOCK))
            filled = push_level(levels, filled, b)
        fold_levels(levels, filled)
        columns = min(line(0, LINES, lanes), at.before - q)
        write_tile(levels[0], height, columns, out, at.weight + first * at.before + q, at.before)


@kernel
def unpack(packed, offset, lines, panels, inputs):
    """Packed inputs of a block from `offset` on back into panels [panels][lines · lanes][lanes]."""
    lanes = lanes_of(packed)
    square = line(0, lanes, lanes)
    for j in range(panels):
        for q in range(lines):
            source = line(offset, line(q * BLOCK, j, lanes), lanes)
            transpose(packed, (source, lanes), inputs, ((j * lines + q) * square, lanes))


@kernel
def lane_sums(plan, l, delta, packed, m, levels, out):
    """D_{W^l} C of a layer whose samples stay the lanes; its inputs go back into panels, block by block."""
    lanes = lanes_of(delta)
    panel, at = panel_sizes(plan, lanes), places(plan, l, lanes)
    size, start, lines = packed_size(plan, lanes), packed_offset(plan, l, lanes), lines_for(at.before, lanes)
    inputs = np.empty(padded(at.before, lanes) * BLOCK, delta.dtype)
    filled = 0
    for b in range(lines_for(m, BLOCK)):
        panels = panels_in(b, m, lanes)
        unpack(packed, b * size + start, lines, panels, inputs)
        lane_gradient(delta, (delta_offset(plan, l, b, lanes), panel.deltas), inputs, (0, lines * line(0, lanes, lanes)), panels,
                      levels[filled], 0, (at.width, at.before))  # eq. 20
        filled = push_level(levels, filled, b)
    fold_levels(levels, filled)
    out[at.weight:at.weight + at.width * at.before] = levels[0]


@kernel
def row_sums(plan, delta, packed, m, out, span):
    """D_theta C, m samples, for the tiles of `span`, of six rows or of all rows of a narrow layer, counted through the layers."""
    lanes = lanes_of(delta)
    first, stop, _ = span
    height = 2
    while 1 << (height - 2) < lines_for(m, BLOCK):
        height += 1
    levels, nodes = np.empty((height, line(0, ROWS * LINES, lanes)), delta.dtype), np.empty((height, 1), delta.dtype)
    before = 0
    for l in range(1, plan.shape[0]):
        at, by_lanes = places(plan, l, lanes), samples_as_lanes(plan, l, lanes)
        count = 1 if by_lanes else lines_for(at.width, ROWS)
        for t in range(max(0, first - before), min(count, stop - before)):
            row = t * ROWS
            rows = at.width if by_lanes else min(ROWS, at.width - row)
            if by_lanes:
                lane_sums(plan, l, delta, packed, m, np.empty((height, at.width * at.before), delta.dtype), out)
            else:
                weight_sums(plan, l, delta, packed, m, levels, out, (row, rows))
            bias_sums(plan, l, delta, m, nodes, out, (row, row + rows))
        before += count
