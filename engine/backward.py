"""D_θ C of any φ, in one pass forward and one back (eq. 15–20)."""

import numpy as np

from schedulers import BatchStep, assemble

from . import checks, object_checks
from .blocks import sum_chunks
from .cost import Cost
from .forward import lanes, panel_count, run_forward
from .kernels.backward import gradient
from .kernels.gradient_workspace import workspace_size
from .kernels.layout import WIDTH
from .kernels.levels import fold_nodes
from .kernels.product import ROWS
from .kernels.streamed import LossCodes, Results, Samples, streamed
from .kernels.sums import BLOCK
from .kernels.wide import pack_panels, row_sums
from .network import Network
from .pool import num_threads, over
from .rows import gathered, samples, truths
from .workspace import shared_workspace, thread_workspaces

BACK = 3  # the work of a pass forward and back, in passes forward
WIDE = 1 << 20  # bytes of θ from which on threads share rows, not blocks: 784-1024-1024-10, m 256, 2 threads: 52 ms down to 30


def by_rows(network, m):
    """Whether threads had better share the rows of the weights than the blocks of samples."""
    blocks, size = -(-m // BLOCK), network.size
    large, wide = size * m > 1 << 21, blocks <= 64 and size * network.dtype.itemsize >= WIDE
    if not (large or wide):
        return False
    threads = num_threads()
    return (large and blocks < threads) or (wide and threads > 1)


def gradient_room(network, m, chunks):
    """Room for the kernels' gradient over m samples in so many chunks, for each thread."""
    blocks = -(-m // BLOCK)
    numbers = workspace_size(network.kernels.plan, lanes(network.dtype), min(BLOCK, m), network.size, blocks, chunks)
    return thread_workspaces(numbers, network.dtype)


def worth_threads(network, m):
    """Whether the gradient of m samples is shared by threads."""
    return num_threads() > 1 and (by_rows(network, m) or _chunks(network, m, BACK * m * network.kernels.layout.sample_work) > 1)


def _chunks(network, m, work):
    """How many nodes of the tree of sums threads share for m samples."""
    return sum_chunks(-(-m // BLOCK), work, network.size * network.dtype.itemsize)


def chunk_nodes(network, m, work):
    """An array [chunks, P] for the nodes of the tree of sums that threads share."""
    return np.empty((_chunks(network, m, work), network.size), network.dtype)


def folded(nodes):
    """The sum of nodes [chunks, P], up the tree; the nodes are overwritten."""
    if len(nodes) > 1:
        fold_nodes(nodes)
    return nodes[0]


def summed_by_rows(network, delta, packed, m, work):
    """Σ_s δ_s ⊗ ā_s [P] over m samples, ā = (a, 1), from panels of δ and packed a: threads share the rows of the weights."""
    plan, out = network.kernels.plan, np.empty(network.size, network.dtype)
    over(int(sum(-(-plan[1:, WIDTH] // ROWS))), work, row_sums, plan, delta, packed, m, out)
    return out


def transposed_product(network, stack, output_gradient):
    """D_A C · D_θ A [P] for D_A C [m, n], after the forward pass that left `stack` (eq. 20)."""
    m = len(output_gradient)
    if m == 0:
        return np.zeros(network.size, network.dtype)
    kernels = network.kernels
    if by_rows(network, m):
        work = (BACK - 1) * m * kernels.layout.sample_work
        wide, held = lanes(network.dtype), -(-m // BLOCK) * BLOCK
        first = held * sum(network.widths[1:]) + wide * wide
        numbers = first + held * sum(-(-n // wide) * wide for n in network.widths[:-1])
        room = shared_workspace(numbers, network.dtype)
        delta, packed = room[:first], room[first:numbers]
        over(panel_count(m, network.dtype), work // 2, pack_panels, kernels.theta, kernels.backward_weights, kernels.plan, stack,
             output_gradient, delta, packed)
        return summed_by_rows(network, delta, packed, m, work // 2)  # eq. 20
    return _by_blocks(network, np.empty((0, network.widths[0]), network.dtype), stack, output_gradient, BACK - 1)


def streamed_transposed_product(network, X, output_gradient):
    """The same of X [m, n_0], m ≥ 1, forward and back block by block: nothing of a block is kept."""
    return _by_blocks(network, X, np.empty(0, network.dtype), output_gradient, BACK)


def _by_blocks(network, X, stack, output_gradient, passes):
    """D_A C · D_θ A [P] over blocks of samples."""
    m, kernels = len(output_gradient), network.kernels
    work = passes * m * kernels.layout.sample_work
    nodes = chunk_nodes(network, m, work)
    over(len(nodes), work, gradient, kernels.theta, kernels.backward_weights, kernels.plan, X, stack, output_gradient,
         nodes, gradient_room(network, m, len(nodes)))  # eq. 20
    return folded(nodes)


def streamed_sum(network, samples, loss, reduction_gradient, A, losses):
    """∇φ · D_A φ̃ · D_θ A [P] block by block for ∇φ [m]; A [m, n] and the losses [m] are filled on the way (eq. 20)."""
    kernels = network.kernels
    work = BACK * len(A) * kernels.layout.sample_work
    nodes = chunk_nodes(network, len(A), work)
    over(len(nodes), work, streamed, kernels.theta, kernels.backward_weights, kernels.plan, samples,
         LossCodes(loss.code, loss.parameter), reduction_gradient, Results(A, losses, nodes),
         gradient_room(network, len(A), len(nodes)))  # eq. 20
    return folded(nodes)


def _streamed(network, X, targets, cost, indices, reduction_gradient, A):
    """C and D_θ C block by block, where ∇φ is known before the losses; A is filled on the way."""
    losses = np.empty(len(A), network.dtype)
    gradient_ = streamed_sum(network, Samples(X, targets, indices), cost.loss, reduction_gradient, A, losses)
    return cost.reduce(losses)[0], gradient_


def evaluate(network, X, targets, cost, step, max_bytes=None):
    """C and D_θ C [P] of one batch step, from checked X [., n_0] and targets [., k], arrays or Rows.

    The sample steps of `step`, whose indices `BatchProblem` has checked, fill A by `assemble` (eq. 12); the losses of all of them
    give ∇φ (eq. 15), which with each sample's ∇L is D_A C (eq. 18), and that goes backward (eq. 20). With `max_bytes` they pass in
    slabs, twice.
    """
    if max_bytes is not None:
        from .two_passes import evaluate_in_slabs

        found = evaluate_in_slabs(network, X, targets, cost, step.indices, max_bytes)
        if found is not None:
            return found
    cost, n = cost.at(step.indices), network.widths[-1]
    X, targets, indices = gathered(X, targets, step.indices)
    A = np.empty((len(step), n), network.dtype)
    kept = []
    by_blocks = cost.loss.code >= 0 and network.kernels.built_in and not by_rows(network, len(step))
    constant = cost.constant_gradient(len(step), network.dtype) if by_blocks else None

    def forward(_, rows):
        kept.append(run_forward(network, X, indices, rows) if constant is None else
                    _streamed(network, X, targets, cost, indices, constant, rows))

    assemble(step, forward, A)  # eq. 12
    if constant is not None:
        return kept[0]
    losses, loss_gradients = cost.losses_and_gradients(A, targets[indices] if len(indices) else targets)
    value, reduction_gradient = cost.reduce(losses)
    output_gradient = reduction_gradient[:, None] * loss_gradients  # eq. 18
    return value, transposed_product(network, kept[0], output_gradient)  # eq. 20


def value_and_gradient(network, X, y, cost, *, max_bytes=None):
    """The cost C and its derivative D_θ C, for any loss and any reduction φ (paper §5, eq. 15–20).

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0], or an object with __len__ and __getitem__ over slices and index arrays (HDF5, Zarr)
        m ≥ 1.
    y : array_like, or such an object
        As the loss wants it: [m, n], [m] where n = 1, or [m] class numbers.
    cost : Cost
        Its scale is the reduction's: "mean" divides by m, "sum" does not.
    max_bytes : int, optional
        Samples then pass in slabs of whole blocks, twice: once for the losses, once for the sum (once where φ is linear). The
        result has the same bits. Of X and y no more than a slab is copied, nothing where they are arrays or memmaps of the
        network's dtype. It bounds what a slab takes; X, y, the m losses, ∇φ and φ's own work (a sort, a copy of its weights)
        come on top, six numbers a sample at most.

    Returns
    -------
    value : float
        C.
    gradient : ndarray [P]
        D_θ C in θ's order and the network's dtype.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.
    MemoryError
        Where `max_bytes` does not hold a block of samples; it names the least that does.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, value_and_gradient
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> value_and_gradient(network, np.array([[1.0]]), np.array([[0.0]]), Cost("squared_error"))
    (2.0, array([2., 2.]))
    """
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost)
    max_bytes = checks.max_bytes(max_bytes)
    bounded = max_bytes is not None
    X = samples(X, network.widths[0], network.dtype, bounded=bounded)
    targets = truths(y, len(X), network.widths[-1], network.dtype, cost, bounded=bounded)
    found = None
    if bounded:
        from .two_passes import evaluate_in_slabs

        found = evaluate_in_slabs(network, X, targets, cost, None, max_bytes)
    value, gradient_ = found or evaluate(network, X, targets, cost, BatchStep.checked(0, 0, np.arange(len(X))))
    return float(value), gradient_
