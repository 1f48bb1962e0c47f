"""A Kronecker-factored stand-in for MᵀM, a block for each layer."""

from __future__ import annotations

import numpy as np

from ...typing import Array
from ..kept_linearised import KeptLinearised
from ..linearised import RightSide

LEAST = 10  # times ε: λ, relative to the largest entry of the diagonal, below which it counts as 0


class KroneckerFactored:
    """(KFAC + λ I)⁻¹ b by `engine.operators.kfac` (Martens & Grosse 2015): two small matrices a layer in place of p × p.

    Of D only its mean square is used; frozen numbers of θ take part as if their gradient were 0. A λ below 10 ε of the largest
    entry of KFAC's diagonal counts as 0, for which `KroneckerFactored.solve` of `engine.operators` leaves out the directions in
    which KFAC is 0 to within rounding: the step of least norm.
    """

    def __init__(self, linearised: KeptLinearised, steepest: RightSide) -> None:
        from ...operators.kfac import kfac

        self.linearised = linearised
        self._operator = kfac(linearised.network, linearised.X, linearised.problem.y, linearised.cost,
                              max_bytes=linearised.kept_bytes)
        self._least = LEAST * float(np.finfo(linearised.network.dtype).eps * self._operator.diagonal().max())

    def diagonal(self) -> Array:
        """The diagonal of MᵀM [p], its mean everywhere."""
        diagonal = self.linearised.diagonal()
        return np.full_like(diagonal, diagonal.mean())

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: what counts as 0."""
        mean = float(squares.mean())
        return self._least / mean if mean > 0 else 0.0

    def damp(self, damping: float, squares: Array) -> bool:
        """Take λ mean(D²). Always True."""
        damping = float(damping * squares.mean())
        self._damping = damping if damping >= 0.5 * self._least else 0.0
        return True

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        here = self.linearised
        full = np.zeros(here.network.size, here.network.dtype)
        full[here.free] = right_side.vector
        return np.asarray(self._operator.solve(full, damping=self._damping))[here.free].astype(here.network.dtype)
