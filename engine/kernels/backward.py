"""D_theta C = D_A C · D_theta A without a chain (eq. 20): one vector delta^l = D_{z^l} C a sample, then sums over samples."""

from collections import namedtuple

import numpy as np

from .forward import propagate_group, stack_lines
from .layout import BIAS, LOSS_LINES, ROW, WEIGHT, WIDTH
from .levels import chunk_blocks, fold_levels_into, push_level
from .linked import kernel, shared
from .panels import gather
from .product import ROWS, pack, panel_product, sample_product
from .simd import lanes_of, multiply_lines, outer_sums, sum_lines, sums_of_lines
from .sums import BLOCK
from .transposed import step_back

four_by_four, two_by_eight, one_by_sixteen = outer_sums(4, 4), outer_sums(2, 8), outer_sums(1, 16)

# of a block: [panels][lines of a stack], [panels][lines of delta], packed factors, targets and losses in panels, LOSS_LINES lines,
# and [levels of the tree, P]
Room = namedtuple("Room", "stack delta scratch targets losses lines levels")


@kernel
def delta_lines(plan):
    """Lines of a panel's deltas: delta^1 … delta^L."""
    depth = plan.shape[0] - 1
    return plan[depth, ROW] + plan[depth, WIDTH] - plan[0, WIDTH]


@kernel
def top_line(plan):
    """Where delta^L begins in a panel's deltas, in lines."""
    return plan[plan.shape[0] - 1, ROW] - plan[0, WIDTH]


@shared("line line plan line integer line integer integer")
def deltas(theta, back, plan, stack, place, delta, d_place, count):
    """delta^l of `count` samples whose stacks begin at `place`, into delta [panels][n_1 + … + n_L][lanes] from d_place, where the
    lines of delta^L hold D_A C; lanes without a sample get zeros. `back` is what `turn_over` made."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n = plan[depth, WIDTH]
    panels = (count + lanes - 1) // lanes
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas, top = place + (plan[depth, ROW] + n) * lanes, top_line(plan) * lanes
    for j in range(panels):
        at = d_place + j * d_stride + top
        multiply_lines(delta, at, stack, gammas + j * stride + top, delta, at, n)
    for s in range(count, panels * lanes):
        for p in range(n):
            delta[d_place + (panels - 1) * d_stride + top + p * lanes + s % lanes] = 0
    for l in range(depth, 1, -1):
        line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
        panel_product(back, step_back(plan, l), delta, (d_place + line, d_stride), delta, (d_place + below, d_stride),
                      stack, (gammas + below, stride), (plan[l - 1, WIDTH], plan[l, WIDTH], panels), (0, 1))  # eq. 7, transposed


@kernel
def swapped(plan, l, lanes):
    """Whether the gradient of W^l takes fewer lines with the neurons of layer l as lanes."""
    width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
    return (width + lanes - 1) // lanes * before < (before + lanes - 1) // lanes * width


@kernel
def tiles(rows, columns):
    """Tiles of 4 × 4, 2 × 8 or 1 × 16 that cover so many rows and columns, no fewer than columns; 0 where they do not fit."""
    if rows >= 4:
        return ((rows + 3) // 4) * ((columns + 3) // 4)
    if rows >= 2:
        return (columns + 7) // 8 * (rows // 2 + rows % 2) if columns >= 8 else 0
    return (columns + 15) // 16 if columns >= 16 else 0


@kernel
def samples_as_lanes(plan, l, lanes):
    """Whether samples had better stay the lanes in the gradient of W^l: by the instructions of a block, some 2 samples' worth of
    them to add up the lanes of a tile and 600 to pack a line of neurons."""
    width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
    count = tiles(min(width, before), max(width, before))
    by_width, by_before = (width + lanes - 1) // lanes, (before + lanes - 1) // lanes
    packed = min(by_width * (before * BLOCK + 600), by_before * (width * BLOCK + 600))
    return 0 < count * (16 * (BLOCK // lanes) + 32) <= packed


@kernel
def outer_gradient(D, d, A, a, panels, out, o, shape):
    """out[p, q] = sum_s D[p, s] A[q, s], lane by lane and then over the lanes; d, a = (first, panel stride), o = (first, row
    stride, column stride), shape = (rows, columns), no more rows than columns: the last tiles overlap those before them."""
    lanes = lanes_of(out)
    rows, columns = shape
    height, width = (4, 4) if rows >= 4 else ((2, 8) if rows >= 2 else (1, 16))
    for i in range(0, rows, height):
        p = min(i, rows - height)
        for k in range(0, columns, width):
            q = min(k, columns - width)
            d_tile, a_tile, o_tile = (d[0] + p * lanes, d[1]), (a[0] + q * lanes, a[1]), (o[0] + p * o[1] + q * o[2], o[1], o[2])
            if height == 4:
                four_by_four(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20
            elif height == 2:
                two_by_eight(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20
            else:
                one_by_sixteen(D, d_tile, A, a_tile, panels, out, o_tile)  # eq. 20


@kernel
def lane_gradient(delta, d, stack, a, panels, out, first, shape):
    """The sum over `panels` of delta^l ⊗ a^{l-1}, samples in the lanes, to out from `first` on: shape = (n_l, n_{l-1})."""
    width, before = shape
    if width <= before:
        outer_gradient(delta, d, stack, a, panels, out, (first, before, 1), (width, before))
    else:
        outer_gradient(stack, a, delta, d, panels, out, (first, 1, before), (before, width))


@kernel
def scratch_numbers(plan, lanes):
    """Numbers of scratch that `block_gradient` needs."""
    widest = 0
    for l in range(plan.shape[0]):
        widest = max(widest, plan[l, WIDTH])
    lines = (widest + lanes - 1) // lanes
    return lines * lanes * BLOCK + ROWS * lines * lanes


@shared("plan line integer line integer integer line line")
def block_gradient(plan, stack, place, delta, d_place, count, scratch, out):
    """Sum over a block's `count` samples of delta^l ⊗ a^{l-1} and delta^l, to out [P]: weights in the order of the samples,
    biases lane by lane."""
    lanes = lanes_of(out)
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    panels = (count + lanes - 1) // lanes
    held = panels * lanes
    for l in range(1, plan.shape[0]):
        width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
        a = (place + plan[l - 1, ROW] * lanes, stride)
        d = (d_place + (plan[l, ROW] - plan[0, WIDTH]) * lanes, d_stride)
        lines = (max(width, before) + lanes - 1) // lanes
        tile = scratch[lines * lanes * held:]
        if samples_as_lanes(plan, l, lanes):
            lane_gradient(delta, d, stack, a, panels, out, plan[l, WEIGHT], (width, before))
        elif swapped(plan, l, lanes):
            pack(delta, d, width, count, scratch, 0, held)
            sample_product(stack, a, scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], 1, before),
                           (before, width, count))  # eq. 20
        else:
            pack(stack, a, before, count, scratch, 0, held)
            sample_product(delta, d, scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], before, 1),
                           (width, before, count))  # eq. 20
        whole = width // lanes * lanes
        for p in range(0, whole, lanes):
            sums_of_lines(delta, d[0] + p * lanes, d_stride, panels, out, plan[l, BIAS] + p)  # eq. 20
        for p in range(whole, width):
            out[plan[l, BIAS] + p] = sum_lines(delta, d[0] + p * lanes, d_stride, panels)  # eq. 20


@kernel
def room_places(plan, lanes, samples):
    """Where the parts of a Room for `samples` samples at a time begin, from the second on, in numbers."""
    held = (samples + lanes - 1) // lanes * lanes
    delta = held * stack_lines(plan)
    scratch = delta + held * delta_lines(plan)
    targets = scratch + scratch_numbers(plan, lanes)
    losses = targets + held * plan[plan.shape[0] - 1, WIDTH]
    return delta, scratch, targets, losses, losses + held, losses + held + LOSS_LINES * lanes + lanes * lanes


@kernel
def room_numbers(plan, lanes, samples, parameters, blocks, chunks):
    """Numbers that a Room takes where `chunks` share a sum over so many blocks."""
    size, height = chunk_blocks(blocks, chunks)
    return room_places(plan, lanes, samples)[5] + (height * parameters if size > 1 else 0)


@kernel
def room_of(row, plan, samples, parameters):
    """A Room cut from a line of numbers; what is left of them are its levels. The stacks and deltas reach into what follows, for
    `pack` reads whole squares of lines."""
    square = lanes_of(row) * lanes_of(row)
    delta, scratch, targets, losses, lines, levels = room_places(plan, lanes_of(row), samples)
    height = (row.size - levels) // parameters
    return Room(row[:delta + square], row[delta:scratch + square], row[scratch:targets], row[targets:losses], row[losses:lines],
                row[lines:levels], row[levels:levels + height * parameters].reshape((height, parameters)))


@kernel
def gradient_chunk(theta, back, plan, X, stack, output_gradient, partial, chunk, room):
    """partial[c] = D_theta C of the blocks of chunk = (c, blocks in it, a power of two), from the stacks of all samples; where
    `stack` is empty, each block of X goes forward first."""
    lanes = lanes_of(theta)
    c, size = chunk
    m, n = output_gradient.shape
    everything = np.empty(0, np.int64)
    filled = 0
    for b in range(c * size, min((c + 1) * size, (m + BLOCK - 1) // BLOCK)):
        first = b * BLOCK
        count = min(BLOCK, m - first)
        kept, place = stack, first * stack_lines(plan)
        if stack.size == 0:
            kept, place = room.stack, 0
            outputs = room.targets[:count * n].reshape((count, n))
            propagate_group(theta, plan, X, everything, (first, count), kept, 0, outputs, (1, plan.shape[0] - 1))
        gather(output_gradient, everything, first, count, room.delta, top_line(plan) * lanes, delta_lines(plan) * lanes)
        deltas(theta, back, plan, kept, place, room.delta, 0, count)
        block_gradient(plan, kept, place, room.delta, 0, count, room.scratch, room.levels[filled] if size > 1 else partial[c])
        if size > 1:
            filled = push_level(room.levels, filled, b - c * size)
    if size > 1:
        fold_levels_into(partial[c], room.levels, filled)


@kernel
def gradient(theta, back, plan, X, stack, output_gradient, partial, work, chunks):
    """partial[c] = D_theta C of the blocks of chunk c, for c in chunks[0] … chunks[1] - 1, from the stacks of all samples or,
    where `stack` is empty, from X [m, n_0]; row chunks[2] of `work` is its room.

    A chunk is a power of two of blocks, a node of the fixed tree of sums; there are as many as partial [chunks, P] has rows.
    """
    m = output_gradient.shape[0]
    size, _ = chunk_blocks((m + BLOCK - 1) // BLOCK, partial.shape[0])
    room = room_of(work[chunks[2]], plan, min(BLOCK, m), theta.size)
    for c in range(chunks[0], chunks[1]):
        gradient_chunk(theta, back, plan, X, stack, output_gradient, partial, (c, size), room)
