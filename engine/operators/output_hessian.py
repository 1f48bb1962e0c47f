"""(∇φ)_k ∇²L_k of every sample, [n, n] each, without what is negative in it."""

import numpy as np

from ..kernels.losses import loss_hessian
from . import checks as operator_checks

CONVEX = ("squared_error", "absolute_error", "huber", "log_cosh", "softmax_cross_entropy", "binary_cross_entropy", "poisson",
          "hinge")


def output_hessians(cost, A, targets):
    """(∇φ)_k ∇²L(a^{Lk}) [m, n, n] and ∇φ [m], from checked A [m, n] and targets; eigenvalues below 0 count as 0.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian.
    """
    m, n = A.shape
    loss = cost.loss
    weights = np.maximum(cost.reduce(cost.losses_and_gradients(A, targets)[0])[1], 0)
    if loss.code >= 0:
        H = np.empty((m, n, n), A.dtype)
        loss_hessian(loss.code, loss.parameter, A, targets, H)
    else:
        H = operator_checks.users_loss_hessian(loss, A, targets)
    if loss.name not in CONVEX:
        values, vectors = np.linalg.eigh(H)
        H = (vectors * np.maximum(values, 0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return weights[:, None, None] * H, weights


def square_roots(H):
    """S [m, n, n] with S Sᵀ = H for positive semi-definite H [m, n, n]."""
    values, vectors = np.linalg.eigh(H)
    return vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
