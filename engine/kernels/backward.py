"""D_theta C = D_A C · D_theta A without a chain (eq. 20): one vector delta^l = D_{z^l} C a sample, then sums over samples."""

import numpy as np

from .compiled import kernel
from .forward import stack_lines
from .layout import BIAS, GROUP, LINE, ROW, WEIGHT, WIDTH
from .levels import chunk_blocks, fold_levels, push_level
from .product import ROWS, panel_product, sample_product
from .sums import BLOCK


@kernel
def deltas(theta, plan, stack, output_gradient, delta, place, panels):
    """delta^l of panels panels[0] … panels[1] - 1, from rows of output_gradient [m, n] = D_A C, into delta from `place`:
    [panels][n_1 + … + n_L][lanes]."""
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    n, m = output_gradient.shape[1], output_gradient.shape[0]
    stride = stack_lines(plan) * lanes
    rows = plan[depth, ROW] + plan[depth, WIDTH]
    d_stride = (rows - plan[0, WIDTH]) * lanes
    for j in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - j)
        d_group = place + (j - panels[0]) * d_stride
        top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
        for s in range(group * lanes):
            to = d_group + s // lanes * d_stride + top + s % lanes
            gamma = (j + s // lanes) * stride + rows * lanes + top + s % lanes
            if j * lanes + s < m:
                for p in range(n):
                    delta[to + p * lanes] = output_gradient[j * lanes + s, p] * stack[gamma + p * lanes]
            else:
                for p in range(n):
                    delta[to + p * lanes] = 0
        for l in range(depth, 1, -1):
            line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
            below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
            gamma = j * stride + rows * lanes + below
            panel_product(theta, (plan[l, WEIGHT], 1, plan[l - 1, WIDTH], 0), delta, (d_group + line, d_stride),
                          delta, (d_group + below, d_stride), stack, (gamma, stride),
                          (plan[l - 1, WIDTH], plan[l, WIDTH], group), (0, 1))  # eq. 7, transposed


@kernel
def block_gradient(plan, X, indices, stack, delta, block, samples, scratch, out):
    """Sum over one block's samples of delta^l ⊗ a^{l-1} and delta^l, written to out [P], in the order of the samples."""
    lanes = LINE // X.itemsize
    depth = plan.shape[0] - 1
    stride = stack_lines(plan) * lanes
    first, count = block
    d_stride = (plan[depth, ROW] + plan[depth, WIDTH] - plan[0, WIDTH]) * lanes
    for l in range(1, depth + 1):
        width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
        if l == 1:
            for s in range(count):
                k = indices[first + s] if indices.size > 0 else first + s
                for q in range(before):
                    samples[s * before + q] = X[k, q]
        else:
            for s in range(count):
                at = (first + s) // lanes * stride + plan[l - 1, ROW] * lanes + (first + s) % lanes
                for q in range(before):
                    samples[s * before + q] = stack[at + q * lanes]
        line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        sample_product(delta, (line, d_stride, count), samples, before, width, scratch, out, plan[l, WEIGHT])  # eq. 20
        for p in range(width):
            out[plan[l, BIAS] + p] = 0
        for s in range(count):
            at = s // lanes * d_stride + line + s % lanes
            for p in range(width):
                out[plan[l, BIAS] + p] += delta[at + p * lanes]  # eq. 20


@kernel
def gradient(theta, plan, X, indices, stack, output_gradient, partial, chunks):
    """partial[c] = D_theta C of the blocks of chunk c, for c in chunks[0] … chunks[1] - 1.

    A chunk is a power of two of blocks, a node of the fixed tree of sums; there are as many as partial [chunks, P] has rows.
    """
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    m = output_gradient.shape[0]
    panels = BLOCK // lanes
    blocks = (m + BLOCK - 1) // BLOCK
    size, height = chunk_blocks(blocks, partial.shape[0])
    widest = 0
    for l in range(depth + 1):
        widest = max(widest, plan[l, WIDTH])
    held = min(BLOCK, (m + lanes - 1) // lanes * lanes)
    delta = np.empty(held * (plan[depth, ROW] + plan[depth, WIDTH] - plan[0, WIDTH]), theta.dtype)
    samples = np.zeros(held * widest + 2 * lanes, theta.dtype)
    scratch = np.empty(ROWS * 2 * lanes, theta.dtype)
    levels = np.empty((height, theta.size), theta.dtype)
    for c in range(chunks[0], chunks[1]):
        filled = 0
        for b in range(c * size, min((c + 1) * size, blocks)):
            first = b * BLOCK
            count = min(BLOCK, m - first)
            deltas(theta, plan, stack, output_gradient, delta, 0, (b * panels, b * panels + (count + lanes - 1) // lanes))
            block_gradient(plan, X, indices, stack, delta, (first, count), samples, scratch, levels[filled])
            filled = push_level(levels, filled, b - c * size)
        fold_levels(levels, filled)
        partial[c] = levels[0]
