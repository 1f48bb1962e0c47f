"""Losses that are sums over outputs: L, ∇L and the diagonal of ∇²L.

A member ``…_panel`` takes one panel: the outputs u and y [n][lanes], adds L to loss [lanes], which holds zeros, and writes ∇L to
gradient [n][lanes]. A member ``…_hessian`` writes ∇²L [m, n, n] of A [m, n] and y [m, n].
"""

import numpy as np

from .elementary import exp, expm1, log1p, tanh
from .layout import line
from .linked import kernel, shared
from .signatures import Cube, Line, Table
from .simd import lanes_of

LN2 = 0.6931471805599453


@shared
def squared_error_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """1/2 |u - y|^2."""
    lanes, half = lanes_of(u), u.dtype.type(0.5)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            d = a[s] - t[s]
            loss[s] += half * d * d
            g[s] = d


@shared
def absolute_error_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """The sum of |u_q - y_q|."""
    lanes, zero, one = lanes_of(u), u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            d = a[s] - t[s]
            loss[s] += abs(d)
            g[s] = one if d > zero else (-one if d < zero else d)


@shared
def huber_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """d^2 / 2 up to |d| = parameter, a line beyond, d = u_q - y_q."""
    lanes, half, delta = lanes_of(u), u.dtype.type(0.5), u.dtype.type(parameter)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            d = a[s] - t[s]
            near = min(max(d, -delta), delta)
            loss[s] += near * (d - half * near)
            g[s] = near


@shared
def log_cosh_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """log cosh d, d = u_q - y_q: from e^|d| - 1 up to |d| = 1, and |d| - log 2 + log(1 + e^(-2 |d|)) beyond."""
    lanes, half, one, two = lanes_of(u), u.dtype.type(0.5), u.dtype.type(1), u.dtype.type(2)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            d = a[s] - t[s]
            e = expm1(min(abs(d), one))
            near, far = log1p(half * e * e / (one + e)), abs(d) + (log1p(exp(-two * abs(d))) - u.dtype.type(LN2))
            loss[s] += near if abs(d) < one else far
            g[s] = tanh(d)


@shared
def binary_cross_entropy_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """log(1 + e^u_q) - y_q u_q."""
    lanes, zero, one = lanes_of(u), u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            x, e = a[s], exp(-abs(a[s]))
            far = e / (one + e)  # the probability of the less likely class
            loss[s] += log1p(e) + ((one - t[s]) * x if x > zero else -t[s] * x)
            g[s] = (one - t[s]) - far if x > zero else far - t[s]


@shared
def poisson_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """e^u_q - y_q u_q."""
    lanes = lanes_of(u)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            e = exp(a[s])
            loss[s] += e - t[s] * a[s]
            g[s] = e - t[s]


@shared
def hinge_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """max(0, 1 - y_q u_q)."""
    lanes, zero, one = lanes_of(u), u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        first, stop = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[first:stop], y[first:stop], gradient[first:stop]
        for s in range(lanes):
            margin = one - t[s] * a[s]
            loss[s] += margin if margin > zero else (zero if margin == margin else margin)
            g[s] = -t[s] if margin > zero else zero


@shared
def unknown_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """NaN, for a code that is no loss's."""
    for s in range(loss.size):
        loss[s] = np.nan
    for i in range(gradient.size):
        gradient[i] = np.nan


@kernel
def clear(out):
    """Zeros into out [m, n, n]."""
    for k in range(out.shape[0]):
        for i in range(out.shape[1]):
            for q in range(out.shape[2]):
                out[k, i, q] = 0


@shared
def zero_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """0, of a loss that is linear in its outputs piece by piece."""
    clear(out)


@shared
def squared_error_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """The identity."""
    clear(out)
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            out[k, q, q] = 1


@shared
def huber_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """1 where |u_q - y_q| <= parameter, 0 beyond and where that is NaN."""
    zero, one, delta = A.dtype.type(0), A.dtype.type(1), A.dtype.type(parameter)
    clear(out)
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            out[k, q, q] = one if abs(A[k, q] - y[k, q]) <= delta else zero


@shared
def log_cosh_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """1 / cosh^2 d = 4 e / (1 + e)^2, e = e^(-2 |d|), d = u_q - y_q."""
    one, two = A.dtype.type(1), A.dtype.type(2)
    clear(out)
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            e = exp(-two * abs(A[k, q] - y[k, q]))
            out[k, q, q] = two * two * e / ((one + e) * (one + e))


@shared
def binary_cross_entropy_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """p (1 - p) = e / (1 + e)^2, e = e^-|u_q|."""
    one = A.dtype.type(1)
    clear(out)
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            e = exp(-abs(A[k, q]))
            out[k, q, q] = e / ((one + e) * (one + e))


@shared
def poisson_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """e^u_q."""
    clear(out)
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            out[k, q, q] = exp(A[k, q])


@shared
def unknown_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """NaN, for a code that is no loss's."""
    for k in range(out.shape[0]):
        for i in range(out.shape[1]):
            for q in range(out.shape[2]):
                out[k, i, q] = np.nan
