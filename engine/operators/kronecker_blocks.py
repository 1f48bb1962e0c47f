"""Blocks B ⊗ A + diag(penalty): their products, and what their eigenvectors give, the solve and the determinant among it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..typing import Array, Mask


class Strengths(NamedTuple):
    """What a penalty adds to the diagonal of a block: to all of it, and how much less of it in the last column, the biases'."""

    whole: float
    less: float


class KroneckerBlock:
    """B ⊗ A of a layer's part, over arrays X [n, q] as B X A, and a penalty's diagonal beside it in `solve` and `log_determinant`.

    With the eigenvectors U of B and V of A the block is diagonal, s_ij = b_i a_j. A penalty τ on weights and τ − δ on the biases of
    the last column adds τ − δ u uᵀ to each of its rows i, u being V's last row: a change of rank one (Sherman & Morrison 1950),

        (D_i − δ u uᵀ)⁻¹ x = D_i⁻¹ x + δ D_i⁻¹ u (uᵀ D_i⁻¹ x) / c_i,    c_i = 1 − δ uᵀ D_i⁻¹ u = Σ_j u_j² (d_ij − δ) / d_ij,

    with d_ij = s_ij + τ + λ. The last form of c_i, by ‖u‖ = 1, is a sum of numbers above 0, and does not cancel.
    """

    def __init__(self, B: Array, A: Array, strengths: Strengths) -> None:
        self.B, self.A, self.strengths = B, A, strengths

    @cached_property
    def eigen(self) -> tuple[Array, Array, Array, Array]:
        """b [n], U [n, n], a [q] and V [q, q], no eigenvalue below 0."""
        (b, U), (a, V) = np.linalg.eigh(self.B), np.linalg.eigh(self.A)
        return np.maximum(b, 0), U, np.maximum(a, 0), V

    @cached_property
    def spectrum(self) -> tuple[Array, Array, Array]:
        """U, V and the eigenvalues s [n, q], without the penalty."""
        b, U, a, V = self.eigen
        return U, V, b[:, None] * a

    def product(self, X: Array) -> Array:
        """B X A [n, q]."""
        return self.B @ X @ self.A

    def diagonal(self) -> Array:
        """[n, q]."""
        return np.outer(np.diag(self.B), np.diag(self.A))

    def trace(self) -> np.floating[Any]:
        """tr A · tr B."""
        return np.trace(self.A) * np.trace(self.B)

    def norm(self) -> np.floating[Any]:
        """‖A‖ ‖B‖, by Frobenius' norm."""
        return np.linalg.norm(self.A) * np.linalg.norm(self.B)

    def dense(self) -> Array:
        """[n q, n q], row by row of X."""
        return np.kron(self.B, self.A)

    def _denominators(self, damping: float) -> tuple[Array, Array, float]:
        """d [n, q], c [n], and the size up to which an eigenvalue of s counts as 0: below 0 where λ or a penalty lifts it."""
        _, V, s = self.spectrum
        kind, (whole, less) = s.dtype.type, self.strengths
        d = s + kind(whole + damping)
        c = ((s + kind(whole - less + damping)) * V[-1]**2 / d).sum(1) if less else np.ones(len(s), s.dtype)
        return d, c, s.max(initial=0) * max(s.shape) * np.finfo(s.dtype).eps

    def solve(self, X: Array, damping: float) -> Array:
        """(B ⊗ A + penalty + λ I)⁻¹ X, where what is 0 to within rounding is left out if λ is 0."""
        U, V, s = self.spectrum
        less, u = s.dtype.type(self.strengths.less), V[-1]
        d, c, least = self._denominators(damping)
        rotated = U.T @ X @ V
        if not less:
            inverse = np.divide(1, d, out=np.zeros_like(s), where=d > (0 if damping > 0 else least))
            return U @ (inverse * rotated) @ V.T
        empty = self._empty_rows(damping, least)
        rotated[empty] -= np.outer(rotated[empty] @ u, u)
        found, lifted = rotated / d, u / d
        share = np.divide(less, c, out=np.zeros_like(c), where=~empty)
        return U @ (found + (share * (found @ u))[:, None] * lifted) @ V.T

    def _empty_rows(self, damping: float, least: float) -> Mask:
        """Which rows [n] have nothing but rounding along u, the biases, where λ and their own penalty are 0."""
        _, V, s = self.spectrum
        own = self.strengths.whole - self.strengths.less + damping
        return np.zeros(len(s), np.bool_) if own > 0 else s @ V[-1]**2 <= least

    def log_determinant(self, damping: float) -> float:
        """log |B ⊗ A + penalty + λ I|, in float64: −∞ where it is singular to within rounding and λ is 0."""
        d, c, least = self._denominators(damping)
        singular = not damping and ((d <= least).any() or (self.strengths.less and self._empty_rows(damping, least).any()))
        return -np.inf if singular else float(np.log(d, dtype=np.float64).sum() + np.log(c, dtype=np.float64).sum())

    def solve_by_factors(self, X: Array, damping: float) -> Array:
        """(B + √λ/π I)⁻¹ X (A + π √λ I)⁻¹, π² the mean eigenvalue of A over that of B; a penalty joins λ.

        Where B ⊗ A is 0 there is nothing to split: the exact solve.
        """
        b, U, a, V = self.eigen
        split = damping + self.strengths.whole
        mean_A, mean_B = a.mean(), b.mean()
        if not (split and mean_A and mean_B):
            return self.solve(X, damping)
        root, ratio = np.sqrt(split), np.sqrt(mean_A / mean_B)
        below_A, below_B = a.dtype.type(ratio * root), b.dtype.type(root / ratio)
        return U @ ((U.T @ X @ V) / ((b + below_B)[:, None] * (a + below_A))) @ V.T


class CorrectedBlock(KroneckerBlock):
    """The block Q diag(s) Qᵀ, Q = U ⊗ V the eigenvectors of B ⊗ A, with other eigenvalues s [n, q]."""

    def __init__(self, B: Array, A: Array, strengths: Strengths) -> None:
        super().__init__(B, A, strengths)
        b, U, a, V = self.eigen
        self._total = np.zeros((len(b), len(a)), B.dtype)

    def squared_inputs(self, inputs: Array) -> Array:
        """The squares of ā along V [samples, q]."""
        return (inputs @ self.eigen[3])**2

    def add(self, chain: Array, inputs: Array) -> None:
        """Add the curvature that samples have along each eigenvector, from Sᵀ B [., r, n] and `squared_inputs` [., q]."""
        rotated = chain @ self.eigen[1]
        self._total += np.einsum("kip,kip->kp", rotated, rotated).T @ inputs

    @cached_property
    def spectrum(self) -> tuple[Array, Array, Array]:
        """U, V and s."""
        _, U, _, V = self.eigen
        return U, V, np.maximum(self._total, 0)

    def product(self, X: Array) -> Array:
        """Q (s Qᵀ X)."""
        U, V, s = self.spectrum
        return U @ (s * (U.T @ X @ V)) @ V.T

    def diagonal(self) -> Array:
        """[n, q]."""
        U, V, s = self.spectrum
        return U**2 @ s @ (V**2).T

    def trace(self) -> np.floating[Any]:
        """Σ s."""
        return self.spectrum[2].sum()

    def norm(self) -> np.floating[Any]:
        """‖s‖."""
        return np.linalg.norm(self.spectrum[2])

    def dense(self) -> Array:
        """[n q, n q], row by row of X."""
        U, V, s = self.spectrum
        Q = np.kron(U, V)
        return (Q * s.reshape(-1)) @ Q.T
