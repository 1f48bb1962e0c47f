"""The curvature of the losses at the outputs that an update takes: ∇²L, or its expectation, Fisher's information."""

from __future__ import annotations

import math

import numpy as np

from ..losses import Loss
from ..operators.output_hessian import OutputHessian
from ..typing import Array
from . import checks

EXPONENTIAL_FAMILY = ("squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson")


def output_hessian(loss: Loss, A: Array, targets: Array, weights: Array) -> OutputHessian:
    """H_k = w_k ∇²L(a^{Lk}) at outputs A [m, n], an OutputHessian; w [m] is ∇φ.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian.
    """
    return OutputHessian.of_loss(loss, A, targets, weights, "this update")


def expected_output_hessian(loss: Loss, A: Array, targets: Array, weights: Array) -> OutputHessian:
    """H_k = w_k E[∇L ∇Lᵀ] over targets drawn from the density exp(−L) of the model itself: Fisher's information.

    For the exponential families of squared_error, softmax_cross_entropy, binary_cross_entropy and poisson this is ∇²L; for
    absolute_error (Laplace's density) 1, for log_cosh (the hyperbolic secant) 1/2, for huber the probability of |d| ≤ δ.

    Raises
    ------
    ValueError
        Where a loss is no negative logarithm of a density.
    """
    if loss.name in EXPONENTIAL_FAMILY:
        return output_hessian(loss, A, targets, weights)
    checks.likelihood(loss, (*EXPONENTIAL_FAMILY, "absolute_error", "log_cosh", "huber"))
    if loss.name == "huber":
        delta = loss.parameter
        inside = np.sqrt(2 * np.pi) * math.erf(delta / np.sqrt(2))
        information = inside / (inside + 2 / delta * np.exp(-delta**2 / 2))
    else:
        information = {"absolute_error": 1.0, "log_cosh": 0.5}[loss.name]
    return OutputHessian(A.shape, A.dtype, weights[:, None] * np.full(A.shape, information, A.dtype))
