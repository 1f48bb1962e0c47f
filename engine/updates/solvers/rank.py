"""Systems of short rank: which directions of M stand above rounding, and of the steps that serve alike the one of least norm."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, eigh, lapack, svd

from ...typing import Array
from ..linearised import RightSide

CLEAR = 4  # times rounding: of a column given twice the least singular value was at most 2.1 ε of the largest, m from 20 to 100 000
INCONSISTENT = 1e-2  # of a right side: with more of it outside the range of MᵀM, λ = 0 has no solution


def least_ratio(order: int, dtype: np.dtype[Any]) -> float:
    """The part of the largest singular value below which one counts as 0: 4 ε times the matrix's larger side.

    Four times the rule of `numpy.linalg.matrix_rank` (Golub & Van Loan, *Matrix Computations*, §5.5.8): the rows themselves
    have been rounded as well.
    """
    return CLEAR * order * float(np.finfo(dtype).eps)


def least_ratio_of_squares(order: int, rows: int, dtype: np.dtype[Any]) -> float:
    """The part of the largest eigenvalue of MᵀM [order, order] below which one counts as 0: (4 order + √rows) ε, for the sums over
    rows are rounded as well."""
    return (CLEAR * order + np.sqrt(rows)) * float(np.finfo(dtype).eps)


def share(damping: float, squares: Array, diagonal: Array) -> float:
    """The least part that λ D² has in the diagonal of MᵀM + λ D²: no eigenvalue is below it once that diagonal is scaled to 1."""
    added = damping * squares
    whole = added + diagonal
    return float(np.divide(added, whole, out=np.zeros_like(whole), where=whole > 0).min(initial=1.0))


def metric(squares: Array, diagonal: Array) -> Array:
    """E [p], by which columns are divided before their rank is judged.

    D where D scales; where it is a multiple of I, the columns' norms: the rank is then the same in any units (with columns of norm
    1 the condition number is within √p of the least that scaling can give: van der Sluis 1969). 1 for a column of zeros.
    """
    E = np.sqrt(diagonal if np.all(squares == squares[:1]) else squares)
    E[~(E > 0)] = 1
    return E


def inverse_norm(triangle: Array, lower: bool) -> float:
    """An estimate of |A⁻¹|₁, A = L Lᵀ or RᵀR, from the triangle [p, p] in p² operations (LAPACK's pocon; Higham 1988)."""
    pocon = lapack.get_lapack_funcs("pocon", dtype=triangle.dtype)
    rcond = float(pocon(triangle, 1.0, uplo="L" if lower else "U")[0])
    return 1 / rcond if rcond > 0 else np.inf


class LeastNorm:
    """min |M δ − w|² + λ |D δ|² for M = U s Vᵀ E of rank r. Where λ is 0 it is the solution of least |D δ|, the limit for
    λ → 0.

    With the QR decomposition D⁻¹ E V = Q T, the δ of least |D δ| among those of the same M δ is D⁻¹ Q t, and a = Vᵀ E δ = Tᵀ t.
    What is left is min |s a − Uᵀw|² + λ |T⁻ᵀ a|² over r numbers. Directions outside these r are in no image, so rounding cannot
    move δ along them, however small λ is.

    Parameters
    ----------
    E : ndarray [p]
        Above 0.
    V : ndarray [p, r]
    s : ndarray [r]
        Above 0.
    """

    def __init__(self, E: Array, V: Array, s: Array) -> None:
        self.E, self.V, self.s = E, V, s
        self._trtrs = lapack.get_lapack_funcs("trtrs", dtype=V.dtype)
        self._squares: Array | None = None
        self._damping: float | None = None

    def damp(self, damping: float, squares: Array) -> None:
        """Take λ D²."""
        if self._squares is None or not np.array_equal(squares, self._squares):
            self._squares, self._D, self._damping = squares.copy(), np.sqrt(squares), None
            self._Q, self._T = np.linalg.qr((self.E / self._D)[:, None] * self.V)
        if damping != self._damping:
            self._damping, self._stacked = damping, None
            if damping > 0:
                below = np.sqrt(damping).astype(self.V.dtype) * self._solved(self._T, np.eye(len(self.s), dtype=self.V.dtype), True)
                self._stacked = np.linalg.qr(np.vstack([np.diag(self.s), below]))

    def _solved(self, R: Array, b: Array, transposed: bool = False) -> Array:
        """R⁻¹ b, or R⁻ᵀ b, not finite where a pivot is 0."""
        if not len(R):
            return b
        found, failed = self._trtrs(R, b, trans=int(transposed))
        return found if failed == 0 else np.full_like(b, np.nan)

    def projected(self, vector: Array) -> Array:
        """Uᵀ w [r] from Mᵀ w [p]."""
        return (self.V.T @ (vector / self.E)) / self.s

    def solve_for(self, right_side: RightSide, image: Any, projected: Array) -> Array:
        """δ [p] for a right side, whose Uᵀ w is `projected` where its image is `image`."""
        if right_side.image is not image:
            return self.solve(self.projected(right_side.vector))
        return self.solve(projected, right_side.rest)

    def solve(self, projected: Array, rest: Array | None = None) -> Array:
        """δ [p] from Uᵀ w [r] and what of the right side is no image, `rest` [p]; not finite where λ is 0 and nothing solves it."""
        outside = None
        if rest is not None:
            scaled = rest / self._D
            inside = self._Q.T @ scaled
            projected = projected + self._solved(self._T, inside) / self.s
            outside = scaled - self._Q @ inside
            limit = INCONSISTENT if self._damping == 0 else least_ratio(len(rest), rest.dtype)
            if np.linalg.norm(outside) <= limit * np.linalg.norm(scaled):
                outside = None
            elif self._damping == 0:
                return np.full_like(rest, np.nan)
        if self._stacked is None:
            a = projected / self.s
        else:
            Q, R = self._stacked
            a = self._solved(R, Q[:len(self.s)].T @ projected)
        step = self._of_least_norm(a)
        return step if outside is None else step + outside / (self._D * self._damping)

    def _of_least_norm(self, a: Array) -> Array:
        """The δ of least |D δ| with Vᵀ E δ = a, but the one of least |E δ| where columns are too far apart in scale to tell."""
        plain = (self.V @ a) / self.E
        step = (self._Q @ self._solved(self._T, a, True)) / self._D
        step += (self.V @ (a - self.V.T @ (self.E * step))) / self.E
        return step if np.linalg.norm(self._D * step) < np.linalg.norm(self._D * plain) else plain


def of_rows(rows: Array, image: Array, E: Array) -> tuple[LeastNorm, Array] | None:
    """A LeastNorm of M [k, p] by its singular values, and Uᵀ w for an image w [k]. None where they cannot be had."""
    scaled = rows / E
    try:
        U, s, Vt = svd(scaled, full_matrices=False, overwrite_a=True)
    except (LinAlgError, ValueError):
        return None
    r = np.count_nonzero(s > least_ratio(max(scaled.shape), s.dtype) * s[:1])
    return LeastNorm(E, Vt[:r].T, s[:r]), U[:, :r].T @ image


def of_square(square: Array, rows: int, E: Array) -> LeastNorm | None:
    """A LeastNorm of M with `rows` rows by the eigenvalues of MᵀM [p, p], given as its lower triangle. None where they cannot be
    had."""
    try:
        values, V = eigh(np.tril(square / E[:, None] / E), lower=True, overwrite_a=True, driver="evd")
    except (LinAlgError, ValueError):
        return None
    kept = values > least_ratio_of_squares(len(values), rows, values.dtype) * max(values[-1], 0)
    return LeastNorm(E, V[:, kept], np.sqrt(values[kept]))
