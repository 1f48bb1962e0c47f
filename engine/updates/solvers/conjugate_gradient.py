"""Conjugate gradients on v ↦ Mᵀ (M v) + λ D² v."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

ITERATIONS = 1000


class ConjugateGradient:
    """By products with J and Jᵀ alone (Hestenes & Stiefel 1952), preconditioned by the diagonal; memory a few times p.

    Stops at a residual of ε^(2/3) of the right side's norm, or after 1000 iterations: a step along the way is still one down.
    """

    def __init__(self, linearised, steepest):
        self.linearised, self._diagonal = linearised, linearised.diagonal()

    def diagonal(self):
        """The diagonal of MᵀM [p]."""
        return self._diagonal

    def damp(self, damping, squares):
        """Take λ D²; False where MᵀM + λ D² has a row of zeros."""
        self._added = damping * squares
        return bool((self._diagonal + self._added > 0).all())

    def solve(self, right_side):
        """δ [p]."""
        here, dtype = self.linearised, right_side.vector.dtype
        shape = (here.size, here.size)
        product = LinearOperator(shape, lambda v: here.normal_product(v) + self._added * v, dtype=dtype)
        inverse = LinearOperator(shape, lambda v: v / (self._diagonal + self._added), dtype=dtype)
        return cg(product, right_side.vector, rtol=np.finfo(dtype).eps ** (2 / 3), maxiter=ITERATIONS, M=inverse)[0].astype(dtype)
