"""A curvature operator around one forward pass of its samples, which it keeps: of all samples, or of one slab of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backward import transposed_product
from ..cost import Cost
from ..network import Network
from ..typing import Array
from . import curvature_checks
from .curvature_operator import CurvatureOperator, Pairs
from .dense_curvature import SLAB, add_pair, entry_sum, pair_sum, slabs, symmetric_pair_sum, with_one
from .jacobian import jacobian_of_checked
from .output_hessian import OutputHessian
from .trainable_part import LayerPart


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

    def add_blocks(self, pairs: Pairs) -> None:
        """Add to each target of (left, right, target) the block of two layers' parts, but for what of ∇²φ joins samples."""
        parts = {part.layer: part for left, right, _ in pairs for part in (left, right)}
        inputs = {l: with_one(self.forward.a(l - 1))[:, part.inputs] for l, part in parts.items()}
        each = max((self._numbers(left, right) for left, right, _ in pairs), default=1)
        for first, stop in slabs(len(self._losses), each * self.dtype.itemsize, self._product_bytes):
            between = self._between_neurons(first, stop)
            for left, right, target in pairs:
                a = inputs[left.layer][first:stop]
                b = a if left is right else inputs[right.layer][first:stop]
                self._add_pair(target, between, left, right, a, b)

    def _numbers(self, left: LayerPart, right: LayerPart) -> int:
        """Numbers that the products of a sample take for a pair of layers."""
        (p, q), (r, t) = (part.shape(self.network.widths) for part in (left, right))
        return p * r + q * t + (0 if right.entries is None else len(right.entries))

    def _add_pair(self, target: Array, between: Any, left: LayerPart, right: LayerPart, a: Array, b: Array) -> None:
        """Add the block of a pair of layers, M from `between` and their inputs a, b of the same samples."""
        M = between(left.layer, right.layer)[:, left.neurons][:, :, right.neurons]
        if left.entries is None and right.entries is None:
            add_pair(target, symmetric_pair_sum(M, a) if a is b else pair_sum(M, a, b))
        else:
            target += entry_sum(M, a, b, *(part.places(self.network.widths) for part in (left, right)))
