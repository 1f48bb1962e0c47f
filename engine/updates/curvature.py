"""The curvature of the losses at the outputs: S with S Sᵀ = (∇φ)_k ∇²L_k for each sample, or its expectation, the Fisher matrix."""

import math
from typing import NamedTuple

import numpy as np

from ..operators.output_hessian import loss_hessians, softmax_roots, target_sums
from . import checks

EXPONENTIAL_FAMILY = ("squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson")


class Rooted(NamedTuple):
    """∇²L = S Sᵀ of a convex loss, by S [m, n, n]: what is nearly sure in softmax would be lost in ∇²L's eigenvalues."""

    S: np.ndarray


def hessians(loss, A, targets):
    """∇²L [m, n, n], or its diagonal [m, n] where a loss is a sum over outputs, or Rooted.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian.
    """
    if loss.name == "softmax_cross_entropy":
        return Rooted(softmax_roots(A, target_sums(A, targets)))
    return loss_hessians(loss, A, targets, "this update")


def expected_hessians(loss, A, targets):
    """E[∇L ∇Lᵀ] over truths drawn from the density exp(−L) of the model itself, as `hessians` has them: Fisher's information.

    For the exponential families of squared_error, softmax_cross_entropy, binary_cross_entropy and poisson this is ∇²L; for
    absolute_error (Laplace's density) 1, for log_cosh (the hyperbolic secant) 1/2, for huber the probability of |d| ≤ δ.

    Raises
    ------
    ValueError
        Where a loss is no negative logarithm of a density.
    """
    if loss.name in EXPONENTIAL_FAMILY:
        return hessians(loss, A, targets)
    checks.likelihood(loss, (*EXPONENTIAL_FAMILY, "absolute_error", "log_cosh", "huber"))
    if loss.name == "huber":
        delta = loss.parameter
        inside = np.sqrt(2 * np.pi) * math.erf(delta / np.sqrt(2))
        information = inside / (inside + 2 / delta * np.exp(-delta**2 / 2))
    else:
        information = {"absolute_error": 1.0, "log_cosh": 0.5}[loss.name]
    return np.full(A.shape, information, A.dtype)


def factors(weights, curvature):
    """S with S Sᵀ = weights_k curvature_k, [m, n] where diagonal, else [m, n, n]; what is not positive semi-definite is
    projected: eigenvalues below 0 count as 0.

    weights [m] is ∇φ; curvature [m, n] or [m, n, n], or Rooted.
    """
    if isinstance(curvature, Rooted):
        return np.sqrt(np.maximum(weights, 0))[:, None, None] * curvature.S
    if curvature.ndim == 2 or curvature.shape[1] == 1:
        return np.sqrt(np.maximum(weights[:, None] * curvature.reshape(len(weights), -1), 0))
    if not np.isfinite(curvature).all():
        return np.full_like(curvature, np.nan)
    values, vectors = np.linalg.eigh(weights[:, None, None] * curvature)
    values[values < np.finfo(values.dtype).eps * len(values[0]) * np.abs(values).max(axis=1, keepdims=True)] = 0
    return vectors * np.sqrt(values)[:, None, :]
