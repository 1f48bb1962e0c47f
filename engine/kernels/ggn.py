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
from .panels import gather, scatter
from .product import pack, panel_product
from .simd import fma, fma_lines, lanes_of, multiply_lines
from .sums import BLOCK
from .tangents import tangents
from .transposed import step_back

# H of `samples` samples in panels. rank >= 0: diag(h) + the sum over r < rank of s_r x_r x_r^T, as the lines h [n], x_0 [n], s_0,
# x_1 …; rank = -1: every entry, [n * n] lines. Lanes without a sample hold zeros.
Curvature = namedtuple("Curvature", "lines rank samples")
SumWork = namedtuple("SumWork", "delta second scratch levels")  # `second` holds tangents, or the squares of inputs


@kernel
def curvature_lines(n, rank):
    """Lines of one panel's H."""
    return n * n if rank < 0 else n + rank * (n + 1)


@shared("line 2 line 2 line 2 2")
def curve(lines, h, tangent, t, out, o, shape):
    """out_j = H_j tangent_j for panels j: h = (first, rank), t, o = (first, panel stride), shape = (n, panels)."""
    lanes = lanes_of(lines)
    n, panels = shape
    step = curvature_lines(n, h[1]) * lanes
    total = np.empty(lanes, lines.dtype)
    for j in range(panels):
        at, x, y = h[0] + j * step, t[0] + j * t[1], o[0] + j * o[1]
        if h[1] < 0:
            for i in range(n):
                multiply_lines(lines, at + i * n * lanes, tangent, x, out, y + i * lanes, 1)
                fma_lines(lines, (at + (i * n + 1) * lanes, lanes), tangent, (x + lanes, lanes), out, (y + i * lanes, 0), n - 1)
            continue
        multiply_lines(lines, at, tangent, x, out, y, n)
        for r in range(h[1]):
            v = at + (n + r * (n + 1)) * lanes
            total[:] = 0
            fma_lines(lines, (v, lanes), tangent, (x, lanes), total, (0, 0), n)
            multiply_lines(total, 0, lines, v + n * lanes, total, 0, 1)
            fma_lines(lines, (v, lanes), total, (0, 0), out, (y, lanes), n)


@kernel
def curve_rows(curvature, tangent, no_indices, out, panels):
    """Row k of out [m, n] = H_k times row k of tangent [m, n], for panels panels[0] … panels[1] - 1."""
    lanes = lanes_of(tangent)
    n = out.shape[1]
    work = np.empty((2, n * lanes), out.dtype)
    for j in range(panels[0], panels[1]):
        first = j * lanes
        count = min(lanes, out.shape[0] - first)
        gather(tangent, no_indices, first, count, work[0], 0, 0)
        curve(curvature.lines, (first * curvature_lines(n, curvature.rank), curvature.rank), work[0], (0, 0), work[1], (0, 0),
              (n, 1))
        scatter(work[1], 0, 0, first, count, out)


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
def quadratic_lines(lines, h, n, factor, f, out, o, work):
    """out_p = sum over i, q of factor_ip H_iq factor_qp for as many lines p of one panel as `work` holds: h = (first, rank) of H,
    f = (first, stride from i to i + 1) of factor, o the first of out."""
    lanes = lanes_of(lines)
    at, rank = h
    width = work.size // lanes
    out[o:o + work.size] = 0
    if rank < 0:
        for i in range(n):
            work[:] = 0
            for q in range(n):
                fma_lines(lines, (at + (i * n + q) * lanes, 0), factor, (f[0] + q * f[1], lanes), work, (0, lanes), width)
            fma_lines(work, (0, lanes), factor, (f[0] + i * f[1], lanes), out, (o, lanes), width)
        return
    for i in range(n):
        multiply_lines(factor, f[0] + i * f[1], factor, f[0] + i * f[1], work, 0, width)
        fma_lines(lines, (at + i * lanes, 0), work, (0, lanes), out, (o, lanes), width)
    for r in range(rank):
        v = at + (n + r * (n + 1)) * lanes
        work[:] = 0
        for i in range(n):
            fma_lines(lines, (v + i * lanes, 0), factor, (f[0] + i * f[1], lanes), work, (0, lanes), width)
        multiply_lines(work, 0, work, 0, work, 0, width)
        fma_lines(lines, (v + n * lanes, 0), work, (0, lanes), out, (o, lanes), width)


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
    chain, work, work_of_one = np.empty(n * step, theta.dtype), np.empty(step, theta.dtype), np.empty(lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        h = (j * held, curvature.rank)
        quadratic_lines(curvature.lines, h, n, chain, (0, step), out, j * d_stride, work)
        for i in range(n):
            quadratic_lines(curvature.lines, (h[0] + (i * n + i if h[1] < 0 else i) * lanes, 0), 1,
                            stack, (j * stride + gammas + i * lanes, 0), out, j * d_stride + top + i * lanes, work_of_one)
            for r in range(h[1]):
                v = h[0] + (n + r * (n + 1)) * lanes
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
