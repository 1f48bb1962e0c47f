"""H_k [n, n] at the outputs of every sample, in panels: its products and its quadratic forms, samples as lanes."""

from collections import namedtuple

import numpy as np

from .linked import kernel, shared
from .panels import gather, scatter
from .simd import copy_lines, fma_lines, lanes_of, multiply_lines

# H of `samples` samples in panels. rank >= 0: diag(h) + the sum over r < rank of s_r x_r x_r^T, as the lines h [n], x_0 [n], s_0,
# x_1 …; rank = ENTRIES: every entry, [n * n] lines; rank = SOFTMAX - r: w (diag(p) - p p^T) and r such terms, as the lines p [n],
# 1 at the class t whose p is above 1/2 among zeros [n], w p [n], x_0 [n], s_0, x_1 …. Lanes without a sample hold zeros.
Curvature = namedtuple("Curvature", "lines rank samples")
ENTRIES, SOFTMAX = -1, -2


@kernel
def term_count(rank):
    """How many terms s x x^T there are."""
    return rank if rank >= 0 else max(SOFTMAX - rank, 0)


@kernel
def base_lines(n, rank):
    """Lines of one panel's H before its terms."""
    return n if rank >= 0 else (n * n if rank == ENTRIES else 3 * n)


@kernel
def curvature_lines(n, rank):
    """Lines of one panel's H."""
    return base_lines(n, rank) + term_count(rank) * (n + 1)


@kernel
def curve_softmax(lines, at, n, tangent, x, out, y, work):
    """out = w p ⊙ (d - p · d) with d = v - v_t, the tangent v measured from the class t with p_t > 1/2, or from 0 where there is
    none: (diag(p) - p p^T) v without the difference of p_t and p_t^2, for d_t = 0 and p · d sums what is unlikely. `work` has two
    lines."""
    lanes = lanes_of(lines)
    one = lines.dtype.type(1)
    moved, ones = work[:lanes], work[lanes:2 * lanes]
    moved[:] = 0
    ones[:] = one
    fma_lines(lines, (at + n * lanes, lanes), tangent, (x, lanes), moved, (0, 0), n)
    for s in range(lanes):
        moved[s] = -moved[s]
    copy_lines(tangent, x, out, y, n)
    fma_lines(moved, (0, 0), ones, (0, 0), out, (y, lanes), n)
    moved[:] = 0
    fma_lines(lines, (at, lanes), out, (y, lanes), moved, (0, 0), n)
    for s in range(lanes):
        moved[s] = -moved[s]
    fma_lines(moved, (0, 0), ones, (0, 0), out, (y, lanes), n)
    multiply_lines(lines, at + 2 * n * lanes, out, y, out, y, n)


@shared("line 2 line 2 line 2 2")
def curve(lines, h, tangent, t, out, o, shape):
    """out_j = H_j tangent_j for panels j: h = (first, rank), t, o = (first, panel stride), shape = (n, panels)."""
    lanes = lanes_of(lines)
    n, panels = shape
    rank, base = h[1], base_lines(n, h[1])
    step = curvature_lines(n, rank) * lanes
    total = np.empty(2 * lanes, lines.dtype)
    for j in range(panels):
        at, x, y = h[0] + j * step, t[0] + j * t[1], o[0] + j * o[1]
        if rank == ENTRIES:
            for i in range(n):
                multiply_lines(lines, at + i * n * lanes, tangent, x, out, y + i * lanes, 1)
                fma_lines(lines, (at + (i * n + 1) * lanes, lanes), tangent, (x + lanes, lanes), out, (y + i * lanes, 0), n - 1)
        elif rank < ENTRIES:
            curve_softmax(lines, at, n, tangent, x, out, y, total)
        else:
            multiply_lines(lines, at, tangent, x, out, y, n)
        for r in range(term_count(rank)):
            v = at + (base + r * (n + 1)) * lanes
            total[:lanes] = 0
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


@kernel
def softmax_quadratic(lines, at, n, factor, f, out, width, work):
    """out_q = w times the sum over i of p_i (d_i - p · d)^2, with d_i = factor_iq - factor_tq: a variance from squares alone, never
    below 0. f = (first, stride from i to i + 1) of factor, which is overwritten by d; out [width][lanes]; `work` has 2 width
    lines."""
    lanes = lanes_of(lines)
    size = width * lanes
    squares, mean = work[:size], work[size:2 * size]
    work[:2 * size] = 0
    for i in range(n):
        fma_lines(lines, (at + (n + i) * lanes, 0), factor, (f[0] + i * f[1], lanes), squares, (0, lanes), width)
    for i in range(n):
        d = factor[f[0] + i * f[1]:f[0] + i * f[1] + size]
        for k in range(size):
            d[k] -= squares[k]  # which hold factor_t
        fma_lines(lines, (at + i * lanes, 0), factor, (f[0] + i * f[1], lanes), mean, (0, lanes), width)
    for i in range(n):
        d = factor[f[0] + i * f[1]:f[0] + i * f[1] + size]
        for k in range(size):
            squares[k] = (d[k] - mean[k]) * (d[k] - mean[k])
        fma_lines(lines, (at + (2 * n + i) * lanes, 0), squares, (0, lanes), out, (0, lanes), width)


@kernel
def softmax_diagonal(lines, at, n, factor, f, out, o, work):
    """out_i = factor_i^2 w p_i (1 - p_i), where 1 - p_t is the sum of the p of all classes but the likeliest, t; factor [n][lanes]
    from f, out [n][lanes] from o. `work` has a line."""
    lanes = lanes_of(lines)
    zero, one = lines.dtype.type(0), lines.dtype.type(1)
    work[:lanes] = 0
    for i in range(n):
        p, top = lines[at + i * lanes:at + (i + 1) * lanes], lines[at + (n + i) * lanes:at + (n + i + 1) * lanes]
        for s in range(lanes):
            work[s] += p[s] if top[s] == zero else zero
    for i in range(n):
        p, top = lines[at + i * lanes:at + (i + 1) * lanes], lines[at + (n + i) * lanes:at + (n + i + 1) * lanes]
        for s in range(lanes):
            b = factor[f + i * lanes + s]
            share = lines[at + (2 * n + i) * lanes + s] * (one - p[s] if top[s] == zero else work[s])
            out[o + i * lanes + s] = b * b * share


@kernel
def quadratic_lines(lines, h, n, factor, f, out, o, work):
    """out_p = sum over i, q of factor_ip H_iq factor_qp for `width` lines p of one panel: h = (first, rank) of H, f = (first,
    stride from i to i + 1) of factor, o = (first, width) of out; `work` has 2 width lines. Where H
    is of softmax, factor is overwritten."""
    lanes = lanes_of(lines)
    (at, rank), (to, width) = h, o
    base = base_lines(n, rank)
    out[to:to + width * lanes] = 0
    if rank == ENTRIES:
        for i in range(n):
            work[:width * lanes] = 0
            for q in range(n):
                fma_lines(lines, (at + (i * n + q) * lanes, 0), factor, (f[0] + q * f[1], lanes), work, (0, lanes), width)
            fma_lines(work, (0, lanes), factor, (f[0] + i * f[1], lanes), out, (to, lanes), width)
    elif rank < ENTRIES:
        softmax_quadratic(lines, at, n, factor, f, out[to:to + width * lanes], width, work)
    else:
        for i in range(n):
            multiply_lines(factor, f[0] + i * f[1], factor, f[0] + i * f[1], work, 0, width)
            fma_lines(lines, (at + i * lanes, 0), work, (0, lanes), out, (to, lanes), width)
    for r in range(term_count(rank)):
        v = at + (base + r * (n + 1)) * lanes
        work[:width * lanes] = 0
        for i in range(n):
            fma_lines(lines, (v + i * lanes, 0), factor, (f[0] + i * f[1], lanes), work, (0, lanes), width)
        multiply_lines(work, 0, work, 0, work, 0, width)
        fma_lines(lines, (v + n * lanes, 0), work, (0, lanes), out, (to, lanes), width)
