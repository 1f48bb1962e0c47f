"""C and D_θ C over samples on workers, exact for every φ (eq. 13–20)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import object_checks
from ..cost import Cost
from ..cost_checks import per_sample_data
from ..network import Network
from ..typing import Array
from . import checks, on_worker
from .batch import Batch
from .shards import Shards


def whole(network: Network, shards: Shards, cost: Cost | None = None) -> Batch:
    """All samples, in their order, as a Batch."""
    shards = checks.shards(shards, Shards)
    data = shards.ready(object_checks.network(network, Network), None if cost is None else cost.loss)
    if cost is not None:
        per_sample_data(cost.reduction, len(shards))
    return Batch(shards, data)


def shared_network(batch: Batch, network: Network) -> Any:
    """A network as an argument of every leaf's task."""
    return batch.shared(network, network.parameters.nbytes)


def losses(batch: Batch, network: Network, cost: Cost) -> Array:
    """φ̃ [m] (eq. 13)."""
    return batch.collect(on_worker.losses, *batch.samples, shared_network(batch, network), cost.loss)  # eq. 13


def evaluate(batch: Batch, network: Network, cost: Cost) -> tuple[np.floating[Any], Array]:
    """C and D_θ C [P] of a batch, whose cost's per-sample data is at its positions.

    Where ∇φ is known before the losses (mean, sum, weighted) the samples pass once; otherwise twice, first for the losses.
    """
    shared = shared_network(batch, network)
    weights = cost.constant_gradient(batch.m, network.dtype)
    if weights is not None:
        found, total = batch.losses_and_total(on_worker.losses_and_sum, *batch.samples, batch.each(weights), shared, cost.loss,
                                              numbers=network.size)  # eq. 20
        return cost.with_penalty(network, cost.reduce(found)[0], total)
    value, weights = cost.reduce(batch.collect(on_worker.losses, *batch.samples, shared, cost.loss))  # eq. 15
    total = batch.total(on_worker.weighted_sum, *batch.samples, batch.each(weights), shared, cost.loss,
                        numbers=network.size)  # eq. 20
    return cost.with_penalty(network, value, total)


def value_and_gradient(network: Network, shards: Shards, cost: Cost) -> tuple[float, Array]:
    """The cost C and its derivative D_θ C over samples on the workers of a cluster (paper §5, eq. 15–20).

    Exact for any loss and any reduction φ, with the bits that `engine.value_and_gradient` gives on one machine: m losses come in, m
    numbers of ∇φ go out, and the sum of P numbers is folded on the workers up the fixed tree of blocks.

    Parameters
    ----------
    network : Network
    shards : Shards
        As `scatter` or `load` made them.
    cost : Cost
        Its scale is the reduction's: "mean" divides by m, "sum" does not. Per-sample data of its reduction is of all m samples.

    Returns
    -------
    value : float
        C.
    gradient : ndarray [P]
        D_θ C in θ's order and the network's dtype.

    Raises
    ------
    ValueError, TypeError
        Where the samples do not fit the network or the loss; a note of the error names the shard.

    See Also
    --------
    engine.value_and_gradient : On one machine, with the same bits.

    Examples
    --------
    >>> from engine import Cost, Network
    >>> from engine import distributed
    >>> def slope(client, X, y):  # client = distributed.Client(address) of Dask
    ...     network = Network.initialize((X.shape[1], 20, 1), "tanh")
    ...     return distributed.value_and_gradient(network, distributed.scatter(client, X, y), Cost("squared_error"))
    """
    batch = whole(network, shards, object_checks.cost(cost, Cost, penalised=True))
    value, gradient = evaluate(batch, network, cost)
    return float(value), gradient
