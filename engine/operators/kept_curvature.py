"""A curvature operator around one forward pass of its samples, which it keeps: of all samples, or of one slab of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..backward import transposed_product
from ..cost import Cost
from ..network import Network
from ..typing import Array
from . import curvature_checks
from .curvature_operator import CurvatureOperator
from .dense_curvature import SLAB, add_pair, pair_sum, slabs, symmetric_pair_sum, with_one
from .jacobian import jacobian_of_checked
from .output_hessian import OutputHessian


class SlabPart(NamedTuple):
    """What whoever knows all samples tells the operator of one slab, or of one leaf."""

    diagonal: np.ndarray | None  # that of ∇²φ at the slab's samples, where ∇²φ takes part
    product_bytes: int = SLAB  # bytes of products of inputs that `dense` may keep at once


class KeptCurvature(CurvatureOperator):
    """A curvature operator over samples whose forward pass is kept, with H_k as a subclass makes it.

    Parameters
    ----------
    network, X, y, cost
        As the operator takes them.
    name : str
        Of the operator, for errors.
    part : SlabPart, optional
        Where the samples are not all: then nothing of ∇²φ that joins samples is taken here.
    """

    def __init__(self, network: Network, X: Any, y: Any, cost: Cost, name: str, part: SlabPart | None = None) -> None:
        X, targets = curvature_checks.samples_and_targets(network, X, y, cost)
        self._jacobian, self._targets, self._part = jacobian_of_checked(network, X), targets, part
        self.forward = self._jacobian.forward
        losses, self._loss_gradients = cost.losses_and_gradients(self.forward.outputs, targets)
        super().__init__(network, cost, name, losses, cost.reduce(losses)[1])

    def _with_reduction(self, H: OutputHessian) -> OutputHessian:
        """H with what ∇²φ adds to single samples."""
        diagonal = self._take_reduction_hessian() if self._part is None else self._part.diagonal
        return H if diagonal is None else H.plus(self._loss_gradients, diagonal)

    def _transposed(self, output_gradient: Array) -> Array:
        return transposed_product(self.network, self.forward.stack, output_gradient)

    def loss_sum(self, r: Array) -> Array:
        """Σ_k r_k ∇_θ L_k [P] for r [m]."""
        return self._transposed(r[:, None] * self._loss_gradients)

    def loss_tangents(self, v: Array) -> Array:
        """J_φ̃ v [m] for v [P]: how the losses change along v."""
        tangent = self._jacobian.matvec(v).reshape(self._loss_gradients.shape)
        return (self._loss_gradients * tangent).sum(1)

    def loss_rows(self) -> Array:
        """∇_θ L_k of every sample [m, P]."""
        one = np.zeros_like(self._loss_gradients)
        rows = np.empty((len(one), self.shape[0]), self.dtype)
        for k in range(len(one)):
            one[k] = self._loss_gradients[k]
            rows[k] = self._transposed(one)
            one[k] = 0
        return rows

    @property
    def _product_bytes(self) -> int:
        return SLAB if self._part is None else self._part.product_bytes

    def _between_neurons(self, first: int, stop: int) -> Callable[[int, int], Array]:
        """A function of (l, l′ ≥ l): the second derivatives [stop − first, n_l, n_l′] between neurons of two layers."""
        raise NotImplementedError

    def add_blocks(self, pairs: Iterable[tuple[int, int, Array]]) -> None:
        """Add to each target of (l, l′ ≥ l, target) the block of layers l and l′, but for what of ∇²φ joins samples."""
        widths, m = self.network.widths, len(self._losses)
        inputs = [with_one(self.forward.a(l)) for l in range(self.network.depth)]
        largest = max(widths[l] * widths[k] + (widths[l - 1] + 1) * (widths[k - 1] + 1) for l, k, _ in pairs)
        for first, stop in slabs(m, largest * self.dtype.itemsize, self._product_bytes):
            between = self._between_neurons(first, stop)
            for l, k, target in pairs:
                a, b = inputs[l - 1][first:stop], inputs[k - 1][first:stop]
                M = between(l, k)
                add_pair(target, symmetric_pair_sum(M, a) if l == k else pair_sum(M, a, b))
                self._add_rest(target, between, l, k, a)

    def _add_rest(self, target: Array, between: Any, l: int, k: int, a: Array) -> None:
        """Add what the Hessian has beside the matrices between neurons."""
