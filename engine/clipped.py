"""The sum of the clipped gradients of a batch's samples (Abadi et al. 2016; eq. 8, 17 and 20), without the gradients."""

from __future__ import annotations

import numpy as np

from schedulers import BatchStep

from .backward import (
    blocks_streamed,
    chunk_nodes,
    folded,
    gradient_work,
    gradient_workspaces,
    packed_deltas,
    rows_shared,
    streamed_nodes,
    summed_by_rows,
)
from .cost import Cost
from .forward import empty_stack, fill_stack, panel_count
from .kernels.clipped import ALL, NONE, SOME, Clipping, clip_panels
from .kernels.streamed import BlockSum, Samples, kept_clipped
from .network import Network
from .pool import over
from .rows import Rows, gathered
from .two_passes import TwoPasses
from .typing import Array, Mask


def clipped_to(network: Network, norm: float, trainable: Mask) -> Clipping:
    """How kernels clip the gradients of samples, over the trainable numbers [P] or, where it is empty, all."""
    parts = np.full((network.depth, 2), ALL, np.int64)
    for l in range(1, network.depth + 1) if trainable.size else ():
        parts[l - 1] = [_trained(trainable[part]) for part in network.slices(l)]
    return Clipping(BlockSum.CLIPPED.value, norm, trainable, parts)


def _trained(part: Mask) -> int:
    """How many numbers of a part of θ are trained."""
    return ALL if part.all() else SOME if part.any() else NONE


def losses_and_clipped_sum(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep, clip_norm: float,
                           trainable: Mask, max_bytes: int | None = None) -> tuple[Array, Array]:
    """φ̃ [m] and Σ_k min(1, c / ‖∇_θ L_k‖) ∇_θ L_k [P] of one batch step, m ≥ 0, for c = `clip_norm`.

    The norms are those of the `trainable` numbers [P], or of all where it is empty. Samples pass in slabs of at most `max_bytes`
    where it is given, once, for a sample's factor depends on nothing but that sample.
    """
    m, dtype = len(step), network.dtype
    losses, clipping = np.empty(m, dtype), clipped_to(network, clip_norm, trainable)
    if m == 0:
        return losses, np.zeros(network.size, dtype)

    def summed(samples: Samples, A: Array, losses: Array) -> Array:
        return _clipped_sum(network, samples, cost, clipping, A, losses)

    if max_bytes is not None:
        return losses, TwoPasses(network, X, targets, cost, step.indices, max_bytes).once(summed, losses)
    A = np.empty((m, network.widths[-1]), dtype)
    return losses, summed(Samples(*gathered(X, targets, step.indices)), A, losses)


def _clipped_sum(network: Network, samples: Samples, cost: Cost, clipping: Clipping, A: Array, losses: Array) -> Array:
    """The sum over samples that are held at once; a^L to A [m, n] and φ̃ to losses [m]."""
    m = len(A)
    if blocks_streamed(network, cost.loss, m):
        nodes = chunk_nodes(network, m, gradient_work(network, m))
        streamed_nodes(network, samples, cost.loss, losses, (A, losses, nodes), clipping)
        return folded(nodes)
    stack = empty_stack(network, m)
    fill_stack(network, samples.X, samples.indices, stack, A)
    targets = samples.targets[samples.indices] if len(samples.indices) else samples.targets
    losses[:], loss_gradients = cost.losses_and_gradients(A, targets)
    return _kept_sum(network, stack, loss_gradients, clipping)


def _kept_sum(network: Network, stack: Array, loss_gradients: Array, clipping: Clipping) -> Array:
    """The sum from the stack that a forward pass left and ∇L [m, n]."""
    m, kernels, work = len(loss_gradients), network.kernels, gradient_work(network, len(loss_gradients))
    if rows_shared(network, m):
        delta, packed = packed_deltas(network, stack, loss_gradients, work // 2)
        over(panel_count(m, network.dtype), m * sum(network.widths), clip_panels, kernels.plan, stack, delta, clipping)
        return summed_by_rows(network, delta, packed, m, work // 2)  # eq. 20
    nodes = chunk_nodes(network, m, work)
    over(len(nodes), work, kept_clipped, kernels.theta, kernels.backward_weights, kernels.plan, stack, loss_gradients, clipping,
         nodes, gradient_workspaces(network, m, len(nodes)))
    return folded(nodes)
