"""The numbers of ∇²L of every sample at its outputs."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..kernels.losses import loss_hessian
from ..kernels.softmax import softmax
from ..losses import Form, Loss
from ..typing import Array
from . import curvature_checks


def loss_hessians(loss: Loss, A: Array, targets: Array, owner: str, expected: bool = False) -> Array:
    """∇²L [m, n, n] from checked A [m, n] and targets, or its diagonal [m, n] where the loss is a sum over outputs;
    with `expected` its mean over targets drawn from the model, of gaussian_nll.

    Raises
    ------
    ValueError
        Where a user's own loss has no Hessian; it says that `owner` needs it.
    """
    (m, n), diagonal = A.shape, loss.form is Form.DIAGONAL
    curvature_checks.loss_hessian(loss, owner)
    if loss.code < 0 and loss.hessian is not None:
        return checks.user_array(loss.hessian(A, targets), (m, n, n), A.dtype, "the loss's hessian")
    if diagonal:
        A, targets = A.reshape(-1, 1), targets.reshape(-1, targets.shape[1] // n)
    out = np.empty((*A.shape, A.shape[1]), A.dtype)
    loss_hessian(loss.code, 1.0 if expected else loss.parameter, A, targets, out)
    return out.reshape(m, n) if diagonal else out


def probabilities(A: Array) -> tuple[Array, Array]:
    """softmax(a^L) [m, n] for A [m, n], and 1 at the class of each sample whose p is above 1/2 among zeros [m, n]."""
    p, likeliest = np.empty_like(A), np.empty_like(A)
    softmax(A, p, likeliest, (0, len(A)))
    return p, likeliest


def target_sums(A: Array, targets: Array) -> Array:
    """Σ y [m] of softmax_cross_entropy: 1 for class numbers, and for probabilities but for rounding."""
    return targets.sum(1) if targets.shape[1] == A.shape[1] else np.ones(len(A), A.dtype)
