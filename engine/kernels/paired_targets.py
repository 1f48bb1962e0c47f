"""Losses that read two numbers of y for each output, the lines 2 q and 2 q + 1 of a panel: a target with a quantile's level, or the
weights of yes and no."""

from .elementary import exp, log1p
from .layout import line
from .linked import shared
from .signatures import Cube, Line, Table
from .simd import lanes_of


@shared
def quantile_loss_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """r d where d > 0 and (r - 1) d elsewhere, d = t - u_q, for a target t and a level r, the two numbers of y."""
    lanes, zero, one = lanes_of(u), u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        first, pair = line(0, q, lanes), line(0, 2 * q, lanes)
        a, g = u[first:first + lanes], gradient[first:first + lanes]
        t, level = y[pair:pair + lanes], y[pair + lanes:pair + 2 * lanes]
        for s in range(lanes):
            d = t[s] - a[s]
            loss[s] += level[s] * d if d > zero else (level[s] - one) * d
            g[s] = -level[s] if d > zero else (one - level[s] if d < zero else d)


@shared
def weighted_binary_cross_entropy_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """w log(1 + e^-u_q) + v log(1 + e^u_q), for the weights w of yes and v of no, the two numbers of y."""
    lanes, zero, one = lanes_of(u), u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        first, pair = line(0, q, lanes), line(0, 2 * q, lanes)
        a, g = u[first:first + lanes], gradient[first:first + lanes]
        w, v = y[pair:pair + lanes], y[pair + lanes:pair + 2 * lanes]
        for s in range(lanes):
            x, e = a[s], exp(-abs(a[s]))
            near, far = one / (one + e), e / (one + e)  # the probabilities of the likelier class and of the other
            loss[s] += (w[s] + v[s]) * log1p(e) + (v[s] * x if x > zero else -w[s] * x)
            g[s] = v[s] * near - w[s] * far if x > zero else v[s] * far - w[s] * near


@shared
def weighted_binary_cross_entropy_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """(w + v) p (1 - p) = (w + v) e / (1 + e)^2, e = e^-|u_q|."""
    one = A.dtype.type(1)
    numbers = out.reshape(-1)
    numbers[:] = 0
    for k in range(A.shape[0]):
        for q in range(A.shape[1]):
            e = exp(-abs(A[k, q]))
            out[k, q, q] = (y[k, 2 * q] + y[k, 2 * q + 1]) * (e / ((one + e) * (one + e)))
