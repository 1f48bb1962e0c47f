"""The dual system on mn × mn, for fewer rows than parameters."""

import numpy as np
from scipy.linalg import blas, lapack


class Kernel:
    """δ = D⁻² Mᵀ (M D⁻² Mᵀ + λ I)⁻¹ w, the same step as the normal equations' (Woodbury), in mn × mn.

    Where D is a multiple of I, M Mᵀ is Sᵀ (J Jᵀ) S from the Jacobian's factors and M is never held; else M is, mn p numbers,
    fewer than the p × p of the normal equations.
    """

    def __init__(self, linearised, steepest):
        self.linearised, self._squares, self._rows = linearised, None, None
        self._potrf, self._potrs = lapack.get_lapack_funcs(("potrf", "potrs"), dtype=linearised.network.dtype)

    def diagonal(self):
        """The diagonal of MᵀM [p]."""
        return self.linearised.diagonal()

    def _gram(self, squares):
        """M D⁻² Mᵀ [mn, mn], its lower triangle."""
        here = self.linearised
        if np.all(squares == squares[0]) and isinstance(here.free, slice):
            gram, factor = here.jacobian.gram(), here.factor
            if factor.ndim == 2:
                s = factor.reshape(-1)
                gram *= s[:, None] * (s / squares[0])
                return gram
            m, n = here.outputs.shape
            turned = np.matmul(factor.transpose(0, 2, 1), gram.reshape(m, n, m * n)).reshape(m * n, m, n)
            return (np.matmul(turned.transpose(1, 0, 2), factor).transpose(1, 0, 2) / squares[0]).reshape(m * n, m * n)
        if self._rows is None:
            self._rows = np.vstack([slab.copy() for slab in here.rows()])
        syrk = blas.get_blas_funcs("syrk", dtype=self._rows.dtype)
        return syrk(1.0, (self._rows / np.sqrt(squares)).T, trans=1, lower=1)

    def damp(self, damping, squares):
        """Decompose M D⁻² Mᵀ + λ I; False where it is not positive definite in this arithmetic."""
        if self._squares is None or not np.array_equal(squares, self._squares):
            self._squares, self._matrix = squares.copy(), self._gram(squares)
        damped = np.array(self._matrix, order="F")
        damped.flat[::len(damped) + 1] += damping
        self._damping = damping
        self._lower, failed = self._potrf(damped, lower=1, overwrite_a=1, clean=0)
        return failed == 0

    def _inverse(self, image):
        """D⁻² Mᵀ (M D⁻² Mᵀ + λ I)⁻¹ w [p]."""
        dual = self._potrs(self._lower, image, lower=1)[0].reshape(self.linearised.outputs.shape)
        return self.linearised.adjoint(dual) / self._squares

    def solve(self, right_side):
        """δ [p]."""
        step = self._inverse(right_side.image)
        if right_side.rest is None:
            return step
        rest = right_side.rest / self._squares
        return step + (rest - self._inverse(self.linearised.product(rest).reshape(-1))) / self._damping
