"""∇²L of every sample at its outputs, and (∇φ)_k ∇²L_k without what is negative in it."""

import numpy as np

from .. import checks
from ..kernels.losses import loss_hessian
from . import curvature_checks

ELEMENTWISE = ("squared_error", "absolute_error", "huber", "log_cosh", "binary_cross_entropy", "poisson", "hinge")
CONVEX = (*ELEMENTWISE, "softmax_cross_entropy")


def loss_hessians(loss, A, targets, owner):
    """∇²L [m, n, n] from checked A [m, n] and targets, or its diagonal [m, n] where a loss is a sum over outputs.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian; it says that `owner` needs it.
    """
    (m, n), elementwise = A.shape, loss.name in ELEMENTWISE
    curvature_checks.loss_hessian(loss, owner)
    if loss.code < 0:
        return checks.user_array(loss.hessian(A, targets), (m, n, n), A.dtype, "the loss's hessian")
    if elementwise:
        A, targets = A.reshape(-1, 1), targets.reshape(-1, 1)
    out = np.empty((*A.shape, A.shape[1]), A.dtype)
    loss_hessian(loss.code, loss.parameter, A, targets, out)
    return out.reshape(m, n) if elementwise else out


def output_hessians(cost, A, targets):
    """(∇φ)_k ∇²L(a^{Lk}) [m, n, n] and ∇φ [m], from checked A [m, n] and targets; eigenvalues below 0 count as 0."""
    loss, n = cost.loss, A.shape[1]
    weights = np.maximum(cost.reduce(cost.losses_and_gradients(A, targets)[0])[1], 0)
    H = loss_hessians(loss, A, targets, "curvature")
    if H.ndim == 2:
        diagonal, H = H, np.zeros((*A.shape, n), A.dtype)
        H[:, range(n), range(n)] = diagonal
    if loss.name not in CONVEX:
        values, vectors = np.linalg.eigh(H)
        H = (vectors * np.maximum(values, 0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return weights[:, None, None] * H, weights


def square_roots(H):
    """S [m, n, n] with S Sᵀ = H for positive semi-definite H [m, n, n]."""
    values, vectors = np.linalg.eigh(H)
    return vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
