"""Conjugate gradients on v ↦ Mᵀ (M v) + Λ v + λ D² v."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from ...typing import Array
from ..linearised import Linearised, RightSide

ITERATIONS = 1000
ROUNDING = 4  # times ε |w|: by how much a number of E⁻¹ Mᵀ w may be off
LEAST = 10  # times ε: the least λ


class ConjugateGradient:
    """Conjugate gradients by products with J and Jᵀ alone (Hestenes & Stiefel 1952), preconditioned by the diagonal E². Takes a few
    times p numbers.

    Stops at a residual, in the norm |E⁻¹ ·|, of ε^(2/3) of the right side's, or where it is the rounding of Mᵀ w, 4 ε √p |w|; or
    after 1000 iterations: a step along the way is still one down. Where λ is 0 and rank is short, of the steps that serve alike it
    tends to the one of least |E δ|, as every iterate lies in the range of E⁻² MᵀM.
    """

    def __init__(self, linearised: Linearised, steepest: RightSide) -> None:
        self.linearised, self._diagonal = linearised, linearised.diagonal()
        self._steepest, self._image = steepest.vector, linearised.norm_of(steepest.image)

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""
        return self._diagonal

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: 10 ε."""
        return LEAST * float(np.finfo(self._diagonal.dtype).eps)

    def damp(self, damping: float, squares: Array) -> bool:
        """Take λ D². Always True."""
        self._damping, self._damped = damping, damping * squares
        whole = self._diagonal + self._damped
        self._E = np.where(whole > 0, np.sqrt(whole), 1).astype(whole.dtype)
        return True

    def solve(self, right_side: RightSide) -> Array:
        """δ [p], not finite where λ is 0 and nothing solves it."""
        here, E, dtype = self.linearised, self._E, right_side.vector.dtype
        scaled, eps = right_side.vector / E, np.finfo(dtype).eps

        def product(v: Array) -> Array:
            v = (v / E).astype(dtype)
            return (here.normal_product(v) + self._damped * v) / E

        atol = 0.0
        if right_side.vector is self._steepest:
            rest = sum(float(np.linalg.norm(part / E)) for part in (right_side.rest, right_side.shrinkage) if part is not None)
            atol = ROUNDING * eps * (np.sqrt(len(E)) * self._image + rest)
        system = LinearOperator((here.size, here.size), product, dtype=dtype)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = cg(system, scaled, rtol=eps ** (2 / 3), atol=atol, maxiter=ITERATIONS)[0].astype(dtype)
        if self._damping == 0 and right_side.rest is not None:
            if not np.linalg.norm(product(found) - scaled) <= 0.5 * np.linalg.norm(scaled):
                return np.full_like(found, np.nan)
        return found / E
