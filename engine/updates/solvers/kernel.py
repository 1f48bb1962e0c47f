"""The dual system on mn × mn, for fewer rows than parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from ...row_squares import square_of_rows
from ...typing import Array
from ..kept_linearised import KeptLinearised
from ..linearised import RightSide
from . import rank
from .decomposition import Decomposition

SMALL = 1 << 20  # numbers of M up to which our own kernels multiply it, and no threads of a BLAS spin beside ours
LEAST = 10  # times ε: λ below which rounding, divided by λ, would make a step of a tenth of |w|


class Kernel:
    """δ = D⁻² Mᵀ (M D⁻² Mᵀ + λ I)⁻¹ w, the same step as the normal equations' (Woodbury), in mn × mn.

    Where D is a multiple of I, M Mᵀ is Sᵀ (J Jᵀ) S from the Jacobian's factors and M is never formed; else it is, mn p numbers,
    fewer than the p × p of the normal equations. Where λ is below 10 ε of the diagonal, and an estimate of the condition number
    says that M may be short of rank, its singular values decide (`rank.least_ratio`), and `rank.LeastNorm` solves, which forms M.
    """

    def __init__(self, linearised: KeptLinearised, steepest: RightSide) -> None:
        self.linearised = linearised
        self._squares: Any = None
        self._rows: Array | None = None
        self._found: tuple[rank.LeastNorm, Array] | None = None
        self._short: rank.LeastNorm | None = None
        self._decomposition: Decomposition | None = None
        self._image = steepest.image
        self._potrf, self._potrs = lapack.get_lapack_funcs(("potrf", "potrs"), dtype=linearised.network.dtype)

    def diagonal(self) -> Array:
        """The diagonal of MᵀM [p]."""
        return self.linearised.diagonal()

    def _all_rows(self) -> Array:
        """M [mn, p]."""
        if self._rows is None:
            self._rows = np.vstack([slab.copy() for slab in self.linearised.rows()])
        return self._rows

    def _gram(self, squares: Array) -> Array:
        """M D⁻² Mᵀ [mn, mn], its lower triangle."""
        here = self.linearised
        if np.all(squares == squares[0]) and isinstance(here.free, slice):
            gram, factor = here.gram(), here.factor
            if factor.ndim == 2:
                s = factor.reshape(-1)
                gram *= s[:, None] * (s / squares[0])
                return gram
            m, n = here.outputs.shape
            scaled = np.matmul(factor.transpose(0, 2, 1), gram.reshape(m, n, m * n)).reshape(m * n, m, n)
            return (np.matmul(scaled.transpose(1, 0, 2), factor).transpose(1, 0, 2) / squares[0]).reshape(m * n, m * n)
        rows = self._all_rows()
        if rows.size <= SMALL:
            return square_of_rows(rows, np.sqrt(squares)).T
        syrk = blas.get_blas_funcs("syrk", dtype=squares.dtype)
        return syrk(1.0, (rows / np.sqrt(squares)).T, trans=1, lower=1)

    def _take(self, squares: Array) -> Array:
        """M D⁻² Mᵀ for this D²."""
        if self._squares is None or not np.array_equal(squares, self._squares):
            self._squares, self._matrix, self._found = squares.copy(), self._gram(squares), None
        return self._matrix

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: 10 ε of the diagonal of M D⁻² Mᵀ, but no more than 10 ε."""
        return LEAST * float(np.finfo(squares.dtype).eps * min(1, self._take(squares).diagonal().max()))

    def damp(self, damping: float, squares: Array) -> bool:
        """Decompose M D⁻² Mᵀ + λ I. False where it is not positive definite in this arithmetic, though λ is above rounding."""
        matrix = self._take(squares)
        size, little = len(matrix), damping < 0.5 * self.least_damping(squares)
        self._damping, self._short = damping, None
        if not little:
            self._decomposition = Decomposition(size, matrix.dtype)
            return self._decomposition.decompose(np.ascontiguousarray(matrix.T), np.full(size, damping, matrix.dtype), self._image)
        self._decomposition = None
        damped = np.array(matrix, order="F")
        damped.flat[::size + 1] += damping
        norm = np.sqrt(2) * np.linalg.norm(np.tril(damped))
        self._lower, failed = self._potrf(damped, lower=1, overwrite_a=1, clean=0)
        if failed == 0:
            least = norm * rank.least_ratio_of_squares(size, self.linearised.size, damped.dtype)
            if rank.inverse_norm(self._lower, lower=True) * least < 1:
                return True
        if self._found is None:
            self._found = rank.of_rows(self._all_rows(), self._image, rank.metric(squares, self.diagonal()))
        if self._found is None:
            return False
        self._short, self._projected = self._found
        self._short.damp(damping, squares)
        return True

    def _inverse(self, image: Array) -> Array:
        """D⁻² Mᵀ (M D⁻² Mᵀ + λ I)⁻¹ w [p]."""
        if self._decomposition is None:
            dual = self._potrs(self._lower, image, lower=1)[0]
        else:
            dual = self._decomposition.solve(image)
        return self.linearised.adjoint(dual.reshape(self.linearised.outputs.shape)) / self._squares

    def solve(self, right_side: RightSide) -> Array:
        """δ [p], not finite where λ is 0 and nothing solves it."""
        if self._short is not None:
            return self._short.solve_for(right_side, self._image, self._projected)
        step = self._inverse(right_side.image)
        if right_side.rest is None:
            return step
        if self._damping == 0:
            return np.full_like(step, np.nan)
        rest = right_side.rest / self._squares
        return step + (rest - self._inverse(self.linearised.product(rest).reshape(-1))) / self._damping
