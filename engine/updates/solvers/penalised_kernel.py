"""The dual system on mn × mn beside a penalty, whose curvature need not be a multiple of D²."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array
from ..linearised import RightSide
from . import rank
from .cholesky import Cholesky
from .decomposition import Decomposition
from .kernel import LEAST, Kernel


class PenalisedKernel(Kernel):
    """δ = E⁻² (r + Mᵀ (M E⁻² Mᵀ + I)⁻¹ (w − M E⁻² r)) for b = Mᵀ w + r, with E² = Λ + λ D² (Woodbury): the same step as the normal
    equations', in mn × mn.

    Each λ makes M E⁻² Mᵀ anew, mn × mn × p/2 multiply-adds. Where E² is below 10 ε of some number's curvature, as it is with λ = 0
    and biases that are not penalised, E⁻² says nothing, and `Cholesky` solves the normal equations.
    """

    def __init__(self, linearised: Any, steepest: RightSide) -> None:
        super().__init__(linearised.samples, steepest)
        self._whole, self._steepest = linearised, steepest
        self._curvature = self.linearised.diagonal()
        self._primal: Cholesky | None = None
        self._solver: Cholesky | None = None

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""
        return self._curvature + self._whole.added

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: 10 ε."""
        return LEAST * float(np.finfo(squares.dtype).eps)

    def damp(self, damping: float, squares: Array) -> bool:
        """Decompose M E⁻² Mᵀ + I, or MᵀM + E². False where that is not positive definite in this arithmetic."""
        E2 = (self._whole.added + damping * squares).astype(squares.dtype)
        self._solver = None
        if rank.share(1.0, E2, self._curvature) < 0.5 * self.least_damping(squares):
            if self._primal is None:
                self._primal = Cholesky(self._whole, self._steepest)
            self._solver = self._primal
            return self._solver.damp(damping, squares)
        matrix = self._take(E2)
        self._decomposition = Decomposition(len(matrix), matrix.dtype)
        return self._decomposition.decompose(np.ascontiguousarray(matrix.T), np.ones(len(matrix), matrix.dtype), self._image)

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        if self._solver is not None:
            return self._solver.solve(right_side)
        image = right_side.image.reshape(-1)
        parts = [part for part in (right_side.rest, right_side.shrinkage) if part is not None]
        if not parts:
            return self._inverse(image)
        rest = sum(parts) / self._squares
        return rest + self._inverse(image - self.linearised.product(rest).reshape(-1))
