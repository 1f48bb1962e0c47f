"""BatchSchedule: which samples make up which batch time step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from . import checks, index_checks, orders
from .steps import BatchStep
from .typing import Indices


class BatchSchedule:
    """The batch time steps of a run, any epoch of which can be produced on its own (paper §1). Immutable.

    Parameters
    ----------
    batch_size : int
        Sample steps in a batch step; the last of an epoch may have fewer.
    order : str or order
        "sequential", "shuffled", "with_replacement", or one made by `schedulers.orders`.
    seed : int
        An epoch's order depends on (seed, epoch) alone.
    drop_last : bool
        Leave out a last batch that is not full.

    See Also
    --------
    schedulers.orders : Orders with settings.
    engine.fit : Takes one step for each of its batch steps.

    Examples
    --------
    >>> from schedulers import BatchSchedule
    >>> [step.indices.tolist() for step in BatchSchedule(2, order="sequential").epoch(5, 0)]
    [[0, 1], [2, 3], [4]]
    """

    __slots__ = ("batch_size", "order", "seed", "drop_last")

    batch_size: int
    order: orders.Order
    seed: int
    drop_last: bool

    def __init__(self, batch_size: int, *, order: str | orders.Order = "shuffled", seed: int = 0, drop_last: bool = False) -> None:
        values = (checks.whole_number(batch_size, "batch_size", 1), orders.named(order),
                  checks.whole_number(seed, "seed", 0), bool(drop_last))
        for name, value in zip(self.__slots__, values):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a BatchSchedule does not change; build another to set {name}")

    def __reduce__(self) -> tuple[Callable[..., BatchSchedule], tuple[int, orders.Order, int, bool]]:
        return _build, self._settings()

    def steps(self, samples: int) -> int:
        """Batch steps in an epoch over `samples` samples."""
        return self.order.step_count(checks.whole_number(samples, "samples", 0), self.batch_size, self.drop_last)

    def _drawn(self, samples: int, e: int) -> tuple[int, int, bool, Any]:
        generator = np.random.default_rng([self.seed, e]) if self.order.draws else None
        return samples, self.batch_size, self.drop_last, generator

    def epoch(self, samples: int, e: int) -> Iterator[BatchStep]:
        """Yield the BatchSteps of epoch `e` (from 0) over `samples` samples.

        `time` goes on from epoch to epoch: e × the steps of an epoch + i.
        """
        samples, e = checks.whole_number(samples, "samples", 0), checks.whole_number(e, "e", 0)
        steps, name = self.steps(samples), self.order.name
        trusted, batches = type(self.order) in orders.BUILT_IN, self.order.batches(*self._drawn(samples, e))
        for i, indices in enumerate(batches if trusted else index_checks.iterable(batches, name)):
            if not trusted:
                index_checks.batch_count(i + 1, steps, name)
                batch = f"{name}'s batch {i}"
                indices = index_checks.in_range(index_checks.batch_indices(indices, batch), samples, batch)
            yield BatchStep.checked(e * steps + i, e, indices)

    def joined(self, samples: int, e: int) -> tuple[Indices, Indices]:
        """The batch steps of epoch `e` as two arrays, for those who make a whole epoch at once.

        Returns
        -------
        indices : ndarray of int64
            Of all steps, one after the other.
        offsets : ndarray of int64 [steps + 1]
            Step i has indices[offsets[i]:offsets[i + 1]].

        Examples
        --------
        >>> from schedulers import BatchSchedule
        >>> BatchSchedule(2, order="sequential").joined(5, 0)
        (array([0, 1, 2, 3, 4]), array([0, 2, 4, 5]))
        """
        samples, e = checks.whole_number(samples, "samples", 0), checks.whole_number(e, "e", 0)
        found = self.order.joined(*self._drawn(samples, e))
        if type(self.order) in orders.BUILT_IN:
            return found
        indices, offsets = index_checks.joined(found, samples, self.order.name)
        index_checks.batch_count(len(offsets) - 1, self.steps(samples), self.order.name)
        return indices, offsets

    def __repr__(self) -> str:
        order = repr(self.order)
        return (f"BatchSchedule({self.batch_size}, order={repr(order) if order in orders.NAMES else order}, seed={self.seed}, "
                f"drop_last={self.drop_last})")

    def __eq__(self, other: object) -> bool:
        return self._settings() == other._settings() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._settings())

    def _settings(self) -> tuple[int, orders.Order, int, bool]:
        return self.batch_size, self.order, self.seed, self.drop_last


def _build(batch_size: int, order: orders.Order, seed: int, drop_last: bool) -> BatchSchedule:
    return BatchSchedule(batch_size, order=order, seed=seed, drop_last=drop_last)
