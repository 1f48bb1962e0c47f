"""A Kronecker-factored stand-in for MᵀM + Λ, a block for each layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...typing import Array
from ..linearised import RightSide

LEAST = 10  # times ε: λ, relative to the largest entry of the samples' diagonal, below which it counts as 0


class KroneckerFactored:
    """(K + λ I)⁻¹ b with Kronecker factors, two small matrices a layer in place of p × p (`engine.operators.kfac`; Martens & Grosse
    2015).

    K has the curvature S Sᵀ of the linearised step at the outputs, and the cost's penalty beside it as it is. Of D only its mean
    square is used; frozen numbers of θ take part as if their gradient were 0. A λ below 10 ε of the largest entry of the samples'
    diagonal counts as 0, for which `KroneckerFactored.solve` of `engine.operators` leaves out the directions in which K is 0 to
    within rounding: the step of least norm.

    Parameters
    ----------
    linearised : Linearised
        With its samples kept, or read again.
    steepest : RightSide
    form : {"exact", "factored"}
        How K is damped.
    """

    def __init__(self, linearised: Any, steepest: RightSide, form: str = "exact") -> None:
        from ...operators.kfac import with_curvature_factor

        self.linearised, self._form, samples = linearised, form, linearised.samples
        problem = samples.problem
        self.operator = with_curvature_factor(samples.network, samples.X, problem.y, problem.cost, samples.factor,
                                              samples.kept_bytes)

    @property
    def _least(self) -> float:
        """The λ below which it counts as 0."""
        pairs = zip(self.operator.input_factors, self.operator.output_factors)
        largest = max(float(A.diagonal().max()) * float(B.diagonal().max()) for A, B in pairs)
        return LEAST * float(np.finfo(self.operator.dtype).eps) * largest

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p], its mean everywhere."""
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
        return self.operator.solve(full, damping=self._damping, form=self._form)[here.free]
