"""J^T H J v and the diagonal of J^T H J from the kept forward pass, block by block, where H_k [n, n] of sample k is the loss's
Hessian times (∇φ)_k, or what stands in its place."""

from collections import namedtuple

import numpy as np

from .backward import block_gradient, delta_lines, scratch_numbers
from .chain import chain_lines, chain_panels
from .forward import stack_lines
from .layout import ROW, WIDTH
from .levels import chunk_blocks, fold_levels_into, push_level
from .linked import kernel, shared
from .output_curvature import ENTRIES, base_lines, curvature_lines, curve, quadratic_lines, softmax_diagonal, term_count
from .product import pack, panel_product
from .simd import fma, lanes_of, multiply_lines
from .sums import BLOCK
from .tangents import tangents
from .transposed import step_back

SumWork = namedtuple("SumWork", "delta second scratch levels")  # `second` holds tangents, or the squares of inputs


@shared("line plan line integer line integer")
def descend(back, plan, stack, place, delta, panels):
    """delta^L … delta^1 of panels from the D_{a^L} C that lie in delta^L's place."""
    lanes = lanes_of(back)
    depth = plan.shape[0] - 1
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = place + (plan[depth, ROW] + plan[depth, WIDTH]) * lanes
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    for j in range(panels):
        multiply_lines(delta, j * d_stride + top, stack, gammas + top + j * stride, delta, j * d_stride + top, plan[depth, WIDTH])
    for l in range(depth, 1, -1):
        line, below = (plan[l, ROW] - plan[0, WIDTH]) * lanes, (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
        panel_product(back, step_back(plan, l), delta, (line, d_stride), delta, (below, d_stride),
                      stack, (gammas + below, stride), (plan[l - 1, WIDTH], plan[l, WIDTH], panels), (0, 1))  # eq. 7, transposed


@kernel
def sum_places(plan, lanes, samples):
    """Where the parts of a SumWork begin, from the second on, in numbers."""
    held, square = min(BLOCK, samples + lanes), lanes * lanes
    second = held * delta_lines(plan) + square
    scratch = second + held * stack_lines(plan) + square
    return second, scratch, scratch + scratch_numbers(plan, lanes)


@kernel
def sum_numbers(plan, lanes, samples, parameters, chunks):
    """Numbers of room that one thread needs for a sum over `samples` samples in `chunks` chunks."""
    size, height = chunk_blocks((samples + BLOCK - 1) // BLOCK, chunks)
    return sum_places(plan, lanes, samples)[2] + (height * parameters if size > 1 else 0)


@kernel
def sum_work(row, plan, samples, parameters, chunks):
    """That room, cut from a line of numbers."""
    second, scratch, levels = sum_places(plan, lanes_of(row), samples)
    size, height = chunk_blocks((samples + BLOCK - 1) // BLOCK, chunks)
    height = height if size > 1 else 0
    return SumWork(row[:second], row[second:scratch], row[scratch:levels],
                   row[levels:levels + height * parameters].reshape((height, parameters)))


@kernel
def ggn_product(theta, back, plan, stack, curvature, direction, partial, room, chunks):
    """partial[c] = J^T H J v of the blocks of chunk c, v = `direction` [P], for c in chunks[0] … chunks[1] - 1: chunks as
    `gradient` of the road back has them; row chunks[2] of `room` is its own."""
    lanes = lanes_of(theta)
    depth, m = plan.shape[0] - 1, curvature.samples
    n, d_stride = plan[depth, WIDTH], delta_lines(plan) * lanes
    top = ((plan[depth, ROW] - plan[0, WIDTH]) * lanes, d_stride)
    blocks = (m + BLOCK - 1) // BLOCK
    size, _ = chunk_blocks(blocks, partial.shape[0])
    work = sum_work(room[chunks[2]], plan, m, theta.size, partial.shape[0])
    for c in range(chunks[0], chunks[1]):
        filled = 0
        for b in range(c * size, min((c + 1) * size, blocks)):
            first = b * BLOCK
            count = min(BLOCK, m - first)
            panels, place = (count + lanes - 1) // lanes, first * stack_lines(plan)
            tangents(theta, direction, plan, stack, place, work.second, panels)
            curve(curvature.lines, (first * curvature_lines(n, curvature.rank), curvature.rank), work.second, top, work.delta, top,
                  (n, panels))
            descend(back, plan, stack, place, work.delta, panels)
            block_gradient(plan, stack, place, work.delta, 0, count, work.scratch,
                           work.levels[filled] if size > 1 else partial[c])
            if size > 1:
                filled = push_level(work.levels, filled, b - c * size)
        if size > 1:
            fold_levels_into(partial[c], work.levels, filled)


@kernel
def diagonal_factors(theta, back, plan, stack, curvature, out, panels):
    """diag((B^l)^T H B^l) for l = 1 … L and every sample of panels panels[0] … panels[1] - 1, from the chains, into
    out [panels][n_1 + … + n_L][lanes]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, stride, d_stride = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    step, held = chain_lines(plan) * lanes, curvature_lines(n, curvature.rank) * lanes
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    gammas = (plan[depth, ROW] + n) * lanes + top
    rank, base = curvature.rank, base_lines(n, curvature.rank)
    chain, work, of_one = np.empty(n * step, theta.dtype), np.empty(2 * step, theta.dtype), np.empty(lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        quadratic_lines(curvature.lines, (j * held, rank), n, chain, (0, step), out, (j * d_stride, step // lanes), work)
        if rank < ENTRIES:
            softmax_diagonal(curvature.lines, j * held, n, stack, j * stride + gammas, out, j * d_stride + top, of_one)
        for i in range(n):
            if rank >= ENTRIES:
                at = j * held + (i * n + i if rank == ENTRIES else i) * lanes
                quadratic_lines(curvature.lines, (at, min(rank, 0)), 1, stack, (j * stride + gammas + i * lanes, 0),
                                out, (j * d_stride + top + i * lanes, 1), of_one)
            for r in range(term_count(rank)):
                v = j * held + (base + r * (n + 1)) * lanes
                for s in range(lanes):
                    b = stack[j * stride + gammas + i * lanes + s] * curvature.lines[v + i * lanes + s]
                    to = j * d_stride + top + i * lanes + s
                    out[to] = fma(b * b, curvature.lines[v + n * lanes + s], out[to])


@kernel
def rank_factors(theta, back, plan, stack, curvature, out, panels):
    """The same where every h is 0: the sum over r of s_r ((B^l)^T x_r)^2, without a chain."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, d_stride = plan[depth, WIDTH], delta_lines(plan) * lanes
    held = curvature_lines(n, curvature.rank) * lanes
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    delta = np.empty(d_stride, theta.dtype)
    for j in range(panels[0], panels[1]):
        out[j * d_stride:(j + 1) * d_stride] = 0
        for r in range(curvature.rank):
            v = j * held + (n + r * (n + 1)) * lanes
            for i in range(n * lanes):
                delta[top + i] = curvature.lines[v + i]
            descend(back, plan, stack, j * lanes * stack_lines(plan), delta, 1)
            for p in range(0, d_stride, lanes):
                for s in range(lanes):
                    to = j * d_stride + p + s
                    out[to] = fma(delta[p + s] * delta[p + s], curvature.lines[v + n * lanes + s], out[to])


@kernel
def square_inputs(plan, stack, place, squares, panels):
    """The squares of a^0 … a^{L-1} of panels whose stacks begin at `place`, laid out as a stack from 0."""
    lanes = lanes_of(stack)
    stride = stack_lines(plan) * lanes
    for j in range(panels):
        at = place + j * stride
        multiply_lines(stack, at, stack, at, squares, j * stride, plan[plan.shape[0] - 1, ROW])


@kernel
def square_sums(theta, plan, stack, factors, m, partial, room, chunks):
    """partial[c] = the sum over the samples of chunk c of factors^l ⊗ (a^{l-1})^2 and factors^l; row chunks[2] of `room` is its
    own."""
    lanes = lanes_of(theta)
    blocks = (m + BLOCK - 1) // BLOCK
    size, _ = chunk_blocks(blocks, partial.shape[0])
    work = sum_work(room[chunks[2]], plan, m, theta.size, partial.shape[0])
    for c in range(chunks[0], chunks[1]):
        filled = 0
        for b in range(c * size, min((c + 1) * size, blocks)):
            first = b * BLOCK
            count = min(BLOCK, m - first)
            square_inputs(plan, stack, first * stack_lines(plan), work.second, (count + lanes - 1) // lanes)
            block_gradient(plan, work.second, 0, factors, first * delta_lines(plan), count, work.scratch,
                           work.levels[filled] if size > 1 else partial[c])
            if size > 1:
                filled = push_level(work.levels, filled, b - c * size)
        if size > 1:
            fold_levels_into(partial[c], work.levels, filled)


@kernel
def pack_squares(plan, stack, m, size, packed, blocks):
    """The squares of a^0 … a^{L-1} of blocks blocks[0] … blocks[1] - 1, packed, `size` numbers a block."""
    lanes = lanes_of(stack)
    squares = np.empty(BLOCK * stack_lines(plan) + lanes * lanes, stack.dtype)
    for b in range(blocks[0], blocks[1]):
        first = b * BLOCK
        count = min(BLOCK, m - first)
        square_inputs(plan, stack, first * stack_lines(plan), squares, (count + lanes - 1) // lanes)
        to = b * size
        for l in range(plan.shape[0] - 1):
            pack(squares, (plan[l, ROW] * lanes, stack_lines(plan) * lanes), plan[l, WIDTH], count, packed, to, BLOCK)
            to += (plan[l, WIDTH] + lanes - 1) // lanes * lanes * BLOCK
