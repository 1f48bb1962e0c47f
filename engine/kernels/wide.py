"""The gradient of eq. 20 for networks with more parameters than a cache holds: threads share the rows of each W^l, and the tree
of sums over blocks is climbed tile by tile."""

import numpy as np

from .deltas import deltas
from .layout import BIAS, ROW, WEIGHT, WIDTH
from .levels import fold_levels, push_level
from .lines_of_plan import delta_lines, stack_lines, top_line
from .linked import kernel
from .outer_products import lane_gradient, samples_as_lanes
from .panels import gather
from .product import ROWS, pack
from .simd import lanes_of, sum_lines, tile, transpose
from .sums import BLOCK

LINES = 4  # lines of a tile


@kernel
def first_packed(plan, l, lanes):
    """Where a^{l-1} begins in a block's packed inputs."""
    lines = 0
    for k in range(l - 1):
        lines += (plan[k, WIDTH] + lanes - 1) // lanes
    return lines * lanes * BLOCK


@kernel
def packed_size(plan, lanes):
    """Numbers that a block's inputs a^0 … a^{L-1} take, packed."""
    return first_packed(plan, plan.shape[0], lanes)


@kernel
def pack_panels(theta, back, plan, stack, output_gradient, delta, packed, panels):
    """The deltas and the packed inputs of panels panels[0] … panels[1] - 1, each at its own place."""
    lanes = lanes_of(theta)
    everything = np.empty(0, np.int64)
    size, stride, d_stride = packed_size(plan, lanes), stack_lines(plan) * lanes, delta_lines(plan) * lanes
    first = panels[0] * lanes
    count = min(panels[1] * lanes, output_gradient.shape[0]) - first
    gather(output_gradient, everything, first, count, delta, panels[0] * d_stride + top_line(plan) * lanes, d_stride)
    deltas(back, plan, stack, panels[0] * stride, delta, panels[0] * d_stride, count)
    for j in range(panels[0], panels[1]):
        sample = j * lanes % BLOCK
        to = j * lanes // BLOCK * size + sample * lanes
        for l in range(plan.shape[0] - 1):
            pack(stack, (j * stride + plan[l, ROW] * lanes, stride), plan[l, WIDTH], lanes, packed, to, BLOCK)
            to += (plan[l, WIDTH] + lanes - 1) // lanes * lanes * BLOCK


@kernel
def bias_sums(plan, l, delta, m, nodes, out, rows):
    """D_{b^l} C for rows[0] … rows[1] - 1."""
    lanes = lanes_of(delta)
    d_stride = delta_lines(plan) * lanes
    for p in range(rows[0], rows[1]):
        filled = 0
        for b in range((m + BLOCK - 1) // BLOCK):
            panels = (min(BLOCK, m - b * BLOCK) + lanes - 1) // lanes
            at = b * BLOCK * delta_lines(plan) + (plan[l, ROW] - plan[0, WIDTH] + p) * lanes
            nodes[filled, 0] = sum_lines(delta, at, d_stride, panels)
            filled = push_level(nodes, filled, b)
        fold_levels(nodes, filled)
        out[plan[l, BIAS] + p] = nodes[0, 0]  # eq. 20


@kernel
def weight_sums(plan, l, delta, packed, m, levels, out, rows):
    """D_{W^l} C for the `rows` = (first, count <= 6) rows."""
    lanes = lanes_of(delta)
    first, height = rows
    before, d_stride = plan[l - 1, WIDTH], delta_lines(plan) * lanes
    size, start = packed_size(plan, lanes), first_packed(plan, l, lanes)
    c = (0, LINES * lanes, lanes)
    for q in range(0, before, LINES * lanes):
        lines = min(LINES, (before - q + lanes - 1) // lanes)
        filled = 0
        for block in range((m + BLOCK - 1) // BLOCK):
            count = min(BLOCK, m - block * BLOCK)
            whole, rest = count // lanes, count % lanes
            a = block * BLOCK * delta_lines(plan) + (plan[l, ROW] - plan[0, WIDTH] + first) * lanes
            b = block * size + start + q * BLOCK
            target = levels[filled]
            tile(height, delta, (a, lanes, 1, d_stride, 0), packed, (b, lanes, BLOCK * lanes), target, c, target, (0, 0, 0),
                 (lanes, whole, lines), (0, 0))  # eq. 20
            if rest > 0:
                a, b = a + whole * d_stride, b + whole * lanes * lanes
                tile(height, delta, (a, lanes, 1, 0, 0), packed, (b, lanes, BLOCK * lanes), target, c, target, (0, 0, 0),
                     (rest, 1, lines), (1, 0))  # eq. 20
            filled = push_level(levels, filled, block)
        fold_levels(levels, filled)
        for i in range(height):
            some = min(LINES * lanes, before - q)
            to = plan[l, WEIGHT] + (first + i) * before + q
            source, target = levels[0, i * LINES * lanes:i * LINES * lanes + some], out[to:to + some]
            for k in range(some):
                target[k] = source[k]


@kernel
def lane_sums(plan, l, delta, packed, m, levels, out):
    """D_{W^l} C of a layer whose samples stay the lanes; its inputs go back into panels, block by block."""
    lanes = lanes_of(delta)
    width, before, d_stride = plan[l, WIDTH], plan[l - 1, WIDTH], delta_lines(plan) * lanes
    size, start = packed_size(plan, lanes), first_packed(plan, l, lanes)
    lines = (before + lanes - 1) // lanes
    inputs = np.empty(lines * lanes * BLOCK, delta.dtype)
    filled = 0
    for b in range((m + BLOCK - 1) // BLOCK):
        panels = (min(BLOCK, m - b * BLOCK) + lanes - 1) // lanes
        for j in range(panels):
            for q in range(lines):
                transpose(packed, (b * size + start + (q * BLOCK + j * lanes) * lanes, lanes),
                          inputs, ((j * lines + q) * lanes * lanes, lanes))
        d = (b * BLOCK * delta_lines(plan) + (plan[l, ROW] - plan[0, WIDTH]) * lanes, d_stride)
        lane_gradient(delta, d, inputs, (0, lines * lanes * lanes), panels, levels[filled], 0, (width, before))  # eq. 20
        filled = push_level(levels, filled, b)
    fold_levels(levels, filled)
    out[plan[l, WEIGHT]:plan[l, WEIGHT] + width * before] = levels[0]


@kernel
def row_sums(plan, delta, packed, m, out, tiles):
    """D_theta C, m samples, for tiles tiles[0] … tiles[1] - 1 of six rows, or of all rows of a narrow layer, counted through the
    layers."""
    lanes = lanes_of(delta)
    height = 2
    while 1 << (height - 2) < (m + BLOCK - 1) // BLOCK:
        height += 1
    levels, nodes = np.empty((height, ROWS * LINES * lanes), delta.dtype), np.empty((height, 1), delta.dtype)
    before = 0
    for l in range(1, plan.shape[0]):
        width = plan[l, WIDTH]
        by_lanes = samples_as_lanes(plan, l, lanes)
        count = 1 if by_lanes else (width + ROWS - 1) // ROWS
        for t in range(max(0, tiles[0] - before), min(count, tiles[1] - before)):
            first = t * ROWS
            rows = width if by_lanes else min(ROWS, width - first)
            if by_lanes:
                lane_sums(plan, l, delta, packed, m, np.empty((height, width * plan[l - 1, WIDTH]), delta.dtype), out)
            else:
                weight_sums(plan, l, delta, packed, m, levels, out, (first, rows))
            bias_sums(plan, l, delta, m, nodes, out, (first, first + rows))
        before += count
