"""1 - cos of the angle between u and y, as half the square of what separates their directions: vectors are scaled by a power of two
first, so that no square overflows or vanishes, and none of the rest changes its bits."""

import numpy as np

from .layout import line
from .linked import kernel, shared
from .powers import power_of_two
from .signatures import Cube, Line, Table
from .simd import lanes_of, scale_by_power


@shared
def cosine_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """|d|^2 / 2 with d = y / |y| - u / |u|, and -(d + |d|^2 / 2 · u / |u|) / |u|; 1, with gradient 0, where u or y is 0. u, y,
    gradient [n][lanes], loss [lanes]; scratch has four lines."""
    lanes = lanes_of(u)
    u_power, y_power = scratch[:lanes], scratch[lanes:2 * lanes]
    u_inverse, y_inverse = scratch[2 * lanes:3 * lanes], scratch[3 * lanes:4 * lanes]
    zero, half, one = u.dtype.type(0), u.dtype.type(0.5), u.dtype.type(1)
    scratch[:4 * lanes] = 0
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        a, t = u[start:end], y[start:end]
        for s in range(lanes):
            u_power[s] = max(u_power[s], abs(a[s]))
            y_power[s] = max(y_power[s], abs(t[s]))
    for s in range(lanes):
        u_power[s] = -power_of_two(u_power[s])
        y_power[s] = -power_of_two(y_power[s])
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        a, t = u[start:end], y[start:end]
        for s in range(lanes):
            b, c = scale_by_power(a[s], u_power[s]), scale_by_power(t[s], y_power[s])
            u_inverse[s] += b * b
            y_inverse[s] += c * c
    for s in range(lanes):
        none = u_inverse[s] == zero or y_inverse[s] == zero
        u_inverse[s] = zero if none else one / np.sqrt(u_inverse[s])
        y_inverse[s] = zero if none else one / np.sqrt(y_inverse[s])
        loss[s] = one if none else zero
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        a, t = u[start:end], y[start:end]
        for s in range(lanes):
            d = scale_by_power(t[s], y_power[s]) * y_inverse[s] - scale_by_power(a[s], u_power[s]) * u_inverse[s]
            loss[s] += half * d * d
    for q in range(n):
        start, end = line(0, q, lanes), line(0, q + 1, lanes)
        a, t, g = u[start:end], y[start:end], gradient[start:end]
        for s in range(lanes):
            b = scale_by_power(a[s], u_power[s]) * u_inverse[s]
            d = scale_by_power(t[s], y_power[s]) * y_inverse[s] - b
            g[s] = zero - scale_by_power((d + loss[s] * b) * u_inverse[s], u_power[s])


@kernel
def hessian_of_sample(u, y, out):
    """(û ŷ^T + ŷ û^T + c (I - 3 û û^T)) / |u|^2 with directions û, ŷ and c = û · ŷ; u, y [n], out [n, n], which is 0 where u or y
    is."""
    n, zero, one = u.size, u.dtype.type(0), u.dtype.type(1)
    u_largest, y_largest, uu, yy, dot = zero, zero, zero, zero, zero
    for q in range(n):
        u_largest, y_largest = max(u_largest, abs(u[q])), max(y_largest, abs(y[q]))
    u_power, y_power = -power_of_two(u_largest), -power_of_two(y_largest)
    for q in range(n):
        a, t = scale_by_power(u[q], u_power), scale_by_power(y[q], y_power)
        dot += a * t
        uu += a * a
        yy += t * t
    out[:] = zero
    if uu == zero or yy == zero:
        return
    inverse = one / np.sqrt(uu * yy)
    c = dot * inverse
    for i in range(n):
        a_i, t_i = scale_by_power(u[i], u_power), scale_by_power(y[i], y_power)
        for j in range(n):
            a_j, t_j = scale_by_power(u[j], u_power), scale_by_power(y[j], y_power)
            cross = (a_i * t_j + t_i * a_j) * inverse / uu
            square = c / uu * ((one if i == j else zero) - (one + one + one) * a_i * a_j / uu)
            out[i, j] = scale_by_power(scale_by_power(cross + square, u_power), u_power)


@shared
def cosine_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """∇²L [m, n, n] of every sample."""
    for k in range(A.shape[0]):
        hessian_of_sample(A[k], y[k], out[k])
