"""Samples slab by slab in bounded memory: first their losses, then the sum of their gradients for any ∇φ (eq. 12–20)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from schedulers import BatchStep, assemble

from .backward import blocks_streamed, chunk_count, chunk_nodes, folded, gradient_work, streamed_nodes, transposed_product
from .blocks import SlabSum, block_count, cut, levels_of
from .cost import Cost
from .forward import empty_stack, fill_stack, lanes
from .kernels.gradient_workspace import workspace_size
from .kernels.losses import prepare_losses
from .kernels.streamed import LossCodes, Samples
from .kernels.sums import BLOCK
from .kernels.two_passes import first_pass
from .network import Network
from .pool import num_threads, over
from .rows import Rows, gathered, in_memory
from .typing import Array, Indices
from .workspace import thread_workspaces

READ = 8  # bytes of a number as it lies in a file, at most


class TwoPasses:
    """Some samples of a data set, slab by slab: their losses, and the sum of their gradients for any ∇φ.

    Slabs are whole blocks, as many as `max_bytes` holds; they never change a bit.

    Parameters
    ----------
    network : Network
    X, targets : ndarray or Rows
    cost : Cost
        Of the whole data set; only its loss counts here.
    indices : ndarray of int64 [m], or None for all samples
    max_bytes : int

    Attributes
    ----------
    network : Network
    m : int
        Number of samples.
    slabs : list of slice of 0 … m

    Raises
    ------
    MemoryError
        Where one block does not fit in `max_bytes`; it names the least that does.
    """

    def __init__(self, network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, indices: Indices | None,
                 max_bytes: int) -> None:
        self.network, self._X, self._targets, self._cost = network, X, targets, cost
        self._indices, self.m = indices, len(X) if indices is None else len(indices)
        self.slabs = cut(self.m, self._bytes, max_bytes)
        self._streamed = blocks_streamed(network, cost.loss, self.slabs[0].stop)

    @property
    def whole(self) -> bool:
        """Whether all samples are one slab whose forward pass is kept: then one pass would do."""
        return len(self.slabs) == 1 and not self._streamed

    def _bytes(self, samples: int) -> int:
        """Bytes that a slab of `samples` samples takes."""
        network, dtype = self.network, self.network.dtype
        layout, widths, wide, n = network.kernels.layout, network.widths, lanes(dtype), network.widths[-1]
        nodes = chunk_count(network, samples, gradient_work(network, samples))
        workspace = workspace_size(layout.plan, wide, min(BLOCK, samples), network.size, block_count(samples), nodes)
        each = n
        if not blocks_streamed(network, self._cost.loss, samples):
            padded = sum(-(-width // wide) * wide for width in widths[:-1])
            each = layout.stack_lines + sum(widths[1:]) + padded + 4 * n + 4 * max(widths)
        numbers = min(num_threads(), nodes) * workspace + (nodes + levels_of(self.m, samples)) * network.size + samples * each
        read = 0
        if not in_memory(self._X, self._targets):
            read = (widths[0] + self._targets.shape[1]) * (dtype.itemsize + READ)
        return int(numbers) * dtype.itemsize + samples * (read + READ)

    def _each(self, work: Callable[[slice, Samples, Array], None]) -> None:
        """Fill A slab by slab by ``work(slab, samples, A of the slab)`` (eq. 12)."""
        A = np.empty((self.slabs[0].stop, self.network.widths[-1]), self.network.dtype)
        for slab in self.slabs:
            indices = np.arange(slab.start, slab.stop) if self._indices is None else self._indices[slab]

            def forward(indices: Indices, rows: Array, slab: slice = slab) -> None:
                work(slab, Samples(*gathered(self._X, self._targets, indices)), rows)

            assemble(BatchStep(0, 0, indices), forward, A[:slab.stop - slab.start])  # eq. 12

    def _kept_forward(self, samples: Samples, A: Array) -> tuple[Array, Array, Array]:
        """The stack of a slab, its losses and their gradients."""
        stack = empty_stack(self.network, len(A))
        fill_stack(self.network, samples.X, samples.indices, stack, A)
        targets = samples.targets[samples.indices] if len(samples.indices) else samples.targets
        return stack, *self._cost.losses_and_gradients(A, targets)

    def fill(self, losses: Array) -> None:
        """φ̃ into losses [m]: the first pass (eq. 13)."""
        network, kernels, loss = self.network, self.network.kernels, self._cost.loss

        def work(slab: slice, samples: Samples, A: Array) -> None:
            if not self._streamed:
                losses[slab] = self._kept_forward(samples, A)[1]
                return
            m = len(A)
            prepare_losses((loss.code,), network.dtype)
            size = workspace_size(kernels.plan, lanes(network.dtype), min(BLOCK, m), network.size, 1, 1)
            over(block_count(m), m * kernels.layout.sample_work, first_pass, kernels.theta, kernels.plan, samples,
                 LossCodes(loss.code, loss.parameter), A, losses[slab], thread_workspaces(size, network.dtype))

        self._each(work)

    def sum(self, reduction_gradient: Array, losses: Array) -> Array:
        """∇φ · D_A φ̃ · D_θ A [P] for ∇φ [m], and φ̃ into losses [m]: the second pass (eq. 20)."""
        network = self.network
        total = SlabSum(network.size, network.dtype, len(self.slabs))

        def work(slab: slice, samples: Samples, A: Array) -> None:
            weights = reduction_gradient[slab]
            if self._streamed:
                nodes = chunk_nodes(network, len(A), gradient_work(network, len(A)))
                streamed_nodes(network, samples, self._cost.loss, weights, (A, losses[slab], nodes))
                total.add(folded(nodes))
                return
            stack, losses[slab], loss_gradients = self._kept_forward(samples, A)
            total.add(transposed_product(network, stack, weights[:, None] * loss_gradients))  # eq. 18 and 20

        self._each(work)
        return total.total()

    def once(self, summed: Callable[[Samples, Array, Array], Array], losses: Array) -> Array:
        """The sum over slabs of ``summed(samples, A, losses)`` [P], which fills A and the losses of its slab: a single pass."""
        total = SlabSum(self.network.size, self.network.dtype, len(self.slabs))
        self._each(lambda slab, samples, A: total.add(summed(samples, A, losses[slab])))
        return total.total()


def losses_in_slabs(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, max_bytes: int) -> Array:
    """φ̃ [m] of all samples, in slabs of at most `max_bytes`."""
    losses = np.empty(len(X), network.dtype)
    TwoPasses(network, X, targets, cost, None, max_bytes).fill(losses)
    return losses


def batch_bytes(network: Network, m: int, threads: int = 1) -> int:
    """Bytes that m samples take at once, with z, a, γ and δ of each kept, where so many threads share them."""
    plan, layout = network.kernels.plan, network.kernels.layout
    workspace = workspace_size(plan, lanes(network.dtype), min(BLOCK, m), network.size, block_count(m), 1)
    nodes = 1 if threads == 1 else chunk_count(network, m, gradient_work(network, m))
    return int(threads * workspace + nodes * network.size + m * (layout.stack_lines + sum(network.widths))) * network.dtype.itemsize
