"""D_theta C = D_A C · D_theta A without a chain (eq. 20): one vector delta^l = D_{z^l} C a sample, then sums over samples."""

from collections import namedtuple

import numpy as np

from .forward import stack_lines
from .layout import BIAS, ROW, WEIGHT, WIDTH
from .levels import chunk_blocks, fold_levels, push_level
from .linked import kernel, shared
from .panels import gather
from .product import ROWS, pack, panel_product, sample_product
from .simd import lanes_of, multiply_lines, sum_lines
from .sums import BLOCK
from .transposed import step_back

GradientWork = namedtuple("GradientWork", "delta scratch levels no_indices")


@kernel
def delta_lines(plan):
    """Lines of a panel's deltas: delta^1 … delta^L."""
    depth = plan.shape[0] - 1
    return plan[depth, ROW] + plan[depth, WIDTH] - plan[0, WIDTH]


@shared("line line plan line integer table 2 indices line")
def deltas(theta, back, plan, stack, place, output_gradient, rows, no_indices, delta):
    """delta^l of the samples rows = (first, count) of output_gradient [m, n] = D_A C, whose stacks begin at `place`, into
    delta [panels][n_1 + … + n_L][lanes]; lanes without a sample hold zeros. `back` is what `transposed_weights` made."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    first, count = rows
    n = output_gradient.shape[1]
    panels = (count + lanes - 1) // lanes
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = place + (plan[depth, ROW] + n) * lanes
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    gather(output_gradient, no_indices, first, count, delta, top, d_stride)
    for j in range(panels):
        at = j * d_stride + top
        multiply_lines(delta, at, stack, gammas + j * stride + top, delta, at, n)
    for s in range(count, panels * lanes):
        for p in range(n):
            delta[(panels - 1) * d_stride + top + p * lanes + s % lanes] = 0
    for l in range(depth, 1, -1):
        line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
        panel_product(back, step_back(plan, l), delta, (line, d_stride), delta, (below, d_stride),
                      stack, (gammas + below, stride), (plan[l - 1, WIDTH], plan[l, WIDTH], panels), (0, 1))  # eq. 7, transposed


@kernel
def swapped(plan, l, lanes):
    """Whether the gradient of W^l takes fewer lines with the neurons of layer l as lanes."""
    width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
    return (width + lanes - 1) // lanes * before < (before + lanes - 1) // lanes * width


@kernel
def scratch_numbers(plan, lanes):
    """Numbers of scratch that `block_gradient` needs."""
    widest = 0
    for l in range(plan.shape[0]):
        widest = max(widest, plan[l, WIDTH])
    lines = (widest + lanes - 1) // lanes
    return lines * lanes * BLOCK + ROWS * lines * lanes


@shared("plan line integer line integer line line")
def block_gradient(plan, stack, place, delta, count, scratch, out):
    """Sum over a block's `count` samples of delta^l ⊗ a^{l-1} and delta^l, to out [P]: weights in the order of the samples,
    biases lane by lane."""
    lanes = lanes_of(out)
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    panels = (count + lanes - 1) // lanes
    held = panels * lanes
    for l in range(1, plan.shape[0]):
        width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
        a = (place + plan[l - 1, ROW] * lanes, stride)
        d = ((plan[l, ROW] - plan[0, WIDTH]) * lanes, d_stride)
        lines = (max(width, before) + lanes - 1) // lanes
        tile = scratch[lines * lanes * held:]
        if swapped(plan, l, lanes):
            pack(delta, d, width, count, scratch, 0, held)
            sample_product(stack, a, scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], 1, before),
                           (before, width, count))  # eq. 20
        else:
            pack(stack, a, before, count, scratch, 0, held)
            sample_product(delta, d, scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], before, 1),
                           (width, before, count))  # eq. 20
        for p in range(width):
            out[plan[l, BIAS] + p] = sum_lines(delta, d[0] + p * lanes, d_stride, panels)  # eq. 20


@kernel
def gradient_chunk(theta, back, plan, stack, output_gradient, partial, chunk, work):
    """partial[c] = D_theta C of the blocks of chunk = (c, blocks in it, a power of two), from the stacks of all samples."""
    c, size = chunk
    m = output_gradient.shape[0]
    blocks = (m + BLOCK - 1) // BLOCK
    filled = 0
    for b in range(c * size, min((c + 1) * size, blocks)):
        first = b * BLOCK
        count = min(BLOCK, m - first)
        place = first * stack_lines(plan)
        deltas(theta, back, plan, stack, place, output_gradient, (first, count), work.no_indices, work.delta)
        block_gradient(plan, stack, place, work.delta, count, work.scratch, work.levels[filled] if size > 1 else partial[c])
        if size > 1:
            filled = push_level(work.levels, filled, b - c * size)
    if size > 1:
        fold_levels(work.levels, filled)
        partial[c] = work.levels[0]


@kernel
def gradient_work(theta, plan, samples, chunks):
    """What one thread needs for a gradient over `samples` samples in `chunks` chunks."""
    lanes = lanes_of(theta)
    size, height = chunk_blocks((samples + BLOCK - 1) // BLOCK, chunks)
    return GradientWork(np.empty(min(BLOCK, samples + lanes) * delta_lines(plan) + lanes * lanes, theta.dtype),
                        np.empty(scratch_numbers(plan, lanes), theta.dtype),
                        np.empty((height if size > 1 else 0, theta.size), theta.dtype), np.empty(0, np.int64))


@kernel
def gradient(theta, back, plan, stack, output_gradient, partial, chunks):
    """partial[c] = D_theta C of the blocks of chunk c, for c in chunks[0] … chunks[1] - 1.

    A chunk is a power of two of blocks, a node of the fixed tree of sums; there are as many as partial [chunks, P] has rows.
    """
    m = output_gradient.shape[0]
    size, _ = chunk_blocks((m + BLOCK - 1) // BLOCK, partial.shape[0])
    work = gradient_work(theta, plan, m, partial.shape[0])
    for c in range(chunks[0], chunks[1]):
        gradient_chunk(theta, back, plan, stack, output_gradient, partial, (c, size), work)
