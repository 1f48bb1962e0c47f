"""The block-diagonal operator of Kronecker products: products, solves, the determinant and norms, block by block."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag

from .. import checks
from ..cost import Cost
from ..typing import Array, Mask
from . import checks as operator_checks
from . import kronecker_checks
from .kronecker_blocks import KroneckerBlock, Strengths
from .kronecker_parts import KroneckerPart, joined, square
from .kronecker_passes import KroneckerPasses
from .real_operator import RealOperator


class KroneckerFactored(RealOperator):
    """The block-diagonal operator with B_l ⊗ A_l at layer l, and the second derivative of the cost's penalty. Made by `kfac`.

    Attributes
    ----------
    input_factors : list of ndarray [n_{l−1} + 1, n_{l−1} + 1]
        A_l, l = 1 … L, the bias's 1 as the last input; [0, 0] where nothing of the layer is trainable. Of separate biases the
        blocks take A_l without its last row and column, and its last entry alone.
    output_factors : list of ndarray [n_l, n_l]
        B_l, l = 1 … L.
    """

    two_rounds = False  # whether the samples pass once more after the factors are made

    def __init__(self, passes: KroneckerPasses, cost: Cost, parts: Sequence[KroneckerPart], trainable: Mask) -> None:
        self.network, self._cost, self._parts = passes.network, cost, tuple(parts)
        self.trainable = trainable if trainable.size else None
        self._penalty = None
        if cost.penalty is not None:
            curvature = cost.penalty.curvature(self.network)
            self._penalty = curvature[trainable] if trainable.size else curvature
        self.input_factors, self.output_factors = passes.factors(sorted({part.layer for part in parts}))
        self._blocks = self._made_blocks()
        size = sum(part.shape[0] * part.shape[1] for part in parts)
        super().__init__(self.network.dtype, (size, size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(P = {self.shape[0]}, {self.dtype}, {self._cost!r})"

    def _made_blocks(self) -> list[KroneckerBlock]:
        return [KroneckerBlock(square(self.output_factors[part.layer - 1], part.neurons),
                               square(self.input_factors[part.layer - 1], part.inputs), self._strengths(part))
                for part in self._parts]

    def _strengths(self, part: KroneckerPart) -> Strengths:
        """What the penalty adds to a part."""
        if self._penalty is None:
            return Strengths(0.0, 0.0)
        added = [float(self._penalty[where.start]) for where, there in ((part.weights, part.has_weights),
                                                                         (part.biases, part.has_biases)) if there]
        return Strengths(added[0], added[0] - added[-1])

    def with_factors(self, input_factors: Sequence[Array], output_factors: Sequence[Array]) -> KroneckerFactored:
        """The same operator with other factors, averages over several batches for instance.

        Parameters
        ----------
        input_factors, output_factors : sequence of ndarray
            As the attributes have them.

        Returns
        -------
        KroneckerFactored
        """
        made = copy.copy(self)
        made.input_factors, made.output_factors = list(input_factors), list(output_factors)
        made._blocks = made._made_blocks()
        return made

    def _spectrum(self) -> list[tuple[Array, Array, Array]]:
        """(U, V, s) for every part: the eigenvectors of B and A, and the eigenvalues s [neurons, inputs] of B ⊗ A."""
        return [block.spectrum for block in self._ready()]

    def _ready(self) -> Sequence[KroneckerBlock]:
        """The blocks, with all that they need."""
        return self._blocks

    def _join(self, blocks: Any) -> Array:
        """The vector of θ's layout from blocks [neurons, inputs]."""
        return joined(self._parts, blocks, np.empty(self.shape[0], self.dtype))

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        out = self._join(block.product(part.of(v)) for part, block in zip(self._parts, self._ready()))
        return out if self._penalty is None else out + self._penalty * v

    _rmatvec = _matvec

    def _adjoint(self) -> KroneckerFactored:
        return self

    _transpose = _adjoint

    def solve(self, v: ArrayLike, *, damping: float = 0.0, form: str = "exact") -> Array:
        """(K + λ I)⁻¹ v [P], from the eigenvectors of the factors.

        Parameters
        ----------
        v : array_like [P] or [P, r]
        damping : float
            λ ≥ 0. Where it is 0, directions in which K is 0 to within rounding are left out: a pseudo-inverse.
        form : {"exact", "factored"}
            "factored" damps each factor by its part of √λ, (A_l + π √λ I) ⊗ (B_l + √λ/π I), π² being the mean eigenvalue of A_l
            over that of B_l (Martens & Grosse 2015, section 6.3): what KFAC mostly is elsewhere, and larger than K + λ I. A
            penalty's strength then joins λ, the weights' over a whole joint block. Separate biases, whose blocks have one factor,
            are damped exactly; and an `ekfac` has no other form.

        Returns
        -------
        ndarray of v's shape
        """
        V = checks.real_array(v, "v")
        damping = operator_checks.damping(damping)
        form = kronecker_checks.form(form, not self.two_rounds)
        if V.ndim == 2:
            return np.stack([self.solve(V[:, i], damping=damping, form=form) for i in range(V.shape[1])], axis=1)
        v = checks.vector(V, self.shape[0], self.dtype, "v", "one number for each of θ")
        return self._join(block.solve_by_factors(part.of(v), damping) if form == "factored" and part.has_weights
                          else block.solve(part.of(v), damping) for part, block in zip(self._parts, self._ready()))

    def log_determinant(self, *, damping: float = 0.0) -> float:
        """log |K + λ I|, a number: −∞ where λ is 0 and K singular to within rounding.

        Parameters
        ----------
        damping : float
            λ ≥ 0.
        """
        damping = operator_checks.damping(damping)
        return float(sum(block.log_determinant(damping) for block in self._ready()))

    def diagonal(self) -> Array:
        """The diagonal [P]."""
        out = self._join(block.diagonal() for block in self._ready())
        return out if self._penalty is None else out + self._penalty

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        total = self.dtype.type(sum(block.trace() for block in self._ready()))
        return total if self._penalty is None else self.dtype.type(total + self._penalty.sum())

    def frobenius_norm(self) -> np.floating[Any]:
        """‖K‖, the root of the sum of the squares of all entries, a number: ‖B_l ⊗ A_l‖ = ‖B_l‖ ‖A_l‖."""
        squares = sum(float(block.norm())**2 for block in self._ready())
        if self._penalty is not None:
            added = self._penalty
            squares += float(added @ (2 * self.diagonal() - added))  # ‖K + D‖² = ‖K‖² + 2 tr K D + ‖D‖²
        return self.dtype.type(np.sqrt(squares))

    def blocks(self) -> list[Array]:
        """The block of (W^l, b^l) for l = 1 … L: a list of arrays [P_l, P_l], P_l = n_l (n_{l−1} + 1), in θ's order."""
        found: list[list[Array]] = [[] for _ in range(self.network.depth)]
        for part, block in zip(self._parts, self._ready()):
            order = part.order
            dense = block.dense()[np.ix_(order, order)]
            if self._penalty is not None:
                dense.flat[::len(dense) + 1] += np.concatenate([self._penalty[part.weights], self._penalty[part.biases]])
            found[part.layer - 1].append(dense)
        return [block_diag(*each) if len(each) > 1 else each[0] if each else np.zeros((0, 0), self.dtype) for each in found]

    def dense(self) -> Array:
        """Every entry [P, P], zeros between layers included.

        Raises
        ------
        MemoryError
            Where it does not fit in the memory available.
        """
        operator_checks.fits_in_memory(self.shape, self.dtype)
        return block_diag(*(block for block in self.blocks() if block.size))
