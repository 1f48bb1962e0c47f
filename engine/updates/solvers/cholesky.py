"""The normal equations on p × p, by Cholesky's decomposition."""

import numpy as np
from scipy.linalg import lapack

from ...forward import lanes
from ...kernels.decomposition import decompose, decomposed_numbers, solve_decomposed

SERIAL = 1000  # p up to which our decomposition on one thread is the faster: p 481, float64, 1.1 ms; LAPACK's on two 1.3


class Cholesky:
    """MᵀM summed layer by layer or slab by slab, M never held; each damping costs one decomposition, p³/6 multiply-adds.

    Squares the condition number of M: where that is above 1/√ε, `QR` has the digits.
    """

    def __init__(self, linearised, steepest):
        p, dtype = linearised.size, linearised.network.dtype
        self._potrf, self._potrs = lapack.get_lapack_funcs(("potrf", "potrs"), dtype=dtype)
        self.matrix = linearised.square()
        self._upper = np.empty(decomposed_numbers(p, lanes(dtype)), dtype) if p <= SERIAL else None

    def diagonal(self):
        """The diagonal of MᵀM [p]."""
        return self.matrix.diagonal().copy()

    def damp(self, damping, squares):
        """Decompose MᵀM + λ D²; False where it is not positive definite in this arithmetic."""
        added = (damping * squares).astype(self.matrix.dtype, copy=False)
        if self._upper is not None:
            decompose(self.matrix, added, self._upper)
            return not np.isnan(self._upper[0])
        damped = self.matrix.copy()
        damped.flat[::len(damped) + 1] += added
        self._lower, failed = self._potrf(damped.T, lower=1, overwrite_a=1, clean=0)
        return failed == 0

    def solve(self, right_side):
        """δ [p]."""
        if self._upper is None:
            return self._potrs(self._lower, right_side.vector, lower=1)[0]
        step = right_side.vector.copy()
        solve_decomposed(self._upper, step)
        return step
