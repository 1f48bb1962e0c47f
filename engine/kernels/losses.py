"""Losses of samples and their gradients by code (eq. 11), panel by panel: samples are the SIMD lanes."""

import numpy as np

from .cosine import cosine_distance, cosine_hessian
from .elementary import exp, expm1, log1p, tanh
from .layout import LOSS_LINES
from .linked import kernel, shared
from .panels import gather, scatter
from .simd import lanes_of
from .softmax import cross_entropy, softmax, softmax_covariance

NAMES = ("squared_error", "absolute_error", "huber", "log_cosh", "softmax_cross_entropy", "binary_cross_entropy", "poisson",
         "hinge", "cosine")
CODES = {name: code for code, name in enumerate(NAMES)}
(SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, LOG_COSH, SOFTMAX_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, POISSON, HINGE,
 COSINE) = range(len(NAMES))
CUSTOM = -1
LN2 = 0.6931471805599453


@kernel
def elementwise(code, parameter, u, y, loss, gradient, n):
    """Losses that are sums over outputs; u, y, gradient [n][lanes], loss [lanes]."""
    lanes = lanes_of(u)
    zero, half, one, two = u.dtype.type(0), u.dtype.type(0.5), u.dtype.type(1), u.dtype.type(2)
    delta = u.dtype.type(parameter)
    for q in range(n):
        a, t, g = u[q * lanes:(q + 1) * lanes], y[q * lanes:(q + 1) * lanes], gradient[q * lanes:(q + 1) * lanes]
        if code == SQUARED_ERROR:
            for s in range(lanes):
                d = a[s] - t[s]
                loss[s] += half * d * d
                g[s] = d
        elif code == ABSOLUTE_ERROR:
            for s in range(lanes):
                d = a[s] - t[s]
                loss[s] += abs(d)
                g[s] = one if d > zero else (-one if d < zero else d)
        elif code == HUBER:
            for s in range(lanes):
                d = a[s] - t[s]
                near = min(max(d, -delta), delta)
                loss[s] += near * (d - half * near)
                g[s] = near
        elif code == LOG_COSH:
            for s in range(lanes):
                d = a[s] - t[s]
                e = expm1(min(abs(d), one))
                near, far = log1p(half * e * e / (one + e)), abs(d) + (log1p(exp(-two * abs(d))) - u.dtype.type(LN2))
                loss[s] += near if abs(d) < one else far
                g[s] = tanh(d)
        elif code == BINARY_CROSS_ENTROPY:
            for s in range(lanes):
                x, e = a[s], exp(-abs(a[s]))
                far = e / (one + e)  # the probability of the less likely class
                loss[s] += log1p(e) + ((one - t[s]) * x if x > zero else -t[s] * x)
                g[s] = (one - t[s]) - far if x > zero else far - t[s]
        elif code == POISSON:
            for s in range(lanes):
                e = exp(a[s])
                loss[s] += e - t[s] * a[s]
                g[s] = e - t[s]
        elif code == HINGE:
            for s in range(lanes):
                margin = one - t[s] * a[s]
                loss[s] += margin if margin > zero else (zero if margin == margin else margin)
                g[s] = -t[s] if margin > zero else zero
        else:
            loss[:] = np.nan
            g[:] = np.nan


@shared("integer float line 2 line 2 line integer line 2 line integer integer")
def panel_losses(code, parameter, outputs, o, targets, t, losses, first, gradients, g, scratch, n, panels):
    """L(a^L) of panels of samples, a line of losses each from `first`, and ∇L, n lines of gradients each (eq. 11 and 17): a^L are n
    lines of outputs, the truths n lines of targets; o, t, g = (first, panel stride); scratch has LOSS_LINES lines."""
    lanes = lanes_of(outputs)
    for j in range(panels):
        at_o, at_t, at_g, at_l = o[0] + j * o[1], t[0] + j * t[1], g[0] + j * g[1], first + j * lanes
        u, y, gradient = outputs[at_o:at_o + n * lanes], targets[at_t:at_t + n * lanes], gradients[at_g:at_g + n * lanes]
        loss = losses[at_l:at_l + lanes]
        loss[:] = 0
        if code == SOFTMAX_CROSS_ENTROPY:
            cross_entropy(u, y, loss, gradient, scratch, n)
        elif code == COSINE:
            cosine_distance(u, y, loss, gradient, scratch, n)
        else:
            elementwise(code, parameter, u, y, loss, gradient, n)


@kernel
def gather_targets(targets, indices, first, count, n, out, place, stride):
    """The truths of samples `first` … of targets[indices] into panels of n lines: targets [m, n], or [m, 1] with class numbers."""
    if targets.shape[1] == n:
        gather(targets, indices, first, count, out, place, stride)
        return
    lanes = lanes_of(out)
    for j in range((count + lanes - 1) // lanes):
        to = place + j * stride
        out[to:to + n * lanes] = 0
        for s in range(lanes):
            k = first + min(j * lanes + s, count - 1)
            out[to + np.int64(targets[indices[k] if indices.size > 0 else k, 0]) * lanes + s] = 1


@kernel
def loss_and_gradient(code, parameter, A, y, losses, gradients, span):
    """L(a^L) [m] and ∇L [m, n] of samples span[0] … span[1] - 1 (eq. 11 and 17).

    A [m, n]; y [m, n], or [m, 1] with class numbers for softmax_cross_entropy.
    """
    lanes, n, everything = lanes_of(A), A.shape[1], np.empty(0, np.int64)
    panels = np.empty((3 * n + 1 + LOSS_LINES) * lanes, A.dtype)
    t, g, loss, scratch = n * lanes, 2 * n * lanes, 3 * n * lanes, panels[(3 * n + 1) * lanes:]
    for first in range(span[0], span[1], lanes):
        count = min(lanes, span[1] - first)
        gather(A, everything, first, count, panels, 0, 0)
        gather_targets(y, everything, first, count, n, panels, t, 0)
        panel_losses(code, parameter, panels, (0, 0), panels, (t, 0), panels, loss, panels, (g, 0), scratch, n, 1)
        scatter(panels, g, 0, first, count, gradients)
        for s in range(count):
            losses[first + s] = panels[loss + s]


@kernel
def loss_hessian(code, parameter, A, y, out):
    """∇²L [m, n, n]."""
    m, n = A.shape
    zero, one, two = A.dtype.type(0), A.dtype.type(1), A.dtype.type(2)
    delta = A.dtype.type(parameter)
    if code == SOFTMAX_CROSS_ENTROPY:
        p, likeliest, weight = np.empty_like(A), np.empty_like(A), np.empty(m, A.dtype)
        softmax(A, p, likeliest, (0, m))
        for k in range(m):
            weight[k] = one
            if y.shape[1] == n:
                weight[k] = y[k, 0]
                for q in range(1, n):
                    weight[k] += y[k, q]
        softmax_covariance(p, weight, out)
        return
    for k in range(m):
        if code == COSINE:
            cosine_hessian(A[k], y[k], out[k])
            continue
        out[k] = 0
        for q in range(n):
            u, value = A[k, q], A.dtype.type(np.nan)
            if code == SQUARED_ERROR:
                value = one
            elif code == ABSOLUTE_ERROR or code == HINGE:
                value = zero
            elif code == HUBER:
                value = one if abs(u - y[k, q]) <= delta else zero
            elif code == LOG_COSH:
                e = exp(-two * abs(u - y[k, q]))
                value = two * two * e / ((one + e) * (one + e))
            elif code == BINARY_CROSS_ENTROPY:
                e = exp(-abs(u))
                value = e / ((one + e) * (one + e))
            elif code == POISSON:
                value = exp(u)
            out[k, q, q] = value
