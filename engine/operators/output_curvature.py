"""H_k, the n × n matrix that a curvature operator has for each sample at the outputs, and ∇²φ, which joins samples."""

import numpy as np

from ..forward import lanes, panel_count
from ..kernels.forward import write_lines
from ..kernels.ggn import Curvature, curvature_lines
from ..kernels.reductions import LOG_SUM_EXP, MEAN_VARIANCE, POWER_MEAN
from . import curvature_checks
from .output_hessian import loss_hessians


class OutputCurvature:
    """H_k = diag(h_k) + Σ_r s_rk x_rk x_rkᵀ for k = 1 … m, or every entry of it.

    Parameters
    ----------
    shape : (m, n)
    dtype : dtype
    diagonal : ndarray [m, n], optional
        h.
    terms : sequence of (x [m, n], s [m])
    entries : ndarray [m, n, n], optional
        H itself; then there is no diagonal.
    """

    def __init__(self, shape, dtype, diagonal=None, terms=(), entries=None):
        self.shape, self.dtype, self.diagonal, self.terms, self.entries = shape, dtype, diagonal, tuple(terms), entries

    def plus(self, x, s):
        """The same and s x xᵀ for every sample."""
        if self.entries is not None:
            return OutputCurvature(self.shape, self.dtype, entries=self.entries + (s[:, None] * x)[:, :, None] * x[:, None, :])
        return OutputCurvature(self.shape, self.dtype, self.diagonal, (*self.terms, (x, s)))

    def matrices(self, first, stop):
        """H_k [stop − first, n, n] of some samples."""
        if self.entries is not None:
            return self.entries[first:stop]
        n = self.shape[1]
        H = np.zeros((stop - first, n, n), self.dtype)
        if self.diagonal is not None:
            H[:, range(n), range(n)] = self.diagonal[first:stop]
        for x, s in self.terms:
            H += (s[first:stop, None] * x[first:stop])[:, :, None] * x[first:stop, None, :]
        return H

    def in_panels(self):
        """What kernels read."""
        m, n = self.shape
        rank, wide, panels = -1 if self.entries is not None else len(self.terms), lanes(self.dtype), panel_count(m, self.dtype)
        stride = curvature_lines(n, rank) * wide
        lines = np.zeros(panels * stride, self.dtype)
        if self.entries is not None:
            write_lines(self.entries.reshape(m, n * n), lines, stride, 0, (0, panels))
        if self.diagonal is not None:
            write_lines(self.diagonal, lines, stride, 0, (0, panels))
        for r, (x, s) in enumerate(self.terms):
            write_lines(np.ascontiguousarray(x), lines, stride, n + r * (n + 1), (0, panels))
            write_lines(np.ascontiguousarray(s[:, None]), lines, stride, 2 * n + r * (n + 1), (0, panels))
        return Curvature(lines, rank, m)


def probabilities(cost, A, targets):
    """softmax(a^L) [m, n] and Σ y [m] of softmax_cross_entropy, from its gradient Σ y softmax(a^L) − y."""
    m, n = A.shape
    y = targets
    if targets.shape[1] != n:
        y = np.zeros_like(A)
        y[np.arange(m), targets[:, 0].astype(np.int64)] = 1
    total = y.sum(1)
    return (cost.losses_and_gradients(A, targets)[1] + y) / total[:, None], total


def loss_curvature(cost, A, targets, weights, owner):
    """weights_k ∇²L(a^{Lk}) for every sample."""
    if cost.loss.name == "softmax_cross_entropy":
        p, total = probabilities(cost, A, targets)
        return OutputCurvature(A.shape, A.dtype, (weights * total)[:, None] * p, [(p, -weights * total)])
    H = loss_hessians(cost.loss, A, targets, owner)
    if cost.loss.code < 0:
        curvature_checks.finite_hessian(H)
    if H.ndim == 2:
        return OutputCurvature(A.shape, A.dtype, weights[:, None] * H)
    return OutputCurvature(A.shape, A.dtype, entries=weights[:, None, None] * H)


def reduction_curvature(reduction, losses, gradient):
    """∇²φ as diag(d) − c r rᵀ: (d [m], c, r [m]) for our own reductions, None where it is 0."""
    m, parameter, dtype = len(losses), reduction.parameter, losses.dtype
    if reduction.code == LOG_SUM_EXP:
        return dtype.type(parameter) * gradient, dtype.type(parameter), gradient
    if reduction.code == MEAN_VARIANCE:
        return np.full(m, 2 * parameter / m, dtype), dtype.type(2 * parameter / m**2), np.ones(m, dtype)
    if reduction.code == POWER_MEAN and losses.max() > 0:
        scale = dtype.type(parameter - 1)
        d = scale * np.divide(gradient, losses, out=np.zeros_like(losses), where=losses > 0)
        return d, scale / dtype.type(reduction.value(losses)), gradient
    return None
