"""C and D_θ C of any φ, by the road that the samples allow: streamed, whole or in slabs (eq. 12–20)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from schedulers import BatchStep, assemble

from . import checks, object_checks
from .backward import blocks_streamed, chunk_nodes, folded, gradient_work, streamed_nodes, transposed_product
from .cost import Cost
from .forward import empty_stack, fill_stack
from .jets import evaluation as jet_evaluation
from .jets.pass_checks import without_slabs
from .jets.point_sets import of_jets, point_sets
from .jets.unknowns import with_unknowns
from .network import Network
from .rows import Rows, gathered, gathered_rows, samples_and_targets
from .two_passes import TwoPasses
from .typing import Array, Indices, RowSource


def evaluate(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
             max_bytes: int | None = None) -> tuple[np.floating[Any], Array]:
    """C and D_θ C [P] of one batch step, from checked X [., n_0] and targets [., k], arrays or Rows.

    The sample steps of `step`, whose indices `BatchProblem` has checked, fill A by `assemble` (eq. 12); the losses of all of them
    give ∇φ (eq. 15), which with each sample's ∇L is D_A C (eq. 18), and that goes backward (eq. 20). With `max_bytes` they pass in
    slabs, unless all of them fit at once.
    """
    passes = None if max_bytes is None else TwoPasses(network, X, targets, cost, step.indices, max_bytes)
    if passes is not None and not passes.whole:
        return cost.with_penalty(network, *_in_slabs(passes, cost.at(step.indices)))
    return cost.with_penalty(network, *_at_once(network, X, targets, cost.at(step.indices), step))


def losses_and_gradient(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
                        reduction_gradient: Array) -> tuple[Array, Array]:
    """φ̃ [m] and ∇φ · D_A φ̃ · D_θ A [P] of one batch step, for a ∇φ [m] that is known before the losses (eq. 20)."""
    if blocks_streamed(network, cost.loss, len(step)):
        return _streamed(network, X, targets, cost, step, reduction_gradient)
    stack, losses, loss_gradients = _forward(network, X, targets, cost, step)
    return losses, transposed_product(network, stack, reduction_gradient[:, None] * loss_gradients)  # eq. 18 and 20


def _at_once(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost,
             step: BatchStep) -> tuple[np.floating[Any], Array]:
    """C and D_θ C of a step whose samples pass once: streamed where ∇φ is known before the losses, else with their stack kept."""
    if cost.reduction.linear and blocks_streamed(network, cost.loss, len(step)):
        known = cost.constant_gradient(len(step), network.dtype)
        assert known is not None
        losses, gradient = _streamed(network, X, targets, cost, step, known)
        return cost.reduce(losses)[0], gradient
    stack, losses, loss_gradients = _forward(network, X, targets, cost, step)
    value, reduction_gradient = cost.reduce(losses)  # eq. 14 and 15
    return value, transposed_product(network, stack, reduction_gradient[:, None] * loss_gradients)  # eq. 18 and 20


def _streamed(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
              reduction_gradient: Array) -> tuple[Array, Array]:
    """φ̃ [m] and ∇φ · D_A φ̃ · D_θ A [P], forward and back block by block: no stack is kept."""
    m, dtype = len(step), network.dtype
    losses, nodes = np.empty(m, dtype), chunk_nodes(network, m, gradient_work(network, m))

    def forward(indices: Indices, rows: Array) -> None:
        streamed_nodes(network, gathered(X, targets, indices), cost.loss, reduction_gradient, (rows, losses, nodes))

    assemble(step, forward, np.empty((m, network.widths[-1]), dtype))  # eq. 12
    return losses, folded(nodes)  # eq. 20


def _forward(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep) -> tuple[Array, Array, Array]:
    """The stack that the passes forward of all sample steps leave, φ̃ [m] and ∇L [m, n]."""
    m, dtype = len(step), network.dtype
    A, stack = np.empty((m, network.widths[-1]), dtype), empty_stack(network, m)

    def forward(indices: Indices, rows: Array) -> None:
        fill_stack(network, *gathered_rows(X, indices), stack, rows)

    assemble(step, forward, A)  # eq. 12
    return stack, *cost.losses_and_gradients(A, targets[step.indices])


def _in_slabs(passes: TwoPasses, cost: Cost) -> tuple[np.floating[Any], Array]:
    """C and D_θ C of samples that pass in slabs: once where ∇φ is known before the losses, else twice."""
    losses = np.empty(passes.m, passes.network.dtype)
    if cost.reduction.linear:
        known = cost.constant_gradient(passes.m, losses.dtype)
        assert known is not None
        gradient = passes.sum(known, losses)
        return cost.reduce(losses)[0], gradient
    passes.fill(losses)
    value, reduction_gradient = cost.reduce(losses)  # eq. 14 and 15
    return value, passes.sum(reduction_gradient, losses)  # eq. 20


def value_and_gradient(network: Network, X: ArrayLike | RowSource, y: ArrayLike | RowSource, cost: Cost, *,
                       max_bytes: int | None = None) -> tuple[float, Array]:
    """The cost C and its derivative D_θ C, for any loss and any reduction φ (paper §5, eq. 15–20).

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0], or an object with __len__ and __getitem__ over slices and index arrays (HDF5, Zarr)
        m ≥ 1.
    y : array_like, or such an object
        As the loss wants it: [m, n], [m] where n = 1, or [m] class numbers.
    cost : Cost
        Its scale is the reduction's: "mean" divides by m, "sum" does not. Of residuals, too, as `collocation` makes it.
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

    See Also
    --------
    per_sample_gradients : Of each sample's own loss.
    objective : The same as a function of θ, for SciPy.
    engine.distributed.value_and_gradient : Over samples on the workers of a cluster.
    fit : Steps along it.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, value_and_gradient
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> value_and_gradient(network, np.array([[1.0]]), np.array([[0.0]]), Cost("squared_error"))
    (2.0, array([2., 2.]))
    """
    object_checks.cost(cost, Cost, penalised=True, residuals=True)
    object_checks.network(network, Network, unknowns=of_jets(cost))
    max_bytes = checks.max_bytes(max_bytes)
    if of_jets(cost):
        return _of_residuals(network, X, y, cost, max_bytes)
    X, targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=max_bytes is not None)
    passes = None if max_bytes is None else TwoPasses(network, X, targets, cost, None, max_bytes)
    if passes is None or passes.whole:
        value, gradient = _at_once(network, X, targets, cost, BatchStep.checked(0, 0, np.arange(len(X))))
    else:
        value, gradient = _in_slabs(passes, cost)
    value, gradient = cost.with_penalty(network, value, gradient)
    return float(value), gradient


def _of_residuals(network: Network, X: Any, y: Any, cost: Cost, max_bytes: int | None) -> tuple[float, Array]:
    """C and D_θ C [P] of a cost of residuals."""
    without_slabs(max_bytes)
    network = with_unknowns(network, cost)
    X, targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=False)
    points = point_sets(cost, X, targets, network)
    value, gradient = cost.with_penalty(network, *jet_evaluation.value_and_gradient(network, points, cost))
    return float(value), gradient
