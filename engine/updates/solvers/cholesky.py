"""The normal equations on p × p, by Cholesky's decomposition."""

import numpy as np
from scipy.linalg import lapack


def normal_matrix(linearised):
    """MᵀM [p, p], its lower triangle."""
    return linearised.square()


class Cholesky:
    """MᵀM summed layer by layer or slab by slab, M never held; each damping costs one decomposition, p³/6 multiply-adds.

    Squares the condition number of M: where that is above 1/√ε, `QR` has the digits.
    """

    def __init__(self, linearised, steepest):
        self._potrf, self._potrs = lapack.get_lapack_funcs(("potrf", "potrs"), dtype=linearised.network.dtype)
        self.matrix = linearised.reduced(normal_matrix, np.add)

    def diagonal(self):
        """The diagonal of MᵀM [p]."""
        return self.matrix.diagonal().copy()

    def damp(self, damping, squares):
        """Decompose MᵀM + λ D²; False where it is not positive definite in this arithmetic."""
        damped = self.matrix.copy(order="F")
        damped.flat[::len(damped) + 1] += damping * squares
        self._lower, failed = self._potrf(damped, lower=1, overwrite_a=1, clean=0)
        return failed == 0

    def solve(self, right_side):
        """δ [p]."""
        return self._potrs(self._lower, right_side.vector, lower=1)[0]
