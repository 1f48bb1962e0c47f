"""What runs on a worker: a leaf's losses, its node of the sum of eq. 20, and the sum of two nodes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from schedulers import BatchStep

from .. import checks
from ..batch_problem import BatchProblem
from ..configuration import set_num_threads
from ..cost import Cost
from ..evaluation import losses_and_gradient
from ..extras import imported
from ..losses import Loss
from ..network import Network
from ..pool import num_threads
from ..reductions import weighted_by
from ..typing import Array, DType, Indices
from . import tree as tree_of_sums
from .tree import Tree

_turn = threading.Lock()


class ShardData(NamedTuple):
    """Samples as kernels take them: X [m, n_0] and targets [m, k]."""

    X: Array
    targets: Array


class LeafCost(Cost):
    """Σ w_k L_k over a leaf's samples, w their ∇φ (eq. 15 and 18)."""

    __slots__ = ()

    def __init__(self, loss: Loss, weights: Array) -> None:
        super().__init__(loss, weighted_by(weights))

    def at(self, indices: Indices) -> LeafCost:
        """Itself: its weights are the leaf's already."""
        return self


def in_turn(function: Callable[..., Any]) -> Callable[..., Any]:
    """One call of such functions at a time in a worker's process, and all of the worker's threads for it."""
    @functools.wraps(function)
    def called(*arguments: Any, **settings: Any) -> Any:
        worker = imported("distributed", "a cluster").get_worker()
        if worker.address.startswith("inproc"):  # the caller's own process, whose threads are its own affair
            return function(*arguments, **settings)
        with _turn:
            if num_threads() != worker.state.nthreads:
                set_num_threads(worker.state.nthreads)
            return function(*arguments, **settings)

    return called


def same(value: Any) -> Any:
    """A value that a worker keeps for all."""
    return value


def read(load: Callable[[], Any]) -> Any:
    """(X, y) of a shard."""
    return load()


def count(pair: Any) -> int:
    """How many samples (X, y) holds."""
    return len(pair[0])


def prepare(pair: Any, number: int, width: int, outputs: int, dtype: DType, loss: Loss | None) -> ShardData:
    """(X, y) of shard `number`, checked and cast: a ShardData."""
    try:
        X = checks.samples(pair[0], width, dtype)
        return ShardData(X, np.empty((len(X), 0), dtype) if loss is None else Cost(loss).targets(pair[1], len(X), outputs, dtype))
    except (ValueError, TypeError) as error:
        error.add_note(f"in shard {number}")
        raise


def take(data: ShardData, indices: Indices) -> ShardData:
    """Some samples of a shard."""
    return ShardData(data.X[indices], data.targets[indices])


def gather(parts: Sequence[ShardData], places: Sequence[Indices]) -> ShardData:
    """One ShardData of several, part i at the positions places[i]."""
    m = sum(map(len, places))
    whole = ShardData(*(np.empty((m, field.shape[1]), field.dtype) for field in parts[0]))
    for part, place in zip(parts, places):
        whole.X[place], whole.targets[place] = part
    return whole


def leaf_step(data: ShardData, indices: Indices | None, weights: Array) -> tuple[BatchStep, Array]:
    """The BatchStep of a leaf's samples, and their ∇φ [m] from `weights`: [m], or [1] where all are the same."""
    m = len(data.X) if indices is None else len(indices)
    return BatchStep(0, 0, np.arange(m) if indices is None else indices), np.array(np.broadcast_to(weights, m))


def problem(data: ShardData, indices: Indices | None, network: Network, loss: Loss, weights: Array) -> BatchProblem:
    """A leaf as a BatchProblem under the cost Σ w_k L_k."""
    step, weights = leaf_step(data, indices, weights)
    return BatchProblem(network, data.X, data.targets, LeafCost(loss, weights), step)


def losses(data: ShardData, indices: Indices | None, network: Network, loss: Loss) -> Array:
    """φ̃ of a leaf [m] (eq. 13)."""
    X, targets = data if indices is None else take(data, indices)
    return Cost(loss).losses_and_gradients(network(X), targets)[0]  # eq. 13


def losses_and_sum(data: ShardData, indices: Indices | None, weights: Array, network: Network, loss: Loss) -> tuple[Array, Array]:
    """φ̃ of a leaf [m], and its node of D_θ C [P], from its ∇φ (eq. 20)."""
    step, weights = leaf_step(data, indices, weights)
    return losses_and_gradient(network, data.X, data.targets, Cost(loss), step, weights)  # eq. 20


def weighted_sum(data: ShardData, indices: Indices | None, weights: Array, network: Network, loss: Loss) -> Array:
    """A leaf's node of D_θ C [P], from its ∇φ (eq. 20)."""
    return losses_and_sum(data, indices, weights, network, loss)[1]


@in_turn
def at_leaves(function: Callable[..., Any], tree: Tree, spread: Sequence[bool], columns: Any) -> list[Any]:
    """The values of a function at the leaves of a group: a list."""
    return [function(*(column[i] if many else column for column, many in zip(columns, spread)))
            for i in range(len(tree_of_sums.leaves_of(tree)))]


def combined(function: Callable[..., Any], tree: Tree, spread: Sequence[bool], columns: Any,
             join: Callable[[list[Any]], Any]) -> Any:
    """The values of a function at the leaves of a group, combined all at once by `join`."""
    return join(at_leaves(function, tree, spread, columns))


def folded(function: Callable[..., Any], tree: Tree, spread: Sequence[bool], columns: Any, join: Callable[[Any, Any], Any]) -> Any:
    """The values of a function at the leaves of a group, combined up the fixed tree by `join`."""
    values = dict(zip(tree_of_sums.leaves_of(tree), at_leaves(function, tree, spread, columns)))
    return tree_of_sums.folded(tree, values, join)


def losses_and_node(function: Callable[..., Any], tree: Tree, spread: Sequence[bool], columns: Any) -> tuple[Array, Array]:
    """The losses of a group's samples, and its node."""
    losses, nodes = zip(*at_leaves(function, tree, spread, columns))
    return np.concatenate(losses), tree_of_sums.folded(tree, dict(zip(tree_of_sums.leaves_of(tree), nodes)), np.add)


def part(pair: Any, i: int) -> Any:
    """One of two."""
    return pair[i]


def join(function: Callable[..., Any], left: Any, right: Any) -> Any:
    """The node above two of the fixed tree."""
    return function(left, right)
