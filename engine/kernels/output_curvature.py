"""H_k [n, n] at the outputs of every sample, in panels: its products and its quadratic forms, samples as lanes."""

from typing import NamedTuple

import numpy as np

from .forward import group_samples
from .layout import line
from .linked import kernel, shared
from .panels import gather, scatter
from .signatures import Line, Pair
from .simd import copy_lines, fma_lines, lanes_of, multiply_lines, weighted_squares


class Curvature(NamedTuple):
    """H of `samples` samples in panels; lanes without a sample hold zeros. rank >= 0: diag(h) + the sum over r < rank of
    s_r x_r x_r^T, as the lines h [n], x_0 [n], s_0, x_1 …; rank = ENTRIES: every entry, [n * n] lines; rank = SOFTMAX - r:
    w (diag(p) - p p^T) and r such terms, as the lines p [n], 1 at the class t whose p is above 1/2 among zeros [n], w p [n],
    x_0 [n], s_0, x_1 …, each x of which sums to 0."""

    lines: Line
    rank: int
    samples: int


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
def shift_lines(lines, weights, values, v, scratch, n):
    """Subtract from n lines of values from v on the sum over i of weights_i values_i, the weights being lines from `weights` on.
    `scratch` has two lines, the second of ones."""
    lanes = lanes_of(lines)
    total = scratch[:lanes]
    total[:] = 0
    fma_lines(lines, (weights, lanes), values, (v, lanes), total, (0, 0), n)
    for s in range(lanes):
        total[s] = -total[s]
    fma_lines(total, (0, 0), scratch, (lanes, 0), values, (v, lanes), n)


@kernel
def curve_softmax(lines, h, n, tangent, x, out, y, scratch):
    """out = w p ⊙ (d - p · d) with d = v - v_t, the tangent v measured from the class t with p_t > 1/2, or from 0 where there is
    none: (diag(p) - p p^T) v without the difference of p_t and p_t^2, for d_t = 0 and p · d sums what is unlikely. `scratch` has
    two lines."""
    lanes = lanes_of(lines)
    scratch[lanes:2 * lanes] = 1
    copy_lines(tangent, x, out, y, n)
    shift_lines(lines, line(h, n, lanes), out, y, scratch, n)  # d
    shift_lines(lines, h, out, y, scratch, n)
    multiply_lines(lines, line(h, 2 * n, lanes), out, y, out, y, n)


@kernel
def curve_entries(lines, h, n, tangent, x, out, y):
    """out_i = the sum over q of H_iq tangent_q, from every entry of H."""
    lanes = lanes_of(lines)
    for i in range(n):
        row, target = line(h, i * n, lanes), line(y, i, lanes)
        multiply_lines(lines, row, tangent, x, out, target, 1)
        fma_lines(lines, (row + lanes, lanes), tangent, (x + lanes, lanes), out, (target, 0), n - 1)


@kernel
def add_term(lines, term, n, tangent, x, out, y, scratch):
    """out += s x (x · tangent), the term's x and s being lines from `term` on. `scratch` has a line."""
    lanes = lanes_of(lines)
    total = scratch[:lanes]
    total[:] = 0
    fma_lines(lines, (term, lanes), tangent, (x, lanes), total, (0, 0), n)
    multiply_lines(total, 0, lines, line(term, n, lanes), total, 0, 1)
    fma_lines(lines, (term, lanes), total, (0, 0), out, (y, lanes), n)


@shared
def curve(lines: Line, h: Pair, tangent: Line, t: Pair, out: Line, o: Pair, shape: Pair):
    """out_j = H_j tangent_j for panels j: h = (offset, rank), t, o = (offset, panel stride), shape = (n, panels)."""
    lanes = lanes_of(lines)
    n, panels = shape
    offset, rank = h
    stride = line(0, curvature_lines(n, rank), lanes)
    scratch = np.empty(line(0, 2, lanes), lines.dtype)
    for j in range(panels):
        start, x, y = offset + j * stride, t[0] + j * t[1], o[0] + j * o[1]
        if rank == ENTRIES:
            curve_entries(lines, start, n, tangent, x, out, y)
        elif rank < ENTRIES:
            curve_softmax(lines, start, n, tangent, x, out, y, scratch)
        else:
            multiply_lines(lines, start, tangent, x, out, y, n)
        for r in range(term_count(rank)):
            term = line(start, base_lines(n, rank) + r * (n + 1), lanes)
            add_term(lines, term, n, tangent, x, out, y, scratch)


@kernel
def curve_rows(curvature, tangent, no_indices, out, span):
    """Row k of out [m, n] = H_k times row k of tangent [m, n], for the panels of `span`."""
    lanes, n = lanes_of(tangent), out.shape[1]
    size = line(0, curvature_lines(n, curvature.rank), lanes)
    scratch = np.empty((2, line(0, n, lanes)), out.dtype)
    first, stop, _ = span
    for j in range(first, stop):
        sample, count = group_samples(j, j + 1, lanes, out.shape[0])
        gather(tangent, no_indices, sample, count, scratch[0], 0, 0)
        curve(curvature.lines, (j * size, curvature.rank), scratch[0], (0, 0), scratch[1], (0, 0), (n, 1))
        scatter(scratch[1], 0, 0, sample, count, out)


@kernel
def softmax_quadratic(lines, h, n, factor, f, out, width, scratch):
    """out_q = w times the sum over i of p_i (d_i - p · d)^2, with d_i = factor_iq - factor_tq: a variance from squares alone, never
    below 0. f = (offset, stride from i to i + 1) of factor, which is overwritten by d; out [width][lanes]; `scratch` has 2 width
    lines."""
    lanes = lanes_of(lines)
    size = line(0, width, lanes)
    squares, mean = scratch[:size], scratch[size:2 * size]
    scratch[:2 * size] = 0
    for i in range(n):
        fma_lines(lines, (line(h, n + i, lanes), 0), factor, (f[0] + i * f[1], lanes), squares, (0, lanes), width)
    for i in range(n):
        d = factor[f[0] + i * f[1]:f[0] + i * f[1] + size]
        for k in range(size):
            d[k] -= squares[k]  # which hold factor_t
        fma_lines(lines, (line(h, i, lanes), 0), factor, (f[0] + i * f[1], lanes), mean, (0, lanes), width)
    for i in range(n):
        d = factor[f[0] + i * f[1]:f[0] + i * f[1] + size]
        for k in range(size):
            squares[k] = (d[k] - mean[k]) * (d[k] - mean[k])
        fma_lines(lines, (line(h, 2 * n + i, lanes), 0), squares, (0, lanes), out, (0, lanes), width)


@kernel
def softmax_diagonal(lines, h, n, factor, f, out, o, scratch):
    """out_i = factor_i^2 w p_i (1 - p_i), where 1 - p_t is the sum of the p of all classes but the likeliest, t; factor [n][lanes]
    from f, out [n][lanes] from o. `scratch` has a line."""
    lanes = lanes_of(lines)
    zero, one = lines.dtype.type(0), lines.dtype.type(1)
    scratch[:lanes] = 0
    for i in range(n):
        p, top = line(h, i, lanes), line(h, n + i, lanes)
        for s in range(lanes):
            scratch[s] += lines[p + s] if lines[top + s] == zero else zero
    for i in range(n):
        p, top, scaled, b, target = (line(h, i, lanes), line(h, n + i, lanes), line(h, 2 * n + i, lanes), line(f, i, lanes),
                                     line(o, i, lanes))
        for s in range(lanes):
            others = one - lines[p + s] if lines[top + s] == zero else scratch[s]
            share = lines[scaled + s] * others
            out[target + s] = factor[b + s] * factor[b + s] * share


@kernel
def add_quadratic_term(lines, term, n, factor, f, out, width, scratch):
    """out_p += s (the sum over i of x_i factor_ip)^2, the term's x and s being lines from `term` on. `scratch` has width lines."""
    lanes = lanes_of(lines)
    scratch[:line(0, width, lanes)] = 0
    for i in range(n):
        fma_lines(lines, (line(term, i, lanes), 0), factor, (f[0] + i * f[1], lanes), scratch, (0, lanes), width)
    multiply_lines(scratch, 0, scratch, 0, scratch, 0, width)
    fma_lines(lines, (line(term, n, lanes), 0), scratch, (0, lanes), out, (0, lanes), width)


@kernel
def entries_quadratic(lines, h, n, factor, f, out, width, scratch):
    """out_p = the sum over i, q of factor_ip H_iq factor_qp, from every entry of H. `scratch` has width lines."""
    lanes = lanes_of(lines)
    for i in range(n):
        scratch[:line(0, width, lanes)] = 0
        for q in range(n):
            fma_lines(lines, (line(h, i * n + q, lanes), 0), factor, (f[0] + q * f[1], lanes), scratch, (0, lanes), width)
        fma_lines(scratch, (0, lanes), factor, (f[0] + i * f[1], lanes), out, (0, lanes), width)


@kernel
def quadratic_lines(lines, h, n, factor, f, out, o, scratch):
    """out_p = sum over i, q of factor_ip H_iq factor_qp for `width` lines p of one panel: h = (offset, rank) of H, f = (offset,
    stride from i to i + 1) of factor, o = (offset, width) of out; `scratch` has 2 width lines. Where H is of softmax, factor is
    overwritten."""
    lanes = lanes_of(lines)
    (offset, rank), (start, width) = h, o
    target = out[start:line(start, width, lanes)]
    if rank >= 0:
        weighted_squares(lines, offset, factor, f, target, 0, (width, n))
    else:
        target[:] = 0
    if rank == ENTRIES:
        entries_quadratic(lines, offset, n, factor, f, target, width, scratch)
    elif rank < ENTRIES:
        softmax_quadratic(lines, offset, n, factor, f, target, width, scratch)
    for r in range(term_count(rank)):
        term = line(offset, base_lines(n, rank) + r * (n + 1), lanes)
        add_quadratic_term(lines, term, n, factor, f, target, width, scratch)
