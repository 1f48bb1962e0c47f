"""Losses of samples, their gradients and Hessians by code (eq. 11 and 17), panel by panel: samples are the SIMD lanes.

A member ``…_panel`` takes one panel: the outputs u and y [n][lanes], adds L to loss [lanes], which holds zeros, and writes ∇L to
gradient [n][lanes]. A member ``…_hessian`` writes ∇²L [m, n, n] of A [m, n] and y [m, n]. Those of losses that are no sums over
outputs stand in softmax.py, cosine.py and gaussian.py, those of two numbers of y for each output in paired_targets.py.
"""

from enum import IntEnum

import numpy as np

from .cosine import cosine_hessian, cosine_panel
from .elementary import exp, expm1, log1p, tanh
from .gaussian import gaussian_nll_hessian, gaussian_nll_panel
from .layout import LOSS_LINES, line, lines_for
from .linked import family, kernel, shared
from .paired_targets import (
    quantile_loss_panel,
    weighted_binary_cross_entropy_hessian,
    weighted_binary_cross_entropy_panel,
)
from .panels import gather, scatter
from .signatures import Cube, Line, Pair, Table
from .simd import lanes_of
from .softmax import softmax_cross_entropy_hessian, softmax_cross_entropy_panel

CUSTOM = -1
LN2 = 0.6931471805599453


class LossCode(IntEnum):
    """What kernels know a loss by."""

    SQUARED_ERROR = 0
    ABSOLUTE_ERROR = 1
    HUBER = 2
    LOG_COSH = 3
    SOFTMAX_CROSS_ENTROPY = 4
    BINARY_CROSS_ENTROPY = 5
    POISSON = 6
    HINGE = 7
    COSINE = 8
    GAUSSIAN_NLL = 9
    QUANTILE_LOSS = 10
    WEIGHTED_BINARY_CROSS_ENTROPY = 11


CODES = {code.name.lower(): code.value for code in LossCode}


@shared
def squared_error_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """1/2 |u - y|^2. In two loops, of which the first runs over all outputs at once: 4 outputs, float32, a tenth less time."""
    lanes, half = lanes_of(u), u.dtype.type(0.5)
    for i in range(line(0, n, lanes)):
        gradient[i] = u[i] - y[i]
    for q in range(n):
        d = gradient[line(0, q, lanes):line(0, q + 1, lanes)]
        for s in range(lanes):
            loss[s] += half * d[s] * d[s]


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


@kernel
def clear(out):
    """Zeros into out [m, n, n]."""
    numbers = out.reshape(-1)
    numbers[:] = 0


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


loss_panel, prepare_losses = family("loss_panel", {
    LossCode.SQUARED_ERROR: squared_error_panel,
    LossCode.ABSOLUTE_ERROR: absolute_error_panel,
    LossCode.HUBER: huber_panel,
    LossCode.LOG_COSH: log_cosh_panel,
    LossCode.SOFTMAX_CROSS_ENTROPY: softmax_cross_entropy_panel,
    LossCode.BINARY_CROSS_ENTROPY: binary_cross_entropy_panel,
    LossCode.POISSON: poisson_panel,
    LossCode.HINGE: hinge_panel,
    LossCode.COSINE: cosine_panel,
    LossCode.GAUSSIAN_NLL: gaussian_nll_panel,
    LossCode.QUANTILE_LOSS: quantile_loss_panel,
    LossCode.WEIGHTED_BINARY_CROSS_ENTROPY: weighted_binary_cross_entropy_panel,
})

# loss_hessian(code, parameter, A, y, out): ∇²L [m, n, n], for A [m, n] and y as `loss_and_gradient` takes them
loss_hessian, _ = family("loss_hessian", {
    LossCode.SQUARED_ERROR: squared_error_hessian,
    LossCode.ABSOLUTE_ERROR: zero_hessian,
    LossCode.HUBER: huber_hessian,
    LossCode.LOG_COSH: log_cosh_hessian,
    LossCode.SOFTMAX_CROSS_ENTROPY: softmax_cross_entropy_hessian,
    LossCode.BINARY_CROSS_ENTROPY: binary_cross_entropy_hessian,
    LossCode.POISSON: poisson_hessian,
    LossCode.HINGE: zero_hessian,
    LossCode.COSINE: cosine_hessian,
    LossCode.GAUSSIAN_NLL: gaussian_nll_hessian,
    LossCode.QUANTILE_LOSS: zero_hessian,
    LossCode.WEIGHTED_BINARY_CROSS_ENTROPY: weighted_binary_cross_entropy_hessian,
})


@shared
def panel_losses(code: int, parameter: float, outputs: Line, o: Pair, targets: Line, t: Pair, losses: Line, offset: int,
                 gradients: Line, g: Pair, scratch: Line, n: int, panels: int):
    """L(a^L) of panels of samples, a line of losses each from `offset` on, and ∇L, n lines of gradients each (eq. 11 and 17): a^L
    are n lines of outputs, y those of targets, n or 2 n; o, t, g = (offset, panel stride); scratch has LOSS_LINES lines."""
    lanes = lanes_of(outputs)
    size = line(0, n, lanes)
    for j in range(panels):
        u, y, d = o[0] + j * o[1], t[0] + j * t[1], g[0] + j * g[1]
        loss = losses[line(offset, j, lanes):line(offset, j + 1, lanes)]
        loss[:] = 0
        loss_panel(code, parameter, outputs[u:u + size], targets[y:], loss, gradients[d:d + size], scratch, n)


@kernel
def target_columns(targets, n):
    """Lines of targets in a panel: one for each output, or for each column where those are more."""
    return max(targets.shape[1], n)


@kernel
def gather_targets(targets, indices, first, count, n, out, offset, stride):
    """y of samples `first` … of targets[indices] into panels of `target_columns` lines: targets [m, n] or [m, 2 n], or [m, 1] with
    class numbers."""
    if targets.shape[1] >= n:
        gather(targets, indices, first, count, out, offset, stride)
        return
    lanes = lanes_of(out)
    for j in range(lines_for(count, lanes)):
        panel = offset + j * stride
        out[panel:line(panel, n, lanes)] = 0
        for s in range(lanes):
            k = first + min(line(s, j, lanes), count - 1)
            out[line(panel, np.int64(targets[indices[k] if indices.size > 0 else k, 0]), lanes) + s] = 1


@kernel
def loss_and_gradient(code, parameter, A, y, losses, gradients, span):
    """L(a^L) [m] and ∇L [m, n] of the samples of `span` (eq. 11 and 17).

    A [m, n]; y [m, n], or [m, 1] with class numbers for softmax_cross_entropy, or [m, 2 n] for a loss of paired targets.
    """
    lanes, n, every_sample = lanes_of(A), A.shape[1], np.empty(0, np.int64)
    first, stop = span
    columns = target_columns(y, n)
    target, gradient = line(0, n, lanes), line(0, n + columns, lanes)
    loss, scratch = line(gradient, n, lanes), line(gradient, n + 1, lanes)
    panels = np.empty(line(scratch, LOSS_LINES, lanes), A.dtype)
    whole = 0
    if n == 1 and columns == 1:  # rows of one number lie as panels do: 10^4 samples, float32, 174 us down to 24
        whole = (stop - first) // lanes * lanes
        panel_losses(code, parameter, A.reshape(-1), (first, lanes), y.reshape(-1), (first, lanes), losses, first,
                     gradients.reshape(-1), (first, lanes), panels[scratch:], n, whole // lanes)
    for sample in range(first + whole, stop, lanes):
        count = min(lanes, stop - sample)
        gather(A, every_sample, sample, count, panels, 0, 0)
        gather_targets(y, every_sample, sample, count, n, panels, target, 0)
        panel_losses(code, parameter, panels, (0, 0), panels, (target, 0), panels, loss, panels, (gradient, 0), panels[scratch:],
                     n, 1)
        scatter(panels, gradient, 0, sample, count, gradients)
        for s in range(count):
            losses[sample + s] = panels[loss + s]
