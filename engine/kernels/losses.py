"""Losses of samples and their gradients by code (eq. 11), panel by panel: samples are the SIMD lanes."""

import numpy as np

from .elementary import exp, expm1, log, log1p, sigmoid, softplus, tanh
from .linked import kernel, shared
from .panels import gather, scatter
from .simd import lanes_of

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
                q = expm1(min(abs(d), one))
                near, far = log1p(half * q * q / (one + q)), abs(d) + (log1p(exp(-two * abs(d))) - u.dtype.type(LN2))
                loss[s] += near if abs(d) < one else far
                g[s] = tanh(d)
        elif code == BINARY_CROSS_ENTROPY:
            for s in range(lanes):
                loss[s] += softplus(a[s]) - t[s] * a[s]
                g[s] = sigmoid(a[s]) - t[s]
        elif code == POISSON:
            for s in range(lanes):
                e = exp(a[s])
                loss[s] += e - t[s] * a[s]
                g[s] = e - t[s]
        else:
            for s in range(lanes):
                margin = one - t[s] * a[s]
                loss[s] += margin if margin > zero else (zero if margin == margin else margin)
                g[s] = -t[s] if margin > zero else zero


@kernel
def cross_entropy(u, y, loss, gradient, scratch, n):
    """log sum exp u times sum y, minus y · u."""
    lanes = lanes_of(u)
    top, total = scratch[:lanes], scratch[lanes:2 * lanes]
    weight = scratch[2 * lanes:3 * lanes]
    for s in range(lanes):
        top[s] = u[s]
    total[:] = 0
    weight[:] = 0
    for q in range(1, n):
        a = u[q * lanes:(q + 1) * lanes]
        for s in range(lanes):
            top[s] = max(top[s], a[s])
    for q in range(n):
        a, t, g = u[q * lanes:(q + 1) * lanes], y[q * lanes:(q + 1) * lanes], gradient[q * lanes:(q + 1) * lanes]
        for s in range(lanes):
            d = a[s] - top[s]
            e = exp(d)
            g[s] = e
            total[s] += e
            weight[s] += t[s]
            loss[s] -= t[s] * d
    for s in range(lanes):
        loss[s] += weight[s] * log(total[s])
        total[s] = weight[s] / total[s]
    for q in range(n):
        t, g = y[q * lanes:(q + 1) * lanes], gradient[q * lanes:(q + 1) * lanes]
        for s in range(lanes):
            g[s] = g[s] * total[s] - t[s]


@kernel
def cosine_distance(u, y, loss, gradient, scratch, n):
    """1 - u · y / (|u| |y|); 1, with gradient 0, where u or y is 0."""
    lanes = lanes_of(u)
    dot, uu, yy = scratch[:lanes], scratch[lanes:2 * lanes], scratch[2 * lanes:3 * lanes]
    dot[:] = 0
    uu[:] = 0
    yy[:] = 0
    zero, one = u.dtype.type(0), u.dtype.type(1)
    for q in range(n):
        a, t = u[q * lanes:(q + 1) * lanes], y[q * lanes:(q + 1) * lanes]
        for s in range(lanes):
            dot[s] += a[s] * t[s]
            uu[s] += a[s] * a[s]
            yy[s] += t[s] * t[s]
    for s in range(lanes):
        inverse = one / np.sqrt(uu[s] * yy[s]) if uu[s] * yy[s] > zero else zero
        loss[s] = one - dot[s] * inverse
        dot[s] = dot[s] * inverse / uu[s] if uu[s] > zero else zero
        yy[s] = inverse
    for q in range(n):
        a, t, g = u[q * lanes:(q + 1) * lanes], y[q * lanes:(q + 1) * lanes], gradient[q * lanes:(q + 1) * lanes]
        for s in range(lanes):
            g[s] = dot[s] * a[s] - t[s] * yy[s]


@shared("integer float line 2 line 2 line integer line 2 line integer integer")
def panel_losses(code, parameter, outputs, o, targets, t, losses, first, gradients, g, scratch, n, panels):
    """L(a^L) of panels of samples, a line of losses each from `first`, and ∇L, n lines of gradients each (eq. 11 and 17): a^L are n
    lines of outputs, the truths n lines of targets; o, t, g = (first, panel stride); scratch has three lines."""
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
    panels = np.empty((3 * n + 4) * lanes, A.dtype)
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
    n, classes = A.shape[1], y.shape[1] != A.shape[1]
    zero, one = A.dtype.type(0), A.dtype.type(1)
    delta = A.dtype.type(parameter)
    p = np.empty(n, A.dtype)
    for k in range(A.shape[0]):
        out[k] = 0
        if code == SOFTMAX_CROSS_ENTROPY:
            top, total, weight = A[k, 0], zero, zero
            for q in range(1, n):
                top = max(top, A[k, q])
            for q in range(n):
                p[q] = exp(A[k, q] - top)
                total += p[q]
                weight += one if classes and q == 0 else (zero if classes else y[k, q])
            for q in range(n):
                p[q] /= total
            for i in range(n):
                for j in range(n):
                    out[k, i, j] = weight * ((p[i] if i == j else zero) - p[i] * p[j])
        elif code == COSINE:
            dot, uu, yy = zero, zero, zero
            for q in range(n):
                dot += A[k, q] * y[k, q]
                uu += A[k, q] * A[k, q]
                yy += y[k, q] * y[k, q]
            if uu * yy > zero:
                inverse = one / np.sqrt(uu * yy)
                c = dot * inverse
                for i in range(n):
                    for j in range(n):
                        cross = (A[k, i] * y[k, j] + y[k, i] * A[k, j]) * inverse / uu
                        square = c / uu * ((one if i == j else zero) - (one + one + one) * A[k, i] * A[k, j] / uu)
                        out[k, i, j] = cross + square
        else:
            for q in range(n):
                u, value = A[k, q], zero
                if code == SQUARED_ERROR:
                    value = one
                elif code == HUBER:
                    value = one if abs(u - y[k, q]) <= delta else zero
                elif code == LOG_COSH:
                    t = tanh(u - y[k, q])
                    value = (one - t) * (one + t)
                elif code == BINARY_CROSS_ENTROPY:
                    s = sigmoid(u)
                    value = s * (one - s)
                elif code == POISSON:
                    value = exp(u)
                out[k, q, q] = value
