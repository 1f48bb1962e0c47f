"""H_k, the n × n matrix that a curvature operator has for each sample at the outputs, and its curvature factor S, S Sᵀ = H."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..cost import Cost
from ..forward import lanes, panel_count
from ..kernels.forward import write_lines
from ..kernels.output_curvature import ENTRIES, SOFTMAX, Curvature, curvature_lines
from ..kernels.softmax import softmax_covariance
from ..losses import Form, Loss
from ..typing import Array, DType
from . import curvature_checks
from .loss_hessian import loss_hessians, probabilities, target_sums

EXPECTED = ("gaussian_nll",)  # losses whose curvature is the mean of ∇²L under the model


class Softmax(NamedTuple):
    """w s (diag(p) − p pᵀ) for every sample.

    As a diagonal and a term its entry for a class t that is nearly sure would be the difference w s (p_t − p_t²), and would lose
    every digit. So p is kept with t, the class whose p is above 1/2, and products and quadratic forms measure from v_t, or from 0
    where there is no such class, which changes nothing, for (diag(p) − p pᵀ) 1 = 0: with d = v − v_t 1,

        H v = w s p ⊙ (d − p·d),    vᵀ H v = w s Σ_i p_i (d_i − p·d)²,

    where d_t = 0 and p·d sums the unlikely classes alone. Every entry keeps its relative accuracy, and no quadratic form is
    negative.
    """

    p: Array  # [m, n]
    likeliest: Array  # [m, n], 1 at the class with p > 1/2 among zeros
    weights: Array  # w [m]
    target_sums: Array  # s [m]

    @classmethod
    def of(cls, A: Array, weights: Array, sums: Array) -> Softmax:
        """That of softmax_cross_entropy at outputs A [m, n]."""
        p, likeliest = probabilities(A)
        return cls(p, likeliest, weights, sums)

    @property
    def scales(self) -> Array:
        """w s [m]."""
        return self.weights * self.target_sums

    def factor(self) -> Array:
        """S = √w √s diag(√p) (I − √p √pᵀ) [m, n, n], where negative w count as 0.

        No entry is a difference that cancels: for a class t with p_t > 1/2, 1 − p_t is the sum of the other probabilities. Nor do
        sums over S cancel: (Sᵀ v)_i = √(w s p_i) (v_i − p·v), and what S holds of v_t there is as small as 1 − p_t.
        """
        p, q, n = self.p, np.sqrt(self.p), self.p.shape[1]
        others = ((1 - self.likeliest) * p).sum(1, keepdims=True)
        S = -p[:, :, None] * q[:, None, :]
        S[:, range(n), range(n)] = q * np.where(self.likeliest > 0, others, 1 - p)
        S = np.sqrt(self.target_sums)[:, None, None] * S
        return np.sqrt(np.maximum(self.weights, 0))[:, None, None] * S


class OutputHessian:
    """H_k for k = 1 … m: one of three forms, and terms s_rk x_rk x_rkᵀ beside a diagonal or softmax, or alone.

    Parameters
    ----------
    shape : (m, n)
    dtype : dtype
    diagonal : ndarray [m, n], optional
        H_k = diag(h_k).
    terms : sequence of (x [m, n], s [m])
    entries : ndarray [m, n, n], optional
        H itself.
    softmax : Softmax, optional
    """

    def __init__(self, shape: tuple[int, int], dtype: DType, diagonal: Array | None = None,
                 terms: Sequence[tuple[Array, Array]] = (), entries: Array | None = None, softmax: Softmax | None = None) -> None:
        self.shape, self.dtype, self.diagonal, self.terms = shape, dtype, diagonal, tuple(terms)
        self.entries, self.softmax = entries, softmax

    @classmethod
    def of_loss(cls, loss: Loss, A: Array, targets: Array, weights: Array, owner: str, check_finite: bool = False,
                exact: bool = False) -> OutputHessian:
        """H_k = w_k ∇²L(a^{Lk}) at checked outputs A [m, n], in the form that the loss has; unless `exact`, of gaussian_nll the
        mean of ∇²L over targets drawn from the model, which is diagonal and never indefinite.

        Raises
        ------
        ValueError
            Where a user's own loss has no Hessian, and with `check_finite` where that is not finite; it says that `owner` needs it.
        """
        form = loss.form
        if form is Form.SOFTMAX:
            return cls(A.shape, A.dtype, softmax=Softmax.of(A, weights, target_sums(A, targets)))
        if loss.name in EXPECTED and not exact:
            H = loss_hessians(loss, A, targets, owner, expected=True)
            return cls(A.shape, A.dtype, weights[:, None] * np.diagonal(H, axis1=1, axis2=2))
        H = loss_hessians(loss, A, targets, owner)
        if check_finite and loss.code < 0:
            curvature_checks.finite_hessian(H)
        if form is Form.DIAGONAL:
            return cls(A.shape, A.dtype, weights[:, None] * H)
        return cls(A.shape, A.dtype, entries=weights[:, None, None] * H)

    @property
    def terms_alone(self) -> bool:
        """Whether H_k is a sum of terms and nothing else."""
        return self.diagonal is None and self.entries is None and self.softmax is None

    def plus(self, x: Array, s: Array) -> OutputHessian:
        """H_k + s_k x_k x_kᵀ for every sample."""
        if self.entries is not None:
            return OutputHessian(self.shape, self.dtype, entries=self.entries + (s[:, None] * x)[:, :, None] * x[:, None, :])
        return OutputHessian(self.shape, self.dtype, self.diagonal, (*self.terms, (x, s)), softmax=self.softmax)

    def matrices(self, first: int, stop: int) -> Array:
        """H_k [stop − first, n, n] of the samples first … stop − 1."""
        if self.entries is not None:
            return self.entries[first:stop]
        n = self.shape[1]
        H = np.zeros((stop - first, n, n), self.dtype)
        if self.diagonal is not None:
            H[:, range(n), range(n)] = self.diagonal[first:stop]
        if self.softmax is not None:
            softmax_covariance(self.softmax.p[first:stop], self.softmax.scales[first:stop], H)
        for x, s in self.terms:
            H += (s[first:stop, None] * x[first:stop])[:, :, None] * x[first:stop, None, :]
        return H

    def factor(self) -> Array:
        """The curvature factor S of an H without terms, S Sᵀ = H: [m, n] where H is diagonal, else [m, n, n].

        What is not positive semi-definite is projected: eigenvalues of a sample's H below 0, or below rounding, count as 0.
        """
        if self.softmax is not None:
            return self.softmax.factor()
        if self.diagonal is not None:
            return np.sqrt(np.maximum(self.diagonal, 0))
        H, n = self.entries, self.shape[1]
        assert H is not None
        if n == 1:
            return np.sqrt(np.maximum(H.reshape(self.shape), 0))
        if not np.isfinite(H).all():
            return np.full_like(H, np.nan)
        values, vectors = np.linalg.eigh(H)
        values[values < np.finfo(self.dtype).eps * n * np.abs(values).max(axis=1, keepdims=True)] = 0
        return vectors * np.sqrt(values)[:, None, :]

    def _rank(self) -> int:
        """The number by which kernels know what H is made of."""
        if self.entries is not None:
            return ENTRIES
        return len(self.terms) if self.softmax is None else SOFTMAX - len(self.terms)

    def in_panels(self) -> Any:
        """H as kernels read it, panel by panel."""
        m, n = self.shape
        rank, wide, panels = self._rank(), lanes(self.dtype), panel_count(m, self.dtype)
        stride = curvature_lines(n, rank) * wide
        lines = np.zeros(panels * stride, self.dtype)
        if self.entries is not None:
            write_lines(self.entries.reshape(m, n * n), lines, stride, 0, (0, panels, 0))
        if self.diagonal is not None:
            write_lines(self.diagonal, lines, stride, 0, (0, panels, 0))
        if self.softmax is not None:
            p, likeliest, scales = self.softmax.p, self.softmax.likeliest, self.softmax.scales
            for line, part in ((0, p), (n, likeliest), (2 * n, scales[:, None] * p)):
                write_lines(np.ascontiguousarray(part), lines, stride, line, (0, panels, 0))
        line = n if self.softmax is None else 3 * n
        for r, (x, s) in enumerate(self.terms):
            write_lines(np.ascontiguousarray(x), lines, stride, line + r * (n + 1), (0, panels, 0))
            write_lines(np.ascontiguousarray(s[:, None]), lines, stride, line + n + r * (n + 1), (0, panels, 0))
        return Curvature(lines, rank, m)


def curvature_factor(cost: Cost, A: Array, targets: Array) -> tuple[Array, Array]:
    """S [m, n, n] with S Sᵀ = (∇φ)_k ∇²L(a^{Lk}), and ∇φ [m], from checked A [m, n] and targets. Negative entries of ∇φ and
    negative eigenvalues of ∇²L count as 0."""
    weights = np.maximum(cost.reduce(cost.losses_and_gradients(A, targets)[0])[1], 0)
    H = OutputHessian.of_loss(cost.loss, A, targets, weights, "curvature")
    if H.entries is not None:
        values, vectors = np.linalg.eigh(H.entries)
        return vectors * np.sqrt(np.maximum(values, 0))[:, None, :], weights
    if H.softmax is not None:
        return Softmax(H.softmax.p, H.softmax.likeliest, H.softmax.scales, np.ones_like(weights)).factor(), weights
    S = H.factor()
    whole = np.zeros((*S.shape, S.shape[1]), S.dtype)
    whole[:, range(S.shape[1]), range(S.shape[1])] = S
    return whole, weights
