"""∇²L of every sample at its outputs, and its square roots S with S Sᵀ = (∇φ)_k ∇²L_k, without what is negative in it."""

import numpy as np

from .. import checks
from ..kernels.losses import loss_hessian
from ..kernels.softmax import softmax
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


def probabilities(A):
    """softmax(a^L) [m, n] for A [m, n], and 1 at the class of each sample whose p is above 1/2 among zeros [m, n]."""
    p, likeliest = np.empty_like(A), np.empty_like(A)
    softmax(A, p, likeliest, (0, len(A)))
    return p, likeliest


def target_sums(A, targets):
    """Σ y [m] of softmax_cross_entropy: 1 for class numbers, and for probabilities but for rounding."""
    return targets.sum(1) if targets.shape[1] == A.shape[1] else np.ones(len(A), A.dtype)


def softmax_roots(A, w):
    """S = √w diag(√p) (I − √p √pᵀ) [m, n, n], for which S Sᵀ = w (diag(p) − p pᵀ), w [m] ≥ 0.

    No entry is a difference that cancels: for a class t with p_t > 1/2, 1 − p_t is the sum of the other probabilities. Nor do sums
    over S cancel: (Sᵀ v)_i = √(w p_i) (v_i − p·v), and what S holds of v_t there is as small as 1 − p_t.
    """
    p, likeliest = probabilities(A)
    q, n = np.sqrt(p), A.shape[1]
    others = ((1 - likeliest) * p).sum(1, keepdims=True)
    S = -p[:, :, None] * q[:, None, :]
    S[:, range(n), range(n)] = q * np.where(likeliest > 0, others, 1 - p)
    return np.sqrt(w)[:, None, None] * S


def output_roots(cost, A, targets):
    """S [m, n, n] with S Sᵀ = (∇φ)_k ∇²L(a^{Lk}), and ∇φ [m], from checked A [m, n] and targets; what is negative in ∇φ and in
    ∇²L counts as 0.

    S is diagonal where a loss is a sum over outputs, and that of `softmax_roots` for softmax_cross_entropy: neither cancels.
    """
    loss, n = cost.loss, A.shape[1]
    weights = np.maximum(cost.reduce(cost.losses_and_gradients(A, targets)[0])[1], 0)
    if loss.name == "softmax_cross_entropy":
        return softmax_roots(A, weights * target_sums(A, targets)), weights
    H = loss_hessians(loss, A, targets, "curvature")
    if loss.name not in CONVEX:
        return square_roots(weights[:, None, None] * H), weights
    S = np.zeros((*A.shape, n), A.dtype)
    S[:, range(n), range(n)] = np.sqrt(weights[:, None] * H)
    return S, weights


def square_roots(H):
    """S [m, n, n] with S Sᵀ = H for positive semi-definite H [m, n, n], of whose eigenvalues S keeps what is above rounding."""
    values, vectors = np.linalg.eigh(H)
    return vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
