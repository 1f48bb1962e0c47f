"""A curvature operator whose samples pass in slabs, in bounded memory: the sum of the same operator over each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import object_checks
from ..blocks import SlabSum, block_count, cut, levels_of
from ..cost import Cost
from ..forward import lanes
from ..kernels.output_curvature import curvature_lines
from ..kernels.sums import BLOCK
from ..network import Network
from ..pool import num_threads
from ..reductions import weighted_by
from ..rows import as_given, gathered, samples_and_targets
from ..two_passes import READ, TwoPasses
from ..typing import Array
from . import curvature_checks
from .curvature_operator import CurvatureOperator, Pairs
from .dense_curvature import SLAB
from .kept_curvature import SlabPart


class SlabOperator(CurvatureOperator):
    """A curvature operator in slabs: what `ggn`, `fisher`, `empirical_fisher` and `hessian` return where they are given
    `max_bytes`.

    The losses of all samples give ∇φ once (eq. 15); then every product, diagonal or dense matrix is a sum over slabs, each
    forward once more. Products and the diagonal of the GGN and of Fisher's matrices have the bits of the operator that holds
    all its samples.

    Parameters
    ----------
    build : callable
        ``build(X, y, cost, first sample, part)``, the KeptCurvature of one slab.
    name : str
    network, X, y, cost
        As the operator takes them.
    max_bytes : int
        Bounds a slab, half of it left to `dense` and `blocks`; ∇φ comes on top.
    reduction_curvature : bool
        Whether ∇²φ takes part.
    """

    def __init__(self, build: Callable[..., Any], name: str, network: Network, X: Any, y: Any, cost: Cost, max_bytes: int,
                 reduction_curvature: bool) -> None:
        object_checks.network(network, Network)
        object_checks.cost(cost, Cost, penalised=True)
        self._build, self._max_bytes = build, max_bytes
        self._X, self._targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=True)
        self._slabs = cut(len(self._X), lambda count: self._bytes(network, count), max_bytes)
        self._passes = TwoPasses(network, self._X, self._targets, cost, None, max_bytes)
        losses = np.empty(len(self._X), network.dtype)
        self._passes.fill(losses)
        super().__init__(network, cost, name, losses, cost.reduce(losses)[1])
        self._diagonal = self._take_reduction_hessian() if reduction_curvature else None

    def _bytes(self, network: Network, count: int) -> int:
        """Twice what a slab of `count` samples takes: as much is left to the products of `dense`."""
        n, stack_lines = network.widths[-1], network.kernels.layout.stack_lines
        lines = 2 * stack_lines + 3 * sum(network.widths) + curvature_lines(n, -1) + 8 * n
        threads = min(num_threads(), block_count(count))
        workspaces = threads * (2 * BLOCK * (stack_lines + 3 * max(network.widths)) + 2 * lanes(network.dtype)**2)
        numbers = count * lines + workspaces + (levels_of(len(self._X), count) + 4 * threads) * network.size
        return 2 * (int(numbers) * network.dtype.itemsize + count * READ * (network.widths[0] + self._targets.shape[1] + 1))

    def _operators(self) -> Iterator[tuple[slice, Any]]:
        """Each slab and the operator of its samples."""
        for slab in self._slabs:
            indices = np.arange(slab.start, slab.stop)
            X, targets, chosen = gathered(self._X, self._targets, indices)
            X, targets = (X[slab], targets[slab]) if len(chosen) else (X, targets)
            y = as_given(targets, self.cost.loss.kind, self.network.widths[-1])
            cost = Cost(self.cost.loss.encoded, weighted_by(self._weights[slab]))
            diagonal = None if self._diagonal is None else self._diagonal[slab]
            yield slab, self._build(X, y, cost, slab.start, SlabPart(diagonal, min(SLAB, self._max_bytes // 2)))

    def sum_product(self, v: Array, share: Array | None = None) -> Array:
        """The products of all slabs with v, summed up, [P]."""
        return self._products(v[:, None])[:, 0]

    def _products(self, V: Array) -> Array:
        """The products with all columns of V, for which each slab goes forward once."""
        shares = self._user_shares(V)
        total = SlabSum(V.size, self.dtype, len(self._slabs))
        for slab, operator in self._operators():
            rows = np.empty(V.shape[::-1], self.dtype)
            for k in range(len(rows)):
                rows[k] = operator.sum_product(np.ascontiguousarray(V[:, k]), None if shares is None else shares[k, slab])
            total.add(rows.reshape(-1))
        return total.total().reshape(V.shape[::-1]).T

    def _user_shares(self, V: Array) -> Array | None:
        """∇²φ J_φ̃ v [columns, m] for every column v of V and a user's own φ. None where φ is one of ours."""
        if self._user_hessian is None:
            return None
        tangents = np.empty((V.shape[1], len(self._losses)), self.dtype)
        for slab, operator in self._operators():
            for k in range(len(tangents)):
                tangents[k, slab] = operator.loss_tangents(np.ascontiguousarray(V[:, k]))
        return np.stack([self._user_product(s) for s in tangents])

    def _matmat(self, V: Array) -> Array:
        V = np.asarray(V, self.dtype)
        out = self._products(V)
        if self._rank_one is not None or self._penalty is not None:
            for k in range(V.shape[1]):
                out[:, k] = self._with_rest(np.ascontiguousarray(V[:, k]), out[:, k])
        return out

    _rmatmat = _matmat

    def sum_diagonal(self) -> Array:
        """The sum over slabs of their diagonals [P]."""
        total = SlabSum(self.shape[0], self.dtype, len(self._slabs))
        for _, operator in self._operators():
            total.add(operator.sum_diagonal())
        return total.total()

    def add_blocks(self, pairs: Pairs) -> None:
        """Add to each target of (left, right, target) the block of two layers' parts of every slab."""
        for _, operator in self._operators():
            operator.add_blocks(pairs)

    def loss_sum(self, r: Array) -> Array:
        """Σ_k r_k ∇_θ L_k [P] for r [m], by one more pass over the samples."""
        return self._passes.sum(r, np.empty_like(self._losses))

    def loss_rows(self) -> Array:
        """∇_θ L_k of every sample [m, P]. A MemoryError where `max_bytes` does not hold them."""
        m = len(self._losses)
        curvature_checks.user_hessian_fits(m, self.shape[0], self.dtype, self._max_bytes)
        rows = np.empty((m, self.shape[0]), self.dtype)
        for slab, operator in self._operators():
            rows[slab] = operator.loss_rows()
        return rows
