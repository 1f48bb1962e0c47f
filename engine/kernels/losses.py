"""Losses of samples and their gradients by code (eq. 11), panel by panel: samples are the SIMD lanes."""

from enum import IntEnum

import numpy as np

from .cosine import cosine_hessian, cosine_panel
from .elementwise_losses import (
    absolute_error_panel,
    binary_cross_entropy_hessian,
    binary_cross_entropy_panel,
    hinge_panel,
    huber_hessian,
    huber_panel,
    log_cosh_hessian,
    log_cosh_panel,
    poisson_hessian,
    poisson_panel,
    squared_error_hessian,
    squared_error_panel,
    unknown_hessian,
    unknown_panel,
    zero_hessian,
)
from .layout import LOSS_LINES, line, lines_for
from .linked import family, kernel, shared
from .panels import gather, scatter
from .signatures import Line, Pair
from .simd import lanes_of
from .softmax import softmax_cross_entropy_hessian, softmax_cross_entropy_panel

CUSTOM = -1


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


CODES = {code.name.lower(): code.value for code in LossCode}

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
}, unknown_panel)

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
}, unknown_hessian)


@shared
def panel_losses(code: int, parameter: float, outputs: Line, o: Pair, targets: Line, t: Pair, losses: Line, offset: int,
                 gradients: Line, g: Pair, scratch: Line, n: int, panels: int):
    """L(a^L) of panels of samples, a line of losses each from `offset` on, and ∇L, n lines of gradients each (eq. 11 and 17): a^L
    are n lines of outputs, y those of targets; o, t, g = (offset, panel stride); scratch has LOSS_LINES lines."""
    lanes = lanes_of(outputs)
    size = line(0, n, lanes)
    for j in range(panels):
        u, y, d = o[0] + j * o[1], t[0] + j * t[1], g[0] + j * g[1]
        loss = losses[line(offset, j, lanes):line(offset, j + 1, lanes)]
        loss[:] = 0
        loss_panel(code, parameter, outputs[u:u + size], targets[y:y + size], loss, gradients[d:d + size], scratch, n)


@kernel
def gather_targets(targets, indices, first, count, n, out, offset, stride):
    """y of samples `first` … of targets[indices] into panels of n lines: targets [m, n], or [m, 1] with class numbers."""
    if targets.shape[1] == n:
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

    A [m, n]; y [m, n], or [m, 1] with class numbers for softmax_cross_entropy.
    """
    lanes, n, every_sample = lanes_of(A), A.shape[1], np.empty(0, np.int64)
    first, stop = span
    target, gradient, loss, scratch = line(0, n, lanes), line(0, 2 * n, lanes), line(0, 3 * n, lanes), line(0, 3 * n + 1, lanes)
    panels = np.empty(line(scratch, LOSS_LINES, lanes), A.dtype)
    for sample in range(first, stop, lanes):
        count = min(lanes, stop - sample)
        gather(A, every_sample, sample, count, panels, 0, 0)
        gather_targets(y, every_sample, sample, count, n, panels, target, 0)
        panel_losses(code, parameter, panels, (0, 0), panels, (target, 0), panels, loss, panels, (gradient, 0), panels[scratch:],
                     n, 1)
        scatter(panels, gradient, 0, sample, count, gradients)
        for s in range(count):
            losses[sample + s] = panels[loss + s]
