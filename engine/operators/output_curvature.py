"""H_k, the n × n matrix that a curvature operator has for each sample at the outputs, and ∇²φ, which joins samples."""

import numpy as np

from ..forward import lanes, panel_count
from ..kernels.forward import write_lines
from ..kernels.output_curvature import ENTRIES, SOFTMAX, Curvature, curvature_lines
from ..kernels.reductions import LOG_SUM_EXP, MEAN_VARIANCE, POWER_MEAN, linear
from ..kernels.softmax import softmax_covariance
from . import curvature_checks
from .output_hessian import loss_hessians, probabilities, target_sums


class OutputCurvature:
    """H_k = diag(h_k) + Σ_r s_rk x_rk x_rkᵀ for k = 1 … m, or every entry of it, or the curvature of softmax in place of diag(h_k).

    The curvature of softmax is w (diag(p) − p pᵀ). As a diagonal and a term its entry for a class t that is nearly sure would be
    the difference w (p_t − p_t²), and would lose every digit. So p is kept with t, the class whose p is above 1/2, and products and
    quadratic forms measure from v_t, or from 0 where there is no such class, which changes nothing, for (diag(p) − p pᵀ) 1 = 0:
    with d = v − v_t 1,

        H v = w p ⊙ (d − p·d),    vᵀ H v = w Σ_i p_i (d_i − p·d)²,

    where d_t = 0 and p·d sums the unlikely classes alone. Every entry keeps its relative accuracy, and no quadratic form is
    negative.

    Parameters
    ----------
    shape : (m, n)
    dtype : dtype
    diagonal : ndarray [m, n], optional
        h.
    terms : sequence of (x [m, n], s [m])
    entries : ndarray [m, n, n], optional
        H itself; then there is no diagonal.
    classes : (p [m, n], t [m, n], w [m]), optional
        Of softmax: the probabilities, 1 at the class with p > 1/2 among zeros, and the factor of every sample; then there is no
        diagonal.
    """

    def __init__(self, shape, dtype, diagonal=None, terms=(), entries=None, classes=None):
        self.shape, self.dtype, self.diagonal, self.terms = shape, dtype, diagonal, tuple(terms)
        self.entries, self.classes = entries, classes

    @property
    def terms_alone(self):
        """Whether H_k is a sum of terms and nothing else."""
        return self.diagonal is None and self.entries is None and self.classes is None

    def plus(self, x, s):
        """The same and s x xᵀ for every sample."""
        if self.entries is not None:
            return OutputCurvature(self.shape, self.dtype, entries=self.entries + (s[:, None] * x)[:, :, None] * x[:, None, :])
        return OutputCurvature(self.shape, self.dtype, self.diagonal, (*self.terms, (x, s)), classes=self.classes)

    def matrices(self, first, stop):
        """H_k [stop − first, n, n] of some samples."""
        if self.entries is not None:
            return self.entries[first:stop]
        n = self.shape[1]
        H = np.zeros((stop - first, n, n), self.dtype)
        if self.diagonal is not None:
            H[:, range(n), range(n)] = self.diagonal[first:stop]
        if self.classes is not None:
            p, _, w = self.classes
            softmax_covariance(p[first:stop], w[first:stop], H)
        for x, s in self.terms:
            H += (s[first:stop, None] * x[first:stop])[:, :, None] * x[first:stop, None, :]
        return H

    def _rank(self):
        """How kernels name what H is made of."""
        if self.entries is not None:
            return ENTRIES
        return len(self.terms) if self.classes is None else SOFTMAX - len(self.terms)

    def in_panels(self):
        """What kernels read."""
        m, n = self.shape
        rank, wide, panels = self._rank(), lanes(self.dtype), panel_count(m, self.dtype)
        stride = curvature_lines(n, rank) * wide
        lines = np.zeros(panels * stride, self.dtype)
        if self.entries is not None:
            write_lines(self.entries.reshape(m, n * n), lines, stride, 0, (0, panels, 0))
        if self.diagonal is not None:
            write_lines(self.diagonal, lines, stride, 0, (0, panels, 0))
        if self.classes is not None:
            p, likeliest, w = self.classes
            for line, part in ((0, p), (n, likeliest), (2 * n, w[:, None] * p)):
                write_lines(np.ascontiguousarray(part), lines, stride, line, (0, panels, 0))
        line = n if self.classes is None else 3 * n
        for r, (x, s) in enumerate(self.terms):
            write_lines(np.ascontiguousarray(x), lines, stride, line + r * (n + 1), (0, panels, 0))
            write_lines(np.ascontiguousarray(s[:, None]), lines, stride, line + n + r * (n + 1), (0, panels, 0))
        return Curvature(lines, rank, m)


def loss_curvature(cost, A, targets, weights, owner):
    """weights_k ∇²L(a^{Lk}) for every sample."""
    if cost.loss.name == "softmax_cross_entropy":
        return OutputCurvature(A.shape, A.dtype, classes=(*probabilities(A), weights * target_sums(A, targets)))
    H = loss_hessians(cost.loss, A, targets, owner)
    if cost.loss.code < 0:
        curvature_checks.finite_hessian(H)
    if H.ndim == 2:
        return OutputCurvature(A.shape, A.dtype, weights[:, None] * H)
    return OutputCurvature(A.shape, A.dtype, entries=weights[:, None, None] * H)


def reduction_curvature(reduction, losses, gradient):
    """∇²φ as diag(d) − c r rᵀ: (d [m], c, r [m]) for our own reductions, None where it is 0. A code that has no
    branch here gives NaN."""
    m, parameter, dtype = len(losses), reduction.parameter, losses.dtype
    if reduction.code == LOG_SUM_EXP:
        return dtype.type(parameter) * gradient, dtype.type(parameter), gradient
    if reduction.code == MEAN_VARIANCE:
        return np.full(m, 2 * parameter / m, dtype), dtype.type(2 * parameter / m**2), np.ones(m, dtype)
    if reduction.code == POWER_MEAN:
        scale, value = dtype.type(parameter - 1), reduction.value(losses)
        d = scale * np.divide(gradient, losses, out=np.zeros_like(losses), where=losses > 0)
        return None if parameter == 1 else (d, scale / value if value > 0 else dtype.type(0), gradient)
    return None if linear(reduction.code) else (np.full(m, np.nan, dtype), dtype.type(np.nan), gradient)
