"""Shards: samples that live on the workers, each a node of the fixed tree of sums, and how to make one again."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..extras import imported
from ..losses import Loss
from ..network import Network
from ..typing import Indices
from . import checks, on_worker
from .tree import node_size

PATIENCE = 5  # seconds without an answer, after which to look for tasks that wait for a worker that is lost


class Shards:
    """The samples of a data set in pieces that live on the workers of a cluster; made by `scatter` or `load`.

    Every shard but the last holds the same number of samples, 128 times a power of two: its sum is a node of the fixed tree. The
    scheduler knows how each is read: what is lost with a worker is read again, by another. `len()` is the number of samples.

    Attributes
    ----------
    samples_each : int
        Samples of a shard.
    counts : list of int
        Samples of every shard.
    """

    def __init__(self, client: Any, loaders: Sequence[Any], counts: Sequence[int] | None = None) -> None:
        self.client, self._loaders = client, loaders
        self._threads: dict[str, int] = {}
        self._homes: list[str | None] = [None] * len(loaders)
        self._read: list[Any] = [None] * len(loaders)
        self._ready: list[Any] | None = None
        self._kind: tuple[Any, ...] = ()  # what they are checked for, once they are
        self._settle_homes()
        if counts is None:  # read, and kept until they are checked
            self._read = [self._submit_read(i) for i in range(len(loaders))]
            counts = checks.counts(gathered(client, client.map(on_worker.count, self._read, pure=False)))
        self.counts = counts
        self.samples_each = counts[0]

    def __len__(self) -> int:
        return sum(self.counts)

    def __repr__(self) -> str:
        return f"Shards({len(self)} samples in {len(self.counts)} of {self.samples_each}, {self.client})"

    def owners(self, indices: Indices) -> Indices:
        """The shard of each sample."""
        return indices // self.samples_each

    def home(self, shard: int) -> str | None:
        """The address of the worker that is asked to hold a shard."""
        return self._homes[shard]

    def ready(self, network: Network, loss: Loss | None) -> list[Any]:
        """A future for every shard, of its samples checked and cast for a network and a loss (or None, where targets take no part);
        kept until others are asked for."""
        kind = (network.widths[0], network.widths[-1], network.dtype, loss)
        if self._ready is not None and _serves(self._kind, kind):
            self.settle()
            return self._ready
        self._kind = kind
        self._ready = [self._submit_ready(i) for i in range(len(self.counts))]
        self._read = [None] * len(self.counts)
        return self._ready

    def settle(self) -> None:
        """Give workers that have come, since this was last called, their share of the shards."""
        if self.client.nthreads() == self._threads:
            return
        for shard in self._settle_homes():
            if self._ready is not None:
                self._ready[shard] = self._submit_ready(shard)
                self._read[shard] = None

    def _settle_homes(self) -> list[int]:
        """Choose a home for every shard, in proportion to threads, and move no more than that takes; the shards that move."""
        self._threads = threads = self.client.nthreads()
        free = quotas(len(self._homes), threads)
        moved = []
        for shard, home in enumerate(self._homes):
            if home is not None and free.get(home, 0) > 0:
                free[home] -= 1
            else:
                moved.append(shard)
        left = [address for address, places in free.items() for _ in range(places)]
        for shard, address in zip(moved, left):
            self._homes[shard] = address
        return moved

    def _placed(self, shard: int) -> dict[str, Any]:
        home = self._homes[shard]
        return {} if home is None else {"workers": [home], "allow_other_workers": True}

    def _submit_read(self, shard: int) -> Any:
        load = self._loaders[shard]
        if hasattr(load, "__dask_graph__"):  # a Delayed, which is callable too
            return self.client.compute(load, **self._placed(shard))
        with large_values():
            return self.client.submit(on_worker.read, load, pure=False, **self._placed(shard))

    def _submit_ready(self, shard: int) -> Any:
        read = self._read[shard] or self._submit_read(shard)
        return self.client.submit(on_worker.prepare, read, shard, *self._kind, pure=False, **self._placed(shard))


def _serves(found: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Whether samples held for one network and loss are those that another network and loss want."""
    same_targets = wanted[3] is None or (found[3] is not None and found[3].kind == wanted[3].kind
                                         and found[3].encoding == wanted[3].encoding)
    return found[:3] == wanted[:3] and same_targets


def large_values() -> Any:
    """A context in which Dask does not warn of values that are sent on purpose."""
    return imported("dask.config", "a cluster").set({"distributed.admin.large-graph-warning-threshold": "1 TiB"})


def gathered(client: Any, futures: Any) -> Any:
    """What a future, or each of a list, holds, when it is there, though every worker be lost and others come."""
    distributed = imported("distributed", "a cluster")
    while True:
        try:
            distributed.wait(futures, timeout=PATIENCE)
        except TimeoutError:
            client.run_on_scheduler(free_stranded)
        else:
            return client.gather(futures)


def free_stranded(dask_scheduler: Any) -> None:
    """Let tasks run anywhere whose home was lost while there was no other worker: Dask asks for that home for ever."""
    stranded = [task for task in dask_scheduler.unrunnable if task.loose_restrictions and dask_scheduler.workers
                and not any(home in dask_scheduler.workers for home in task.worker_restrictions or ())]
    for task in stranded:
        task.worker_restrictions = set()
    dask_scheduler.transitions({task.key: "waiting" for task in stranded}, "gammachain-stranded")


def quotas(shards: int, threads: Mapping[str, int]) -> dict[str, int]:
    """How many of the shards each worker holds, {address: number}, in proportion to {address: threads}.

    Examples
    --------
    >>> from engine.distributed.shards import quotas
    >>> quotas(5, {"a": 1, "b": 3})
    {'a': 1, 'b': 4}
    """
    ends = np.round(np.cumsum([0, *threads.values()]) * shards / max(sum(threads.values()), 1)).astype(int)
    return {address: int(places) for address, places in zip(threads, np.diff(ends))}


def scatter(client: Any, X: ArrayLike, y: ArrayLike, *, samples: int | None = None) -> Shards:
    """Spread arrays over the workers of a cluster, once; what is computed from them later does not move them.

    The arrays travel through the scheduler, which keeps them so as to replace what is lost with a worker: for data larger than its
    memory let the workers read their own, by `load`.

    Parameters
    ----------
    client : distributed.Client
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like
        As the cost's loss will want it.
    samples : int, optional
        Samples of a shard, 128 times a power of two; by default so that every thread has between two and four, so that workers
        that come later find some to take.

    Returns
    -------
    Shards

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.
    ImportError
        Where `distributed` is not installed.

    See Also
    --------
    load : Read on the workers.
    """
    imported("distributed", "a cluster")
    client = checks.client(client)
    X, y = checks.arrays(X, y)
    m = len(X)
    size = node_size(m, 2 * sum(client.nthreads().values())) if samples is None else checks.samples_each(samples)
    cuts = [slice(first, min(first + size, m)) for first in range(0, m, size)]
    loaders = [functools.partial(tuple, (X[cut], y[cut])) for cut in cuts]
    return Shards(client, loaders, [cut.stop - cut.start for cut in cuts])


def load(client: Any, loaders: Sequence[Any]) -> Shards:
    """Let the workers of a cluster read their own samples: none passes through the client or the scheduler.

    Parameters
    ----------
    client : distributed.Client
    loaders : sequence of callable or dask Delayed
        One a shard, each giving (X, y): X [m_i, n_0], y as the cost's loss will want it. All but the last must give the same
        number of samples, 128 times a power of two, and the same ones whenever they are called: a shard that is lost with a worker
        is read again.

    Returns
    -------
    Shards

    Raises
    ------
    ValueError, TypeError
        Where an argument, or a number of samples, is not as stated.
    ImportError
        Where `distributed` is not installed.

    See Also
    --------
    scatter : From arrays of this process.
    """
    imported("distributed", "a cluster")
    return Shards(checks.client(client), checks.loaders(loaders))
