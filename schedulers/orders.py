"""In what order an epoch visits its samples: each order turns (samples, batch size, generator) into batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import checks, index_checks
from .notebook import WithSettings, equal_arrays, in_small_letters
from .typing import Indices


class Order(WithSettings):
    """What an order is: `indices` of one epoch, cut into batches, or `batches` of its own, always `steps` of them, from a generator
    that depends on (seed, epoch) alone; the generator is None for an order that says it `draws` nothing.

    A subclass of one's own may give indices as any sequence of whole numbers from 0 to samples − 1; they are checked and cast. With
    fewer than the samples its last batches are smaller, or empty.
    """

    draws = True

    def _called_as(self) -> str:
        return in_small_letters(type(self).__name__) if type(self) in BUILT_IN else super()._called_as()

    def steps(self, samples: int, batch_size: int, drop_last: bool) -> int:
        """Batch steps of an epoch, the same for every epoch."""
        return samples // batch_size if drop_last else -(-samples // batch_size)

    def indices(self, samples: int, generator: np.random.Generator) -> ArrayLike:
        """The samples of an epoch in the order of their steps, int64."""
        raise NotImplementedError(f"the order {type(self).__name__} must define indices(samples, generator), or batches")

    def batches(self, samples: int, batch_size: int, drop_last: bool, generator: np.random.Generator) -> Iterable[ArrayLike]:
        """Yield the indices [m] of each batch step."""
        indices = self._indices(samples, generator)
        for i in range(self.step_count(samples, batch_size, drop_last)):
            yield indices[i * batch_size:(i + 1) * batch_size]

    def step_count(self, samples: int, batch_size: int, drop_last: bool) -> int:
        """`steps`, checked where the order is a user's own."""
        steps = self.steps(samples, batch_size, drop_last)
        return steps if type(self) in BUILT_IN else checks.whole_number(steps, f"the steps of {self.name}", 0)

    def _indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """`indices`, cast where the order is a user's own."""
        indices: Any = self.indices(samples, generator)
        return indices if type(self) in BUILT_IN else index_checks.batch_indices(indices, f"{self.name}'s indices")

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"the order {type(self).__name__}"

    def joined(self, samples: int, batch_size: int, drop_last: bool, generator: np.random.Generator) -> tuple[Indices, Indices]:
        """The indices of all batch steps of an epoch, one after the other, and where each step begins and the last ends."""
        if type(self).batches is Order.batches:
            indices = self._indices(samples, generator)
            steps, size = self.step_count(samples, batch_size, drop_last), min(batch_size, max(len(indices), 1))
            offsets = np.minimum(np.arange(steps + 1) * size, len(indices))
            return indices[:offsets[-1]], offsets
        return index_checks.joined_batches(self.batches(samples, batch_size, drop_last, generator), self.name)


@dataclass(frozen=True, repr=False)
class Sequential(Order):
    """0, 1, 2 … in every epoch."""

    draws = False

    def indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """0 … samples − 1."""
        return np.arange(samples)


@dataclass(frozen=True, repr=False)
class Shuffled(Order):
    """A new permutation each epoch: every sample once."""

    def indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """A permutation of 0 … samples − 1."""
        return generator.permutation(samples)


@dataclass(frozen=True, repr=False)
class WithReplacement(Order):
    """Each sample step draws from all samples alike, so that an epoch may hold one twice and another not at all."""

    def indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """`samples` draws."""
        return generator.integers(0, samples, samples) if samples else np.arange(0)


@dataclass(frozen=True, eq=False, repr=False)
class Importance(Order):
    """Each sample step draws with replacement, sample k with probability in proportion to weights[k]."""

    weights: np.ndarray

    def __eq__(self, other: object) -> bool:
        return equal_arrays(self.weights, other.weights) if isinstance(other, Importance) else NotImplemented

    def __hash__(self) -> int:
        return hash((Importance, len(self.weights)))

    def indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """`samples` draws."""
        weights = checks.per_sample(self.weights, samples, "w")
        return generator.choice(samples, samples, p=weights / weights.sum()) if samples else np.arange(0)


@dataclass(frozen=True, repr=False)
class PoissonSampling(Order):
    """Each batch takes each sample independently with one probability: batches of any size, none too
    (as subsampled differential privacy assumes)."""

    probability: float

    def batches(self, samples: int, batch_size: int, drop_last: bool, generator: np.random.Generator) -> Iterable[Indices]:
        """Yield the indices of each batch step, ascending."""
        for _ in range(self.steps(samples, batch_size, drop_last)):
            yield np.flatnonzero(generator.random(samples) < self.probability)


@dataclass(frozen=True, eq=False, repr=False)
class Stratified(Order):
    """Every batch holds each label in about its share of the data; every sample once an epoch."""

    labels: np.ndarray

    def __post_init__(self) -> None:
        self._numbers: np.ndarray
        object.__setattr__(self, "_numbers", checks.label_numbers(self.labels))

    def __eq__(self, other: object) -> bool:
        return equal_arrays(self.labels, other.labels) if isinstance(other, Stratified) else NotImplemented

    def __hash__(self) -> int:
        return hash((Stratified, len(self.labels)))

    def indices(self, samples: int, generator: np.random.Generator) -> Indices:
        """A permutation in which each label's samples are spread evenly."""
        numbers = checks.labels(self._numbers, samples)
        place = np.empty(samples)
        for number in range(int(numbers.max(initial=-1)) + 1):
            members = generator.permutation(np.flatnonzero(numbers == number))
            place[members] = (np.arange(len(members)) + generator.random()) / len(members)
        return np.argsort(place, kind="stable")


@dataclass(frozen=True, repr=False)
class Sharded(Order):
    """Every sample once an epoch; runs of positions, each of one or more whole blocks, hold samples of one shard."""

    shard: int
    block: int

    def run(self, samples: int, batch_size: int) -> int:
        """Positions of a run: as many blocks, a power of two, as leave every batch a run for each shard."""
        checks.whole_blocks(batch_size, samples, self.block)
        run, shards = self.block, -(-samples // self.shard)
        while batch_size % (2 * run) == self.shard % (2 * run) == 0 and batch_size >= 2 * run * shards:
            run *= 2
        return run

    def batches(self, samples: int, batch_size: int, drop_last: bool, generator: np.random.Generator) -> Iterable[Indices]:
        """Yield the indices of each batch step."""
        run = self.run(samples, batch_size)
        runs: list[tuple[int, float, Indices]] = []
        rest = np.arange(0)
        for first in range(0, samples, self.shard):
            members = first + generator.permutation(min(self.shard, samples - first))
            whole = len(members) // run * run
            runs.extend((turn, tie, part) for (turn, part), tie in
                        zip(enumerate(members[:whole].reshape(-1, run)), generator.random(whole // run)))
            rest = members[whole:]
        dealt = [part for _, _, part in sorted(runs, key=lambda entry: entry[:2])]
        indices = np.concatenate([*dealt, rest])
        for i in range(self.steps(samples, batch_size, drop_last)):
            yield indices[i * batch_size:(i + 1) * batch_size]


sequential = Sequential()
shuffled = Shuffled()
with_replacement = WithReplacement()
BUILT_IN = (Sequential, Shuffled, WithReplacement, Importance, PoissonSampling, Stratified, Sharded)
NAMES = {"sequential": sequential, "shuffled": shuffled, "with_replacement": with_replacement}


def poisson_sampling(probability: float) -> PoissonSampling:
    """Batches that take each sample independently with `probability`, in (0, 1]."""
    return PoissonSampling(checks.probability(probability))


def importance(w: ArrayLike) -> Importance:
    """Draws with replacement in proportion to w [samples], each at least 0, not all 0."""
    return Importance(checks.weights(w))


def stratified(labels: ArrayLike) -> Stratified:
    """Batches with each label of labels [samples] in its share; numbers, text or other values, and all that is missing (NaN, None)
    is one label more."""
    return Stratified(checks.frozen_labels(labels))


def sharded(shard: int, block: int = 128) -> Sharded:
    """Every sample once an epoch, in batches each of whose blocks of positions holds samples of one shard.

    Samples 0 … shard − 1 are a shard, and so on; they live on different machines, say (`engine.distributed`), and a block is
    what is summed in order. A shard's samples are shuffled; the shards take turns, so that every batch holds each in about its
    share. The order is the same wherever it is used.

    Parameters
    ----------
    shard : int
        Samples of a shard, a whole number of blocks; the last may have fewer.
    block : int
        Positions that are not split. `batch_size` must be a whole number of blocks, or hold every sample.

    Examples
    --------
    >>> from schedulers import BatchSchedule, orders
    >>> [(step.indices // 4).tolist() for step in BatchSchedule(8, order=orders.sharded(4, block=2)).epoch(8, 0)]
    [[0, 0, 0, 0, 1, 1, 1, 1]]
    """
    block = checks.whole_number(block, "block", 1)
    return Sharded(checks.whole_shard(shard, block), block)


def named(order: str | Order) -> Order:
    """An order by name, or as it is."""
    return order if isinstance(order, Order) else NAMES[checks.order_name(order, NAMES)]
