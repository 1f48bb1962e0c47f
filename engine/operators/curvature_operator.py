"""The base of curvature operators: a symmetric LinearOperator (P, P), with or without ∇²φ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..cost import Cost
from ..kernels.sums import tree_sum
from ..network import Network
from ..reductions import reduction_hessian
from ..typing import Array, Indices, Number
from . import curvature_checks
from .real_operator import RealOperator
from .trainable_part import LayerPart

Pairs = Sequence[tuple[LayerPart, LayerPart, Array]]


class RankOne(NamedTuple):
    """−c g gᵀ of (P, P), g = Σ_k r_k ∇_θ L_k: what ∇²φ of our own reductions has beside its diagonal."""

    scale: Number  # c
    vector: Array  # g [P]
    shares: Array  # r [m]


class CurvatureOperator(RealOperator):
    """A symmetric operator of shape (P, P), in θ's order and the network's dtype. Its transpose is itself.

    Products of several vectors run one after the other from the one forward pass. They, and the diagonal and trace of the GGN and
    of Fisher's matrices, have the same bits for any number of threads; `dense`, `blocks`, and the Hessian's diagonal and trace go
    through BLAS, and promise only rounding. A penalty of the cost is added to all of them.
    """

    _name: str
    _user_hessian: Any  # callable (losses, s) → ∇²φ s, of a user's own φ, or None
    _rank_one: RankOne | None
    _penalty: Array | None  # the diagonal [P] of the penalty's second derivative

    def __init__(self, network: Network, cost: Cost, name: str, losses: Array, weights: Array) -> None:
        self.network, self.cost, self._name, self._losses, self._weights = network, cost, name, losses, weights
        self._user_hessian = self._rank_one = None
        self._penalty = None if cost.penalty is None else cost.penalty.curvature(network)
        super().__init__(network.dtype, (network.size, network.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(P = {self.shape[0]}, {self.dtype}, {self.cost!r})"

    def _take_reduction_hessian(self) -> Array | None:
        """Take ∇²φ apart: keep the part that joins samples, and give its diagonal [m], which adds to single samples, or None."""
        reduction = self.cost.reduction
        if reduction.code < 0:
            curvature_checks.reduction_hessian(reduction, self._name)
            self._user_hessian = reduction.hessian_product
            return None
        found = reduction_hessian(reduction, self._losses, self._weights)
        if found is None:
            return None
        self._rank_one = RankOne(found.scale, self.loss_sum(found.vector), found.vector)
        return found.diagonal

    def _user_product(self, s: Array) -> Array:
        """∇²φ s [m] for s [m] and a user's own φ."""
        return curvature_checks.user_product(self._user_hessian(self._losses, s), s.shape, s.dtype)

    def sum_product(self, v: Array, share: Array | None = None) -> Array:
        """The product with v [P] but for the rank-one part of ∇²φ and the penalty.

        `share` [m] is (∇²φ J_φ̃ v)_k of a user's own φ where whoever asks knows it: the operator of one slab cannot.
        """
        raise NotImplementedError

    def sum_diagonal(self) -> Array:
        """The diagonal [P] but for what of ∇²φ joins samples and the penalty."""
        raise NotImplementedError

    def add_blocks(self, pairs: Pairs) -> None:
        """Add to each target of (left, right, target) the block of two layers' parts, l′ ≥ l, but for what of ∇²φ joins samples
        and the penalty."""
        raise NotImplementedError

    def loss_sum(self, r: Array) -> Array:
        """Σ_k r_k ∇_θ L_k [P] for r [m]."""
        raise NotImplementedError

    def loss_rows(self) -> Array:
        """∇_θ L_k of every sample [m, P]."""
        raise NotImplementedError

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        return self._with_rest(v, self.sum_product(v))

    def _with_rest(self, v: Array, out: Array) -> Array:
        """The product with v [P] from `sum_product`'s."""
        if self._rank_one is not None:
            scale, r, _ = self._rank_one
            out -= scale * tree_sum(r * v) * r
        if self._penalty is not None:
            out += self._penalty * v
        return out

    _rmatvec = _matvec

    def _matmat(self, V: Array) -> Array:
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1, out=np.empty(V.shape, self.dtype))

    _rmatmat = _matmat

    def _adjoint(self) -> CurvatureOperator:
        return self

    _transpose = _adjoint

    def _user_part(self) -> tuple[Array, Array] | None:
        """G = D_θ φ̃ and ∇²φ G, both [m, P], for a user's own ∇²φ. None where there is none."""
        if self._user_hessian is None:
            return None
        rows, m = self.loss_rows(), len(self._losses)
        second = np.stack([self._user_product(unit) for unit in np.eye(m, dtype=self.dtype)], 1)
        return rows, second @ rows

    def diagonal(self) -> Array:
        """The diagonal [P], without forming any other entry."""
        out = self.sum_diagonal()
        if self._rank_one is not None:
            scale, r, _ = self._rank_one
            out -= scale * r * r
        user_part = self._user_part()
        if user_part is not None:
            rows, products = user_part
            out += (rows * products).sum(0)
        if self._penalty is not None:
            out += self._penalty
        return out

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        return tree_sum(self.diagonal())

    def dense(self) -> Array:
        """Every entry, [P, P].

        ∂²C of W^l and W^{l′} is a sum over samples of a matrix between neurons times a^{l−1} ⊗ a^{l′−1}: one product of matrices
        for each pair of layers, n times less work than JᵀHJ from the rows of J.

        Raises
        ------
        MemoryError
            Where [P, P] does not fit in the memory available; it says so before anything is allocated.
        """
        return self.dense_of(self._layers(), slice(None))

    def blocks(self) -> list[Array]:
        """The diagonal block of (W^l, b^l) for l = 1 … L: a list of arrays [P_l, P_l], P_l = n_l (n_{l−1} + 1), in θ's order."""
        return self.blocks_of(self._layers(), slice(None))

    def _layers(self) -> list[LayerPart]:
        layout = self.network.kernels.layout
        return [LayerPart(l, slice(layout.weight_slice(l).start, layout.bias_slice(l).stop))
                for l in range(1, self.network.depth + 1)]

    def dense_of(self, layers: Sequence[LayerPart], kept: slice | Indices) -> Array:
        """`dense` for the numbers of θ at `kept` alone, T of them, which lie in the parts `layers`: [T, T]."""
        size = layers[-1].rows.stop if layers else 0
        curvature_checks.square_fits(size, self.dtype, self._name)
        out = np.zeros((size, size), self.dtype)
        self.add_blocks([(left, right, out[left.rows, right.rows]) for i, left in enumerate(layers) for right in layers[i:]])
        for part in layers[:-1]:
            rows = part.rows
            out[rows.stop:, rows] = out[rows, rows.stop:].T
        self._add_rest_of_block(out, kept, self._user_part())
        return out

    def blocks_of(self, layers: Sequence[LayerPart], kept: slice | Indices) -> list[Array]:
        """`blocks` for the numbers of θ at `kept` alone, one for each of the parts `layers`."""
        sizes = [part.rows.stop - part.rows.start for part in layers]
        curvature_checks.square_fits(max(sizes, default=0), self.dtype, self._name)
        found = [np.zeros((size, size), self.dtype) for size in sizes]
        self.add_blocks([(part, part, block) for part, block in zip(layers, found)])
        user_part = self._user_part()
        for part, block in zip(layers, found):
            self._add_rest_of_block(block, part.rows if isinstance(kept, slice) else kept[part.rows], user_part)
        return found

    def _add_rest_of_block(self, block: Array, places: slice | Indices, user_part: tuple[Array, Array] | None) -> None:
        """Add what `add_blocks` leaves out to the block of the numbers of θ at `places`."""
        if self._rank_one is not None:
            scale, r = self._rank_one.scale, self._rank_one.vector[places]
            block -= scale * r[:, None] * r
        if user_part is not None:
            rows, products = user_part
            block += rows[:, places].T @ products[:, places]
        if self._penalty is not None:
            block[np.diag_indices(len(block))] += self._penalty[places]
