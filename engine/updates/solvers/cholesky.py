"""The normal equations on p × p, by Cholesky's decomposition."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from ...typing import Array
from ..kept_linearised import KeptLinearised
from ..linearised import Linearised, RightSide
from . import rank
from .decomposition import Decomposition

LEAST = 10  # times ε: λ below which rounding of Mᵀ w, divided by λ, would make a step of a tenth of |w| where nothing changes


def normal_matrix(linearised: KeptLinearised) -> Array:
    """MᵀM [p, p], its lower triangle."""
    return linearised.square()


class Cholesky:
    """The normal equations, with MᵀM + Λ summed layer by layer or slab by slab and M never formed. Each damping costs one
    decomposition, p³/6 multiply-adds, by our own kernels (`decomposition`).

    Squares the condition number of M: where that is above 1/√ε, `QR` has the digits. Where λ is below 10 ε of the diagonal,
    MᵀM + λ D² is scaled to a diagonal of 1 and its condition number estimated; where that says that rank may be short, the
    eigenvalues decide (`rank.least_ratio_of_squares`), and `rank.LeastNorm` solves: by LAPACK.
    """

    def __init__(self, linearised: Linearised, steepest: RightSide) -> None:
        self._potrf, self._potrs = lapack.get_lapack_funcs(("potrf", "potrs"), dtype=linearised.network.dtype)
        self._rows = linearised.shape[0] * linearised.shape[1]
        known, dtype = linearised.normal, linearised.network.dtype
        self.matrix = linearised.reduced(normal_matrix, np.add) if known is None else known.astype(dtype, copy=False)
        if linearised.added is not None:
            self.matrix = np.array(self.matrix, order="K")  # sums of workers cannot be written to, nor what another keeps
            np.einsum("ii->i", self.matrix)[...] += linearised.added
        self._upper, self._given = np.ascontiguousarray(self.matrix.T), steepest.vector
        self._decomposition: Decomposition | None = None
        self._found: rank.LeastNorm | None = None
        self._short: rank.LeastNorm | None = None
        self._scale: Array | None = None

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""
        return self.matrix.diagonal().copy()

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: 10 ε, of D² that is at least the diagonal."""
        return LEAST * float(np.finfo(self.matrix.dtype).eps)

    def damp(self, damping: float, squares: Array) -> bool:
        """Decompose MᵀM + λ D². False where it is not positive definite in this arithmetic, though λ is above rounding."""
        self._short = self._scale = None
        if rank.share(damping, squares, self.matrix.diagonal()) < 0.5 * self.least_damping(squares):
            return self._damp_little(damping, squares)
        if self._decomposition is None:
            self._decomposition = Decomposition(len(self.matrix), self.matrix.dtype)
        return self._decomposition.decompose(self._upper, (damping * squares).astype(self.matrix.dtype, copy=False), self._given)

    def _damp_little(self, damping: float, squares: Array) -> bool:
        size, dtype = len(self.matrix), self.matrix.dtype
        whole = self.matrix.diagonal() + damping * squares
        E = np.where(whole > 0, np.sqrt(whole), 1).astype(dtype)
        damped = np.asfortranarray(np.tril(self.matrix / E[:, None] / E))
        damped.flat[::size + 1] = whole / E**2
        norm = np.sqrt(2) * np.linalg.norm(damped)
        self._lower, failed = self._potrf(damped, lower=1, overwrite_a=1)
        if failed == 0:
            least = norm * rank.least_ratio_of_squares(size, self._rows, dtype)
            if rank.inverse_norm(self._lower, lower=True) * least < 1:
                self._scale = E
                return True
        if self._found is None:
            self._found = rank.of_square(self.matrix, self._rows, rank.metric(squares, self.matrix.diagonal()))
        self._short = self._found
        if self._short is None:
            return False
        self._short.damp(damping, squares)
        return True

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        vector = right_side.vector
        if self._short is not None:
            rest = right_side.rest
            return self._short.solve(self._short.projected(vector if rest is None else vector - rest), rest)
        if self._scale is not None:
            return self._potrs(self._lower, vector / self._scale, lower=1)[0] / self._scale
        assert self._decomposition is not None
        return self._decomposition.solve(vector)
