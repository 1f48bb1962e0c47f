"""The batch steps of an epoch, and how an update makes them one by one (paper §1, eq. 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from schedulers import BatchSchedule, BatchStep, index_checks

from .cost import Cost
from .errors import DivergenceError
from .typing import Array, Indices, Mask
from .updates import Update, UpdateState
from .updates import checks as update_checks
from .updates.linearised import BatchProblem

if TYPE_CHECKING:
    from .network import Network


class FitRun(Protocol):
    """The checked inputs of a fit, wherever its samples are."""

    network: Network
    cost: Cost
    update: Update
    schedule: Any
    X: Any
    targets: Any
    trainable: Mask
    max_bytes: int | None

    def problem(self, step: BatchStep) -> BatchProblem:
        """A batch step as functions of θ."""

    def fused(self, steps: EpochSteps) -> bool:
        """Whether kernels can make the batch steps of an epoch without Python between them."""


class EpochSteps:
    """The batch steps of an epoch: step i, of batch time step `first` + i, has indices[offsets[i]:offsets[i + 1]].

    Attributes
    ----------
    sizes : ndarray of int64 [steps]
        Samples of each.
    largest : int
        Samples in the largest of them, or 1.
    """

    def __init__(self, epoch: int, first: int, indices: Indices, offsets: Indices) -> None:
        self.epoch, self.first, self.indices, self.offsets = epoch, first, indices, offsets
        self.sizes = np.diff(offsets)
        self.largest = int(self.sizes.max(initial=1))

    @classmethod
    def of(cls, schedule: Any, samples: int, e: int) -> EpochSteps:
        """The batch steps of epoch `e`. A user's own schedule is asked by whichever of `joined` and `epoch` is its own."""
        if type(schedule) is BatchSchedule:
            indices, offsets = schedule.joined(samples, e)
            index_checks.in_range(indices, samples, "the schedule's indices")
            return cls(e, e * schedule.steps(samples), indices, offsets)
        name = f"the schedule {type(schedule).__name__}"
        if _joins(schedule):
            indices, offsets = index_checks.joined(schedule.joined(samples, e), samples, name)
            return cls(e, e * (len(offsets) - 1), indices, offsets)
        return cls(e, *index_checks.batch_steps(schedule.epoch(samples, e), samples, name))

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, i: int) -> BatchStep:
        return BatchStep.checked(self.first + i, self.epoch, self.indices[self.offsets[i]:self.offsets[i + 1]])

    @property
    def times(self) -> range:
        """Their batch time steps."""
        return range(self.first, self.first + len(self))


def _joins(schedule: Any) -> bool:
    """Whether a schedule's `joined` is defined where its `epoch` is, or nearer to its own class."""
    for owner in type(schedule).__mro__:
        if "joined" in vars(owner):
            return callable(schedule.joined)
        if "epoch" in vars(owner):
            return False
    return callable(getattr(schedule, "joined", None))


def epoch_stepwise(run: FitRun, steps: EpochSteps, theta: Array, state: UpdateState) -> tuple[Array, int]:
    """Run the batch steps of an epoch one by one. Gives the cost of each, and the number of steps made before a cost was not
    finite."""
    costs = np.full(len(steps), np.nan)
    for i, size in enumerate(steps.sizes.tolist()):
        if size == 0 and not run.update.empty_steps:
            run.update.skip(state)
            continue
        step = steps[i]
        value = run.update.step(run.problem(step), theta, state, run.trainable, step.time)
        costs[i] = update_checks.step_cost(value, run.update, step.time)
        if size and not np.isfinite(costs[i]):
            return costs, i
    return costs, len(steps)


def diverged(epoch: int, time: int, cost: float | None) -> DivergenceError:
    """The error that says that a cost at a batch time step, or a parameter where it is None, is no longer finite."""
    what = "a parameter is no longer finite" if cost is None else f"the cost of batch time step {time} is {cost}"
    return DivergenceError(f"{what}, in epoch {epoch}; lower the rate or scale the samples. "
                           "The run up to the last whole epoch is in this error's .result")
