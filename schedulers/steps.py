"""The two levels of time: a step for each batch, and inside it a step for each of its samples (paper §1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import checks, index_checks
from .typing import Indices


@dataclass(frozen=True, slots=True)
class SampleStep:
    """Inner time step s of a batch: sample `index` writes block `position` of A (paper §1 and §4, eq. 12).

    Attributes
    ----------
    time : int
        The batch time step t, from 0.
    position : int
        Place in the batch, from 0; the paper's s is position + 1.
    index : int
        Which sample of the data set.
    """

    time: int
    position: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class BatchStep:
    """Outer time step t: the samples of one batch, in the order of their sample steps (paper §1).

    Attributes
    ----------
    time : int
        t, counted from 0 over the whole run.
    epoch : int
        Which pass over the data, from 0.
    indices : ndarray of int64 [m]
        Which samples, sample step by sample step. Any whole numbers of at least 0 are taken, a list too, and cast.
    """

    time: int
    epoch: int
    indices: np.ndarray

    def __post_init__(self) -> None:
        indices = index_checks.not_below_zero(index_checks.batch_indices(self.indices, "indices"), "indices")
        for name, value in (("time", checks.whole_number(self.time, "time", 0)),
                            ("epoch", checks.whole_number(self.epoch, "epoch", 0)), ("indices", indices)):
            object.__setattr__(self, name, value)

    @classmethod
    def checked(cls, time: int, epoch: int, indices: Indices) -> BatchStep:
        """A BatchStep of what has been checked already."""
        step, write = object.__new__(cls), object.__setattr__
        write(step, "time", time)
        write(step, "epoch", epoch)
        write(step, "indices", indices)
        return step

    def read_only(self) -> BatchStep:
        """The same step, whose indices cannot be written to."""
        indices = self.indices.view()
        indices.flags.writeable = False
        return self.checked(self.time, self.epoch, indices)

    def __len__(self) -> int:
        return len(self.indices)

    def samples(self) -> Iterator[SampleStep]:
        """Yield the m SampleSteps in order."""
        for position, index in enumerate(self.indices):
            yield SampleStep(self.time, position, int(index))
