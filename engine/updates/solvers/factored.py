"""A Kronecker-factored stand-in for MᵀM, a block a layer."""

import numpy as np


class KroneckerFactored:
    """(KFAC + λ I)⁻¹ b by `engine.operators.kfac` (Martens & Grosse 2015): two small matrices a layer in place of p × p.

    Of D only its mean square is used; frozen numbers of θ take part as if their gradient were 0.
    """

    def __init__(self, linearised, steepest):
        from ...operators.kfac import kfac

        self.linearised = linearised
        self._operator = kfac(linearised.network, linearised.X, linearised.problem.y, linearised.cost,
                              max_bytes=linearised.kept_bytes)

    def diagonal(self):
        """The diagonal of MᵀM [p], its mean everywhere."""
        diagonal = self.linearised.diagonal()
        return np.full_like(diagonal, diagonal.mean())

    def damp(self, damping, squares):
        """Take λ mean(D²)."""
        self._damping = float(damping * squares.mean())
        return self._damping > 0

    def solve(self, right_side):
        """δ [p]."""
        here = self.linearised
        full = np.zeros(here.network.size, here.network.dtype)
        full[here.free] = right_side.vector
        return np.asarray(self._operator.solve(full, damping=self._damping))[here.free].astype(here.network.dtype)
