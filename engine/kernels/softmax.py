"""Softmax and its cross-entropy, gradient and Hessian without cancellation: with e_i = e^(u_i - u_t), t the likeliest class, every
1 - p_t is the sum of the other e_i over the sum of all, however small it is."""

import numpy as np

from .elementary import exp, log1p
from .layout import line
from .linked import kernel, shared
from .panels import gather, scatter
from .signatures import Cube, Line, Table
from .simd import lanes_of, polynomial

EPSILON = polynomial((2.220446049250313e-16,), (1.1920928955078125e-07,))


@shared
def softmax_cross_entropy_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """w log(1 + o) - y · (u - u_t), with w = sum y and o the sum of e_i over the classes other than t; and w p - y, whose entry for
    t is the sum of the other y less w o / (1 + o) where p_t > 1/2. u, y, gradient [n][lanes], loss [lanes]; scratch has LOSS_LINES
    lines."""
    lanes = lanes_of(u)
    top, total, others = scratch[:lanes], scratch[lanes:2 * lanes], scratch[2 * lanes:3 * lanes]
    weight, rest = scratch[3 * lanes:4 * lanes], scratch[4 * lanes:5 * lanes]
    zero, one, two = u.dtype.type(0), u.dtype.type(1), u.dtype.type(2)
    for s in range(lanes):
        top[s] = u[s]
    total[:] = 0
    others[:] = 0
    weight[:] = 0
    rest[:] = 0
    for q in range(1, n):
        a = u[line(0, q, lanes):line(0, q + 1, lanes)]
        for s in range(lanes):
            top[s] = max(top[s], a[s])
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[start:end], y[start:end], gradient[start:end]
        for s in range(lanes):
            d = a[s] - top[s]
            e = exp(d)
            g[s] = e
            total[s] += e
            others[s] += e if d != zero else zero
            weight[s] += t[s]
            rest[s] += t[s] if d != zero else zero
            loss[s] -= t[s] * d
    for s in range(lanes):
        odds = others[s] if total[s] < two else total[s] - one  # of several likeliest classes, one is not among the others
        share = weight[s] / total[s]
        loss[s] += weight[s] * log1p(odds)
        total[s] = share
        rest[s] -= odds * share
        top[s] = one if odds < one else two  # the e of the class whose gradient is `rest`; no e is 2
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        t, g = y[start:end], gradient[start:end]
        for s in range(lanes):
            e = g[s]
            g[s] = rest[s] if e == top[s] else e * total[s] - t[s]


@kernel
def softmax(A, p, likeliest, span):
    """p = softmax(a^L) [m, n] of the samples of `span`, and `likeliest` [m, n]: 1 at the class of each that is likelier
    than all others together, if there is one, and 0 elsewhere."""
    lanes, n, every_sample = lanes_of(A), A.shape[1], np.empty(0, np.int64)
    first, stop = span
    zero, one, two = A.dtype.type(0), A.dtype.type(1), A.dtype.type(2)
    panels = np.empty(line(0, 2 * n + 2, lanes), A.dtype)
    marks, scratch = panels[line(0, n, lanes):line(0, 2 * n, lanes)], panels[line(0, 2 * n, lanes):]
    top, total = scratch[:lanes], scratch[lanes:]
    for sample in range(first, stop, lanes):
        count = min(lanes, stop - sample)
        gather(A, every_sample, sample, count, panels, 0, 0)
        for s in range(lanes):
            top[s] = panels[s]
        for i in range(1, n):
            a = panels[line(0, i, lanes):line(0, i + 1, lanes)]
            for s in range(lanes):
                top[s] = max(top[s], a[s])
        total[:] = 0
        for i in range(n):
            start, end = line(0, i, lanes), line(0, i + 1, lanes)
            a, mark = panels[start:end], marks[start:end]
            for s in range(lanes):
                d = a[s] - top[s]
                mark[s] = one if d == zero else zero
                a[s] = exp(d)
                total[s] += a[s]
        for i in range(n):
            start, end = line(0, i, lanes), line(0, i + 1, lanes)
            a, mark = panels[start:end], marks[start:end]
            for s in range(lanes):
                a[s] /= total[s]
                mark[s] = mark[s] if total[s] < two else zero
        scatter(panels, 0, 0, sample, count, p)
        scatter(panels, line(0, n, lanes), 0, sample, count, likeliest)


@kernel
def softmax_covariance(p, scale, out):
    """out[k] = scale_k (diag(p_k) - p_k p_k^T) [n, n] for p [m, n], scale [m] >= 0.

    An entry of the diagonal is the sum of scale p_i p_j over the other classes j, rounded up, so that the matrix of rounded numbers
    is diagonally dominant and thus positive semi-definite exactly.
    """
    m, n = p.shape
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for k in range(m):
        for i in range(n):
            total, lost = zero, zero
            for j in range(n):
                if j != i:
                    x = scale[k] * (p[k, i] * p[k, j])
                    out[k, i, j] = -x
                    summed = total + x
                    z = summed - total
                    lost += (total - (summed - z)) + (x - z)
                    total = summed
            total += lost
            out[k, i, i] = total * (one + (EPSILON(one) + EPSILON(one))) if n > 2 else total


@shared
def softmax_cross_entropy_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """w (diag(p) - p p^T), with w = sum y."""
    m, n = A.shape
    p, likeliest, weight = np.empty_like(A), np.empty_like(A), np.empty(m, A.dtype)
    softmax(A, p, likeliest, (0, m))
    for k in range(m):
        weight[k] = A.dtype.type(1)
        if y.shape[1] == n:
            weight[k] = y[k, 0]
            for q in range(1, n):
                weight[k] += y[k, q]
    softmax_covariance(p, weight, out)
