"""H_k [n, n] at the outputs of every sample, in panels: its products and its quadratic forms, samples as lanes."""

from collections import namedtuple

import numpy as np

from .linked import kernel, shared
from .panels import gather, scatter
from .simd import fma_lines, lanes_of, multiply_lines

# H of `samples` samples in panels. rank >= 0: diag(h) + the sum over r < rank of s_r x_r x_r^T, as the lines h [n], x_0 [n], s_0,
# x_1 …; rank = ENTRIES: every entry, [n * n] lines; rank = SOFTMAX - r: w (diag(p) - p p^T) and r such terms, as the lines p [n],
# 1 at the class t whose p is above 1/2 among zeros [n], w, x_0 [n], s_0, x_1 …. Lanes without a sample hold zeros.
Curvature = namedtuple("Curvature", "lines rank samples")
ENTRIES, SOFTMAX = -1, -2


@kernel
def term_count(rank):
    """How many terms s x x^T there are."""
    return rank if rank >= 0 else max(SOFTMAX - rank, 0)


@kernel
def base_lines(n, rank):
    """Lines of one panel's H before its terms."""
    return n if rank >= 0 else (n * n if rank == ENTRIES else 2 * n + 1)


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
    from_top, mean, scale = work[:lanes], work[lanes:2 * lanes], lines[at + 2 * n * lanes:at + (2 * n + 1) * lanes]
    work[:2 * lanes] = 0
    fma_lines(lines, (at + n * lanes, lanes), tangent, (x, lanes), from_top, (0, 0), n)
    for i in range(n):
        v, d = tangent[x + i * lanes:x + (i + 1) * lanes], out[y + i * lanes:y + (i + 1) * lanes]
        for s in range(lanes):
            d[s] = v[s] - from_top[s]
    fma_lines(lines, (at, lanes), out, (y, lanes), mean, (0, 0), n)
    for i in range(n):
        p, d = lines[at + i * lanes:at + (i + 1) * lanes], out[y + i * lanes:y + (i + 1) * lanes]
        for s in range(lanes):
            d[s] = scale[s] * (p[s] * (d[s] - mean[s]))


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
    below 0. f = (first, stride from i to i + 1) of factor; out [width][lanes]; `work` has 2 width lines."""
    lanes = lanes_of(lines)
    from_top, mean = work[:width * lanes], work[width * lanes:2 * width * lanes]
    work[:2 * width * lanes] = 0
    for i in range(n):
        fma_lines(lines, (at + (n + i) * lanes, 0), factor, (f[0] + i * f[1], lanes), from_top, (0, lanes), width)
    for i in range(n):
        p = lines[at + i * lanes:at + (i + 1) * lanes]
        for q in range(width):
            v, r = factor[f[0] + i * f[1] + q * lanes:], from_top[q * lanes:(q + 1) * lanes]
            to = mean[q * lanes:(q + 1) * lanes]
            for s in range(lanes):
                to[s] += p[s] * (v[s] - r[s])
    for i in range(n):
        p = lines[at + i * lanes:at + (i + 1) * lanes]
        for q in range(width):
            v, r = factor[f[0] + i * f[1] + q * lanes:], from_top[q * lanes:(q + 1) * lanes]
            c, to = mean[q * lanes:(q + 1) * lanes], out[q * lanes:(q + 1) * lanes]
            for s in range(lanes):
                d = (v[s] - r[s]) - c[s]
                to[s] += p[s] * (d * d)
    for q in range(width):
        to, scale = out[q * lanes:(q + 1) * lanes], lines[at + 2 * n * lanes:at + (2 * n + 1) * lanes]
        for s in range(lanes):
            to[s] *= scale[s]


@kernel
def softmax_diagonal(lines, at, n, factor, f, out, o, work):
    """out_i = factor_i^2 w p_i (1 - p_i), where 1 - p_t is the sum of the p of all classes but the likeliest, t; factor [n][lanes]
    from f, out [n][lanes] from o. `work` has a line."""
    lanes = lanes_of(lines)
    zero, one = lines.dtype.type(0), lines.dtype.type(1)
    scale = lines[at + 2 * n * lanes:at + (2 * n + 1) * lanes]
    work[:lanes] = 0
    for i in range(n):
        p, top = lines[at + i * lanes:at + (i + 1) * lanes], lines[at + (n + i) * lanes:at + (n + i + 1) * lanes]
        for s in range(lanes):
            work[s] += p[s] if top[s] == zero else zero
    for i in range(n):
        p, top = lines[at + i * lanes:at + (i + 1) * lanes], lines[at + (n + i) * lanes:at + (n + i + 1) * lanes]
        for s in range(lanes):
            b = factor[f + i * lanes + s]
            out[o + i * lanes + s] = b * b * (scale[s] * (p[s] * (one - p[s] if top[s] == zero else work[s])))


@kernel
def quadratic_lines(lines, h, n, factor, f, out, o, work):
    """out_p = sum over i, q of factor_ip H_iq factor_qp for `width` lines p of one panel: h = (first, rank) of H, f = (first,
    stride from i to i + 1) of factor, o = (first, width) of out; `work` has 2 width lines."""
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
