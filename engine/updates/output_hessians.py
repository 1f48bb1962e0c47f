"""The curvature of the losses at the outputs that an update takes: ∇²L, or its expectation, Fisher's information."""

from __future__ import annotations

import math

import numpy as np

from ..losses import Loss
from ..operators.output_hessian import OutputHessian
from ..typing import Array
from . import checks

LIKE_THE_HESSIAN = ("squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson", "gaussian_nll")


def output_hessian(loss: Loss, A: Array, targets: Array, weights: Array) -> OutputHessian:
    """H_k = w_k ∇²L(a^{Lk}) at outputs A [m, n], an OutputHessian, of gaussian_nll the mean of ∇²L under the model; w [m] is ∇φ.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian.
    """
    return OutputHessian.of_loss(loss, A, targets, weights, "this update")


def expected_output_hessian(loss: Loss, A: Array, targets: Array, weights: Array) -> OutputHessian:
    """H_k = w_k E[∇L ∇Lᵀ] over targets drawn from the density exp(−L) of the model itself: Fisher's information.

    For the exponential families of squared_error, softmax_cross_entropy, binary_cross_entropy and poisson this is ∇²L; for
    gaussian_nll diag(e^−s, 1/2), for absolute_error (Laplace's density) 1, for quantile_loss (the asymmetric one) q (1 − q), for
    log_cosh (the hyperbolic secant) 1/2, for huber the probability of |d| ≤ δ.

    Raises
    ------
    ValueError
        Where a loss is no negative logarithm of a density.
    """
    checks.likelihood(loss, (*LIKE_THE_HESSIAN, "absolute_error", "quantile_loss", "log_cosh", "huber"))
    if loss.name in LIKE_THE_HESSIAN:
        return output_hessian(loss, A, targets, weights)
    if loss.name == "quantile_loss":
        q = targets[:, 1::2]
        return OutputHessian(A.shape, A.dtype, weights[:, None] * (q * (1 - q)))
    if loss.name == "huber":
        delta = loss.parameter
        inside = np.sqrt(2 * np.pi) * math.erf(delta / np.sqrt(2))
        information = inside / (inside + 2 / delta * np.exp(-delta**2 / 2))
    else:
        information = {"absolute_error": 1.0, "log_cosh": 0.5}[loss.name]
    return OutputHessian(A.shape, A.dtype, weights[:, None] * np.full(A.shape, information, A.dtype))
