"""A batch step whose samples are in shards: its leaves, calls of a function on each of them, and sums up the fixed tree."""

import itertools
import uuid

import numpy as np

from ...kernels.sums import BLOCK
from . import on_worker
from .shards import large_values
from .tree import cut, node_size

EMBEDDED = 1 << 16  # bytes up to which a value travels in each task: one task less, 3 ms a step


class Batch:
    """The samples at the positions of a batch step, where they live.

    A leaf whose samples are in one shard is computed there. One whose samples are in several is first put together, from those rows
    alone, by the worker that computes it.

    Parameters
    ----------
    shards : Shards
    held : list of futures
        As `Shards.ready` gives them.
    indices : ndarray of int64 [m]
        Which sample is at each position.
    """

    def __init__(self, shards, held, indices):
        self.client, self.m = shards.client, len(indices)
        owners = shards.owners(indices)
        least = min(max(node_size(self.m, len(held)), BLOCK), shards.samples_each)
        self.leaves, self.tree = cut(owners, least)
        self._homes = [shards.home(leaf.shards[0]) if len(leaf.shards) == 1 else None for leaf in self.leaves]
        self._samples, self._indices = [], []
        for leaf in self.leaves:
            mine, local = owners[leaf.first:leaf.stop], indices[leaf.first:leaf.stop] % shards.samples_each
            if len(leaf.shards) == 1:
                everything = len(local) == shards.counts[leaf.shards[0]] and np.array_equal(local, np.arange(len(local)))
                self._samples.append(held[leaf.shards[0]])
                self._indices.append(None if everything else local)
            else:
                places = [np.flatnonzero(mine == shard) for shard in leaf.shards]
                parts = [self.client.submit(on_worker.take, held[shard], local[place], key=_key("take"))
                         for shard, place in zip(leaf.shards, places)]
                self._samples.append(self.client.submit(on_worker.gather, parts, places, key=_key("gather")))
                self._indices.append(None)

    def each(self, values):
        """A list with the part of values [m, …] at each leaf's positions; one number for each where all are the same."""
        if values.ndim == 1 and (values == values[0]).all():
            return [values[:1]] * len(self.leaves)
        return [values[leaf.first:leaf.stop] for leaf in self.leaves]

    def shared(self, value, size):
        """A value that every leaf needs, of so many bytes: itself, or a future of it that the scheduler can make again."""
        if size <= EMBEDDED:
            return value
        with large_values():
            return self.client.submit(on_worker.same, value, key=_key("same"))

    def on_samples(self, function, *columns):
        """``function(held, indices, *one of each column)`` at every leaf: a list of futures. A column that is not a list is
        the same for all."""
        return self.map(function, self._samples, self._indices, *columns)

    def map(self, function, *columns):
        """The same without the samples."""
        columns = [column if isinstance(column, list) else [column] * len(self.leaves) for column in columns]
        futures = [None] * len(self.leaves)
        for home, numbers in itertools.groupby(sorted(range(len(self.leaves)), key=lambda i: self._homes[i] or ""),
                                               key=lambda i: self._homes[i]):
            numbers = list(numbers)
            placed = {} if home is None else {"workers": [home], "allow_other_workers": True}
            made = self.client.map(function, *([column[i] for i in numbers] for column in columns),
                                   key=[_key(function.__name__) for _ in numbers], **placed)
            for i, future in zip(numbers, made):
                futures[i] = future
        return futures

    def fold(self, futures, join=on_worker.add):
        """The leaves' values joined up the fixed tree, on the workers: a future."""
        def joined(tree):
            if isinstance(tree, int):
                return futures[tree]
            return self.client.submit(join, joined(tree[0]), joined(tree[1]), key=_key(join.__name__))

        return joined(self.tree)

    def gather(self, futures):
        """What the futures hold."""
        return self.client.gather(futures)


def _key(name):
    """A key of a group of its own, so that the scheduler lets a task go where its samples are."""
    return f"{name}-{uuid.uuid4().hex}", 0
