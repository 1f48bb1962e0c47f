"""Products with the generalised Gauss–Newton matrix and the tangent kernel of samples on workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from .. import network_checks, object_checks
from ..cost import Cost
from ..kernels.sums import tree_sum
from ..losses import Loss
from ..network import Network
from ..operators import Jacobian
from ..operators.curvature_operator import RankOne
from ..operators.ggn import GaussNewtonOperator
from ..operators.kept_curvature import SlabPart
from ..operators.output_hessian import OutputHessian
from ..operators.trainable_part import LayerPart, TrainablePart
from ..reductions import reduction_hessian
from ..typing import Array, Indices, Mask
from . import checks, gradient, on_worker
from .on_worker import ShardData
from .shards import Shards


class _Spread(LinearOperator):
    """Products of a vector [size] or several [size, k] in one round over the leaves."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape[0]} × {self.shape[1]}, {self.dtype})"

    def _matvec(self, v: Array) -> Array:
        return self._matmat(np.reshape(v, (-1, 1)))[:, 0]

    def _total(self, function: Callable[..., Any], *columns: Any, numbers: int) -> Any:
        return self._batch.total(function, self._leaves, *columns, numbers=numbers)


class SpreadGaussNewton(_Spread):
    """Jᵀ H J of shape (P, P), or of T numbers of θ (T, T), over samples on workers; made by `ggn`."""

    def __init__(self, network: Network, shards: Shards, cost: Cost, with_reduction: bool, trainable: Mask) -> None:
        self.network, self.cost = network, cost
        self._batch = batch = gradient.whole(network, shards, object_checks.cost(cost, Cost, penalised=True))
        self._part = part = TrainablePart(network, trainable)
        size = part.network.size
        losses = gradient.losses(batch, network, cost)
        weights = cost.reduce(losses)[1]
        found = reduction_hessian(cost.reduction, losses, weights) if with_reduction else None
        added = None if found is None else batch.each(found.diagonal)
        shared = gradient.shared_network(batch, network)
        self._leaves = batch.map(curvature, *batch.samples, batch.each(weights), shared, cost.loss, added,
                                 batch.shared(trainable, trainable.nbytes))
        self._rank_one = None
        self._penalty = None if cost.penalty is None else cost.penalty.curvature(network)[network.size - size:]
        if found is not None:
            vector = self._total(loss_sum, batch.each(found.vector), numbers=size)
            self._rank_one = RankOne(found.scale, vector, found.vector)
        super().__init__(network.dtype, (part.size, part.size))

    def _matmat(self, V: Array) -> Array:
        V = np.ascontiguousarray(self._part.spread(np.asarray(V, self.dtype)))
        out = self._total(product, self._batch.shared(V, V.nbytes), numbers=V.size)
        if self._rank_one is not None:
            scale, r, _ = self._rank_one
            for k in range(V.shape[1]):
                out[:, k] -= scale * tree_sum(r * V[:, k]) * r
        if self._penalty is not None:
            out += self._penalty[:, None] * V
        return out[self._part.kept]

    _rmatvec, _rmatmat = _Spread._matvec, _matmat

    def _adjoint(self) -> SpreadGaussNewton:
        return self

    _transpose = _adjoint

    def diagonal(self) -> Array:
        """The diagonal [P], or [T]."""
        out = self._total(diagonal, numbers=self._part.network.size)
        if self._rank_one is not None:
            out = out - self._rank_one.scale * self._rank_one.vector * self._rank_one.vector
        return (out if self._penalty is None else out + self._penalty)[self._part.kept]

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        return tree_sum(self.diagonal())

    def dense(self) -> Array:
        """Every entry [P, P], or [T, T]: a matrix from each leaf, summed up the tree; through BLAS, and so exact to rounding only.
        """
        kept = self._part.kept
        out = self._total(dense, tuple(self._part.layers()), kept, numbers=self.shape[0]**2)
        if self._rank_one is not None:
            r = self._rank_one.vector[kept]
            out = out - self._rank_one.scale * r[:, None] * r
        return out if self._penalty is None else out + np.diag(self._penalty[kept])


class SpreadTangentKernel(_Spread):
    """J Jᵀ of shape (m n, m n) over samples on workers; made by `ntk`."""

    def __init__(self, network: Network, shards: Shards) -> None:
        self.network = network
        self._batch = batch = gradient.whole(network, shards)
        shared = gradient.shared_network(batch, network)
        self._leaves = batch.map(jacobian, *batch.samples, shared)
        size = batch.m * network.widths[-1]
        super().__init__(network.dtype, (size, size))

    def _matmat(self, V: Array) -> Array:
        batch, n = self._batch, self.network.widths[-1]
        V = np.ascontiguousarray(V, self.dtype)
        parts = [V[leaf.first * n:leaf.stop * n] for leaf in batch.leaves]
        pulled = self._total(pull, parts, numbers=self.network.size * V.shape[1])
        return batch.collect(push, self._leaves, batch.shared(pulled, pulled.nbytes))

    _rmatvec, _rmatmat = _Spread._matvec, _matmat

    def _adjoint(self) -> SpreadTangentKernel:
        return self

    _transpose = _adjoint

    def diagonal(self) -> Array:
        """The diagonal [m n]: the squared norms of the rows of J."""
        return self._batch.collect(row_squares, self._leaves)

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        return tree_sum(self.diagonal())


def ggn(network: Network, shards: Shards, cost: Cost, *, reduction_curvature: bool = False,
        trainable: ArrayLike | None = None) -> SpreadGaussNewton:
    """The generalised Gauss–Newton matrix Jᵀ H J over samples on the workers of a cluster, as `engine.operators.ggn` has it.

    Each leaf keeps its forward pass on its worker; a product sends P numbers out and a sum of P numbers back, up the fixed tree,
    with the bits of one machine.

    Parameters
    ----------
    network : Network
    shards : Shards
    cost : Cost
        Any reduction; a loss with a Hessian. The second derivatives of a penalty are added once, where the products are summed.
    reduction_curvature : bool
        Whether to add J_φ̃ᵀ ∇²φ J_φ̃; for a user's own reduction a ValueError.
    trainable : array_like of bool [P], optional
        Which numbers of θ, T of them, the rows and columns are, in θ's order; all where None. Layers below the first of them only
        go forward, and vectors are as long as the layers from there on.

    Returns
    -------
    LinearOperator (P, P), or (T, T)
        Products; `.diagonal()`, `.trace()`, and `.dense()` by BLAS.
    """
    if reduction_curvature:
        checks.reduction_curvature(cost.reduction)
    mask = network_checks.trainable(trainable, object_checks.network(network, Network).size)
    return SpreadGaussNewton(network, shards, cost, reduction_curvature, mask)


def ntk(network: Network, shards: Shards) -> SpreadTangentKernel:
    """The empirical neural tangent kernel J Jᵀ over samples on the workers of a cluster, as `engine.operators.ntk` has it.

    A product takes m n numbers out, a sum of P numbers up the tree and out again, and m n numbers back; it is never formed.

    Parameters
    ----------
    network : Network
    shards : Shards
        Their targets take no part.

    Returns
    -------
    LinearOperator (m n, m n)
        Rows and columns sample by sample; products, `.diagonal()` and `.trace()`.
    """
    return SpreadTangentKernel(network, shards)


def curvature(data: ShardData, indices: Indices | None, weights: Array, network: Network, loss: Loss,
              added: Array | None, trainable: Mask) -> GaussNewtonOperator:
    """The operator of a leaf whose ∇φ are `weights`, for the layers from the first `trainable` number on; `added` [m] is what ∇²φ
    adds to single samples."""
    leaf = on_worker.problem(data, indices, network, loss, weights)
    if added is not None:
        added = np.broadcast_to(added, len(leaf.step))

    def output_hessian(cost: Cost, A: Array, targets: Array, weights: Array, gradients: Array) -> OutputHessian:
        return OutputHessian.of_loss(cost.loss, A, targets, weights, "ggn", check_finite=True)

    part = TrainablePart(network, trainable)
    return GaussNewtonOperator(part.network, part.samples(leaf.X), leaf.y, leaf.cost, "ggn", output_hessian, True, SlabPart(added))


def loss_sum(leaf: Any, r: Array) -> Array:
    """Σ r_k ∇_θ L_k [P] of a leaf."""
    return leaf.loss_sum(np.broadcast_to(r, leaf.forward.samples))


def product(leaf: Any, V: Array) -> Array:
    """A leaf's node of Jᵀ H J V [P, k]."""
    return leaf.matmat(V)


def diagonal(leaf: Any) -> Array:
    """A leaf's node of the diagonal [P]."""
    return leaf.diagonal()


def dense(leaf: Any, layers: tuple[LayerPart, ...], kept: slice | Indices) -> Array:
    """A leaf's part of the matrix [T, T]."""
    return leaf.dense_of(layers, kept)


def jacobian(data: ShardData, indices: Indices | None, network: Network) -> Jacobian:
    """J of a leaf."""
    return Jacobian(network, data.X if indices is None else data.X[indices])


def pull(leaf: Any, V: Array) -> Array:
    """A leaf's node of Jᵀ V [P, k]."""
    return leaf.rmatmat(V)


def push(leaf: Any, V: Array) -> Array:
    """J V [m n, k] of a leaf."""
    return leaf.matmat(V)


def row_squares(leaf: Any) -> Array:
    """The squared norms of a leaf's rows of J."""
    return leaf.row_norms().reshape(-1)**2
