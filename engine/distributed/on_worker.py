"""What runs on a worker: a leaf's losses, its node of the sum of eq. 20, and the sum of two nodes."""

import functools
import threading
from typing import NamedTuple

import numpy as np

from schedulers import BatchStep

from .. import checks
from ..batch_problem import BatchProblem
from ..configuration import set_num_threads
from ..cost import Cost
from ..evaluation import losses_and_gradient
from ..extras import imported
from ..pool import num_threads
from ..reductions import weighted_by
from . import tree as tree_of_sums

_turn = threading.Lock()


class Held(NamedTuple):
    """Samples as kernels take them: X [m, n_0] and targets [m, k]."""

    X: np.ndarray
    targets: np.ndarray


class LeafCost(Cost):
    """Σ w_k L_k over a leaf's samples, w their ∇φ (eq. 15 and 18)."""

    __slots__ = ()

    def __init__(self, loss, weights):
        super().__init__(loss, weighted_by(weights))

    def at(self, indices):
        """Itself: its weights are the leaf's already."""
        return self


def in_turn(function):
    """One call of such functions at a time in a worker's process, and all of the worker's threads for it."""
    @functools.wraps(function)
    def called(*arguments, **settings):
        worker = imported("distributed", "a cluster").get_worker()
        if worker.address.startswith("inproc"):  # the caller's own process, whose threads are its own affair
            return function(*arguments, **settings)
        with _turn:
            if num_threads() != worker.state.nthreads:
                set_num_threads(worker.state.nthreads)
            return function(*arguments, **settings)

    return called


def same(value):
    """A value, held by a worker for all."""
    return value


def read(load):
    """(X, y) of a shard."""
    return load()


def count(pair):
    """How many samples (X, y) holds."""
    return len(pair[0])


def prepare(pair, number, width, outputs, dtype, loss):
    """(X, y) of shard `number`, checked and cast: a Held."""
    try:
        X = checks.samples(pair[0], width, dtype)
        return Held(X, np.empty((len(X), 0), dtype) if loss is None else Cost(loss).targets(pair[1], len(X), outputs, dtype))
    except (ValueError, TypeError) as error:
        error.add_note(f"in shard {number}")
        raise


def take(held, indices):
    """Some samples of a shard."""
    return Held(held.X[indices], held.targets[indices])


def gather(parts, places):
    """One Held of several, part i at the positions places[i]."""
    m = sum(map(len, places))
    whole = Held(*(np.empty((m, field.shape[1]), field.dtype) for field in parts[0]))
    for part, place in zip(parts, places):
        whole.X[place], whole.targets[place] = part
    return whole


def leaf_step(held, indices, weights):
    """The BatchStep of a leaf's samples, and their ∇φ [m] from `weights`: [m], or [1] where all are the same."""
    m = len(held.X) if indices is None else len(indices)
    return BatchStep(0, 0, np.arange(m) if indices is None else indices), np.array(np.broadcast_to(weights, m))


def problem(held, indices, network, loss, weights):
    """A leaf as a BatchProblem under the cost Σ w_k L_k."""
    step, weights = leaf_step(held, indices, weights)
    return BatchProblem(network, held.X, held.targets, LeafCost(loss, weights), step)


def losses(held, indices, network, loss):
    """φ̃ of a leaf [m] (eq. 13)."""
    X, targets = held if indices is None else take(held, indices)
    return Cost(loss).losses_and_gradients(network(X), targets)[0]  # eq. 13


def losses_and_sum(held, indices, weights, network, loss):
    """φ̃ of a leaf [m], and its node of D_θ C [P], from its ∇φ (eq. 20)."""
    step, weights = leaf_step(held, indices, weights)
    return losses_and_gradient(network, held.X, held.targets, Cost(loss), step, weights)  # eq. 20


def weighted_sum(held, indices, weights, network, loss):
    """A leaf's node of D_θ C [P], from its ∇φ (eq. 20)."""
    return losses_and_sum(held, indices, weights, network, loss)[1]


@in_turn
def at_leaves(function, tree, spread, columns):
    """The values of a function at the leaves of a group: a list."""
    return [function(*(column[i] if many else column for column, many in zip(columns, spread)))
            for i in range(len(tree_of_sums.leaves_of(tree)))]


def joined(function, tree, spread, columns, join):
    """The values of a function at the leaves of a group, joined all at once."""
    return join(at_leaves(function, tree, spread, columns))


def folded(function, tree, spread, columns, join):
    """The values of a function at the leaves of a group, joined up the fixed tree."""
    values = dict(zip(tree_of_sums.leaves_of(tree), at_leaves(function, tree, spread, columns)))
    return tree_of_sums.folded(tree, values, join)


def losses_and_node(function, tree, spread, columns):
    """The losses of a group's samples, and its node."""
    losses, nodes = zip(*at_leaves(function, tree, spread, columns))
    return np.concatenate(losses), tree_of_sums.folded(tree, dict(zip(tree_of_sums.leaves_of(tree), nodes)), np.add)


def part(pair, i):
    """One of two."""
    return pair[i]


def join(function, left, right):
    """The node above two of the fixed tree."""
    return function(left, right)
