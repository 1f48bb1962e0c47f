"""Least squares on the stacked matrix [M; √Λ; √λ D], by orthogonal transformations."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import lapack

from ...typing import Array
from ..kept_linearised import KeptLinearised
from ..linearised import Linearised, RightSide
from . import rank


def stacked_triangle(above: Array, below: Array) -> Array:
    """R of a QR decomposition of two matrices, one above the other. It has at most as many rows as columns."""
    stacked = np.vstack([above, below])
    geqrf = lapack.get_lapack_funcs("geqrf", dtype=stacked.dtype)
    return np.triu(geqrf(np.asfortranarray(stacked), overwrite_a=1)[0][:stacked.shape[1]])


def triangle(linearised: KeptLinearised, image: Any) -> Array:
    """R of [M, w] for an image w [mn], slab by slab."""
    top, first = np.zeros((0, linearised.size + 1), linearised.network.dtype), 0
    for slab in linearised.rows():
        top = stacked_triangle(top, np.column_stack([slab, image[first:first + len(slab)]]))
        first += len(slab)
    return top


def penalty_rows(linearised: Linearised) -> Array:
    """[√Λ, √Λ θ] [p, p + 1]: the penalty is half the square of √Λ θ."""
    assert linearised.added is not None
    roots = np.sqrt(linearised.added)
    return np.column_stack([np.diag(roots), roots * linearised.theta[linearised.free]])


class QR:
    """Least squares by R of M slab by slab, then R of [R; √λ D] for each damping. The condition number is M's own, not its square.
    Where there is a penalty, R is of [M; √Λ].

    The image of the right side is transformed along with M, as a column of its own. A side without one (an acceleration's) goes
    through Rᵀ R, the semi-normal equations (Björck 1987). Where λ is too small to fill what R may lack in rank, and an estimate of
    the condition number says that it may, the singular values of R E⁻¹ decide (`rank.least_ratio`), and `rank.LeastNorm` solves.
    """

    def __init__(self, linearised: Linearised, steepest: RightSide) -> None:
        self._trtrs = lapack.get_lapack_funcs("trtrs", dtype=linearised.network.dtype)
        self._size, self._image = linearised.size, steepest.image
        self._top = linearised.reduced(triangle, stacked_triangle, steepest.image)
        if linearised.added is not None:
            self._top = stacked_triangle(self._top, penalty_rows(linearised))
        self._squares: Array | None = None
        self._found: tuple[rank.LeastNorm, Array] | None = None
        self._short: rank.LeastNorm | None = None

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""
        return np.einsum("ij,ij->j", self._top[:, :-1], self._top[:, :-1])

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: ε², for rank is judged."""
        return float(np.finfo(self._top.dtype).eps)**2

    def damp(self, damping: float, squares: Array) -> bool:
        """Decompose [R; √λ D], or R by its singular values. False where that fails in this arithmetic."""
        self._short = None
        if rank.share(damping, squares, self.diagonal()) < np.sqrt(np.finfo(self._top.dtype).eps):
            if self._squares is None or not np.array_equal(squares, self._squares):
                self._squares, self._found = squares.copy(), self._revealed(squares)
            if self._found is not None:
                self._short, self._projected = self._found
                self._short.damp(damping, squares)
                return True
        below = np.zeros((self._size, self._size + 1), self._top.dtype)
        below.flat[::self._size + 2] = np.sqrt(damping * squares)
        whole = stacked_triangle(self._top, below)[:self._size]
        self._R, self._projected = np.asfortranarray(whole[:, :-1]), whole[:, -1]
        pivots = np.abs(self._R.diagonal())
        return bool(np.isfinite(pivots).all() and pivots.min() > 0)

    def _revealed(self, squares: Array) -> tuple[rank.LeastNorm, Array] | None:
        """The LeastNorm and Uᵀ w that `rank.of_rows` finds, or None where R is far from short of rank."""
        E, R = rank.metric(squares, self.diagonal()), self._top[:self._size, :-1]
        if len(R) == self._size:
            inverse = rank.inverse_norm(np.asfortranarray(R / E), lower=False)
            if inverse * self._size * rank.least_ratio(self._size, R.dtype)**2 < 1:
                return None
        return rank.of_rows(R, self._top[:self._size, -1], E)

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        if self._short is not None:
            return self._short.solve_for(right_side, self._image, self._projected)
        if right_side.image is not self._image:
            return self._semi_normal(right_side.vector)
        step = self._trtrs(self._R, self._projected)[0]
        return step if right_side.rest is None else step + self._semi_normal(right_side.rest)

    def _semi_normal(self, vector: Array) -> Array:
        return self._trtrs(self._R, self._trtrs(self._R, vector, trans=1)[0])[0]
