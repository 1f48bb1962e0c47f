"""A batch step whose samples are in shards: calls of a function on each of its leaves, and sums up the fixed tree."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.sums import BLOCK
from ..typing import Indices
from . import on_worker
from .shards import Shards, gathered, large_values
from .tree import Leaf, cut, folded, leaves_of, node_size, subtrees

EMBEDDED = 1 << 16  # bytes up to which a value travels with each task, 12 ms sooner than by a task of its own
ADDED_HERE = 1 << 20  # bytes of nodes up to which the client adds the last: a level of the tree on workers takes 12 ms


class Parts(NamedTuple):
    """A list of what a function made of each leaf, a future for those of each group, left on its worker."""

    futures: list[Any]


class Batch:
    """The samples at the positions of a batch step, where they live.

    A leaf whose samples are in one shard is computed there. One whose samples are in several is first put together, from those rows
    alone, by the worker that computes it. Leaves of one worker that make up a subtree are a group, and one task.

    Parameters
    ----------
    shards : Shards
    data : list of futures
        As `Shards.ready` gives them.
    indices : ndarray of int64 [m], optional
        Which sample is at each position; all of them in their order where None.
    """

    def __init__(self, shards: Shards, data: Sequence[Any], indices: Indices | None = None) -> None:
        self.client, self.m = shards.client, len(shards) if indices is None else len(indices)
        starts = np.arange(0, self.m, BLOCK)
        if indices is None:
            low = high = shards.owners(starts)
        else:
            owners = shards.owners(indices)
            low, high = np.minimum.reduceat(owners, starts), np.maximum.reduceat(owners, starts)
        self.leaves, tree = cut(low, high, self.m, min(node_size(self.m, len(data)), shards.samples_each))
        homes = [None if leaf.shard is None else shards.home(leaf.shard) for leaf in self.leaves]
        self._groups, self._tree = subtrees(tree, homes)
        self._homes = [homes[leaves_of(group)[0]] for group in self._groups]

        def places_in_shards(leaf: Leaf) -> Indices:
            assert indices is not None
            return indices[leaf.first:leaf.stop] % shards.samples_each

        samples = []
        for leaf in self.leaves:
            if leaf.shard is not None:
                samples.append((data[leaf.shard], None if indices is None else places_in_shards(leaf)))
            else:
                mine, local = owners[leaf.first:leaf.stop], places_in_shards(leaf)
                several = np.unique(mine).tolist()
                places = [np.flatnonzero(mine == shard) for shard in several]
                parts = [self._submit(on_worker.take, data[shard], local[place]) for shard, place in zip(several, places)]
                samples.append((self._submit(on_worker.gather, parts, places), None))
        self.samples = tuple(list(column) for column in zip(*samples))

    def each(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """A list with the part of values [m, …] at each leaf's positions; one number for each where all are the same."""
        if values.ndim == 1 and (values == values[0]).all():
            return [values[:1]] * len(self.leaves)
        return [values[leaf.first:leaf.stop] for leaf in self.leaves]

    def shared(self, value: Any, size: int) -> Any:
        """A value of so many bytes that every leaf needs: itself, or a future of it that the scheduler can make again."""
        if size <= EMBEDDED:
            return value
        with large_values():
            return self._submit(on_worker.same, value)

    def map(self, function: Callable[..., Any], *columns: Any) -> Parts:
        """``function(*one of each column)`` at every leaf; a column is a list, an entry a leaf, or Parts, or the same for all."""
        return Parts(self._tasks(on_worker.at_leaves, function, columns))

    def collect(self, function: Callable[..., Any], *columns: Any) -> NDArray[Any]:
        """The same, an array for each leaf, in one array."""
        return np.concatenate(gathered(self.client, self._tasks(on_worker.combined, function, columns, np.concatenate)))

    def total(self, function: Callable[..., Any], *columns: Any, numbers: int, join: Callable[[Any, Any], Any] = np.add) -> Any:
        """The same, values of so many numbers, joined up the fixed tree."""
        size = numbers * 8 * (len(self._groups) - 1)
        return self._combined(self._tasks(on_worker.folded, function, columns, join), size, join)

    def losses_and_total(self, function: Callable[..., Any], *columns: Any, numbers: int) -> tuple[NDArray[Any], Any]:
        """(losses, node) at each leaf: the losses [m] and the sum up the fixed tree."""
        pairs = self._tasks(on_worker.losses_and_node, function, columns)
        size = numbers * 8 * (len(self._groups) - 1)
        if size <= ADDED_HERE:
            losses, nodes = zip(*gathered(self.client, pairs))
            return np.concatenate(losses), folded(self._tree, list(nodes), np.add)
        losses, nodes = ([self._submit(on_worker.part, pair, i) for pair in pairs] for i in range(2))
        total = self._combined(nodes, size, np.add)
        return np.concatenate(gathered(self.client, losses)), total

    def _combined(self, futures: list[Any], size: int, join: Callable[[Any, Any], Any]) -> Any:
        """The groups' values joined: by the client where they are few bytes, else on the workers."""
        if size <= ADDED_HERE:
            return folded(self._tree, gathered(self.client, futures), join)
        total = folded(self._tree, futures, lambda left, right: self._submit(on_worker.join, join, left, right))
        return gathered(self.client, total)

    def _tasks(self, task: Callable[..., Any], function: Callable[..., Any], columns: Any, *settings: Any) -> list[Any]:
        """For each group a future of ``task(function, tree, spread, columns, *settings)``; `spread`: which columns are lists."""
        columns = tuple(columns)
        spread = tuple(isinstance(column, (list, Parts)) for column in columns)
        futures = [None] * len(self._groups)
        for home in dict.fromkeys(self._homes):
            numbers = [g for g in range(len(self._groups)) if self._homes[g] == home]
            placed = {} if home is None else {"workers": [home], "allow_other_workers": True}
            calls = [[self._column(column, g) for column in columns] for g in numbers]
            trees = [self._groups[g] for g in numbers]
            with large_values():
                made = self.client.map(task, [function] * len(numbers), trees, [spread] * len(numbers), calls,
                                       *([setting] * len(numbers) for setting in settings),
                                       key=[_key(function.__name__) for _ in numbers], **placed)
            for g, future in zip(numbers, made):
                futures[g] = future
        return futures

    def _column(self, column: Any, g: int) -> Any:
        """What the leaves of a group need of a column."""
        if isinstance(column, Parts):
            return column.futures[g]
        return [column[i] for i in leaves_of(self._groups[g])] if isinstance(column, list) else column

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.client.submit(function, *arguments, key=_key(function.__name__))


def _key(name: str) -> tuple[str, int]:
    """A key of a group of its own, so that the scheduler lets a task go where its samples are."""
    return f"{name}-{uuid.uuid4().hex}", 0
