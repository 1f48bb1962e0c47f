"""From D_A C back to D_θ C: sums over samples of products with J transposed, block by block or row by row (eq. 20)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import sum_chunks
from .forward import lanes, panel_count
from .kernels.backward import gradient
from .kernels.clipped import Clipping
from .kernels.gradient_workspace import workspace_size
from .kernels.layout import WIDTH
from .kernels.levels import fold_nodes
from .kernels.losses import prepare_losses
from .kernels.product import ROWS
from .kernels.streamed import NOT_CLIPPED, LossCodes, Results, Samples, prepare_block_sums, streamed
from .kernels.sums import BLOCK
from .kernels.wide import pack_panels, row_sums
from .losses import Loss
from .network import Network
from .pool import num_threads, over
from .typing import Array
from .workspace import shared_workspace, thread_workspaces

BACK = 3  # the work of a pass forward and back, in passes forward
WIDE = 1 << 20  # bytes of θ from which on threads share rows, not blocks: 784-1024-1024-10, m 256, 2 threads: 52 ms down to 30


def rows_shared(network: Network, m: int) -> bool:
    """Whether threads share the rows of the weights, which is faster than sharing blocks where those are few or θ is large."""
    blocks, size = -(-m // BLOCK), network.size
    large, wide = size * m > 1 << 21, blocks <= 64 and size * network.dtype.itemsize >= WIDE
    if not (large or wide):
        return False
    threads = num_threads()
    return (large and blocks < threads) or (wide and threads > 1)


def blocks_streamed(network: Network, loss: Loss, m: int) -> bool:
    """Whether kernels take m samples forward and back block by block without keeping a stack. They do where they know every
    function of the network and the loss, and threads share blocks."""
    return loss.code >= 0 and network.kernels.built_in and not rows_shared(network, m)


def gradient_workspaces(network: Network, m: int, chunks: int) -> Array:
    """Workspaces for the kernels' gradient over m samples in `chunks` chunks, one for each thread."""
    blocks = -(-m // BLOCK)
    numbers = workspace_size(network.kernels.plan, lanes(network.dtype), min(BLOCK, m), network.size, blocks, chunks)
    return thread_workspaces(numbers, network.dtype)


def worth_threads(network: Network, m: int) -> bool:
    """Whether threads share the gradient of m samples."""
    return num_threads() > 1 and (rows_shared(network, m) or chunk_count(network, m, gradient_work(network, m)) > 1)


def gradient_work(network: Network, m: int) -> float:
    """The work of a pass forward and back of m samples, in multiply-adds."""
    return BACK * m * network.kernels.layout.sample_work


def chunk_count(network: Network, m: int, work: float) -> int:
    """Number of nodes of the tree of sums that threads share, for `work` multiply-adds on m samples."""
    return sum_chunks(-(-m // BLOCK), work, network.size * network.dtype.itemsize)


def chunk_nodes(network: Network, m: int, work: float) -> Array:
    """An array [chunks, P] for the nodes of the tree of sums that threads share."""
    return np.empty((chunk_count(network, m, work), network.size), network.dtype)


def folded(nodes: Array) -> Array:
    """The sum [P] of nodes [chunks, P], up the fixed tree. The nodes are overwritten."""
    if len(nodes) > 1:
        fold_nodes(nodes)
    return nodes[0]


def summed_by_rows(network: Network, delta: Array, packed: Array, m: int, work: float) -> Array:
    """Σ_s δ_s ⊗ ā_s [P] over m samples, ā = (a, 1), from panels of δ and packed a: threads share the rows of the weights."""
    plan, out = network.kernels.plan, np.empty(network.size, network.dtype)
    over(int(sum(-(-plan[1:, WIDTH] // ROWS))), work, row_sums, plan, delta, packed, m, out)
    return out


def packed_deltas(network: Network, stack: Array, output_gradient: Array, work: float) -> tuple[Array, Array]:
    """δ^l of all samples and their packed inputs for `summed_by_rows`, from D_A C [m, n]; in the calling thread's workspace."""
    m, kernels = len(output_gradient), network.kernels
    wide, padded = lanes(network.dtype), -(-m // BLOCK) * BLOCK
    first = padded * sum(network.widths[1:]) + wide * wide
    numbers = first + padded * sum(-(-n // wide) * wide for n in network.widths[:-1])
    workspace = shared_workspace(numbers, network.dtype)
    delta, packed = workspace[:first], workspace[first:numbers]
    over(panel_count(m, network.dtype), work, pack_panels, kernels.theta, kernels.backward_weights, kernels.plan, stack,
         output_gradient, delta, packed)
    return delta, packed


def transposed_product(network: Network, stack: Array, output_gradient: Array) -> Array:
    """D_A C · D_θ A [P] for D_A C [m, n], after the forward pass that left `stack` (eq. 20)."""
    m = len(output_gradient)
    if m == 0:
        return np.zeros(network.size, network.dtype)
    if rows_shared(network, m):
        work = (BACK - 1) * m * network.kernels.layout.sample_work
        delta, packed = packed_deltas(network, stack, output_gradient, work // 2)
        return summed_by_rows(network, delta, packed, m, work // 2)  # eq. 20
    return _by_blocks(network, np.empty((0, network.widths[0]), network.dtype), stack, output_gradient, BACK - 1)


def streamed_transposed_product(network: Network, X: Array, output_gradient: Array) -> Array:
    """D_A C · D_θ A [P] at X [m, n_0], m ≥ 1, forward and back block by block without keeping a stack (eq. 20)."""
    return _by_blocks(network, X, np.empty(0, network.dtype), output_gradient, BACK)


def _by_blocks(network: Network, X: Array, stack: Array, output_gradient: Array, passes: float) -> Array:
    """D_A C · D_θ A [P] over blocks of samples."""
    m, kernels = len(output_gradient), network.kernels
    work = passes * m * kernels.layout.sample_work
    nodes = chunk_nodes(network, m, work)
    over(len(nodes), work, gradient, kernels.theta, kernels.backward_weights, kernels.plan, X, stack, output_gradient,
         nodes, gradient_workspaces(network, m, len(nodes)))  # eq. 20
    return folded(nodes)


def streamed_nodes(network: Network, samples: tuple[Any, ...], loss: Loss, reduction_gradient: Array, results: Any,
                   clipping: Clipping = NOT_CLIPPED) -> None:
    """Fill results = (A [m, n], losses [m], nodes of ∇φ · D_A φ̃ · D_θ A [chunks, P]) block by block, for ∇φ [m] (eq. 20).

    `samples` is (X, targets, indices), as `rows.gathered` gives them. Where gradients are clipped, the nodes are of their sum, and
    the numbers of ∇φ do not matter.
    """
    m, kernels = len(reduction_gradient), network.kernels
    chunks = len(results[2])
    prepare_losses((loss.code,), network.dtype)
    prepare_block_sums((clipping.code,), network.dtype)
    over(chunks, gradient_work(network, m), streamed, kernels.theta, kernels.backward_weights, kernels.plan,
         Samples(*samples), LossCodes(loss.code, loss.parameter), reduction_gradient, clipping, Results(*results),
         gradient_workspaces(network, m, chunks))  # eq. 20
