"""Updates: immutable settings, and a running state that is an explicit value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schedulers.notebook import WithSettings, called, equal_arrays

from ..cost import Cost
from ..kernels.updates import update_parameters
from ..network import Network
from ..typing import Array, Mask, Number, Rate, Row
from . import checks
from .linearised import BatchProblem

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False, repr=False)
class UpdateState:
    """The running state that an update carries from one batch step to the next.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By name, so that a checkpoint can hold them.
    """

    arrays: dict[str, NDArray[Any]]

    def __repr__(self) -> str:
        return called("UpdateState", {name: np.asarray(array) for name, array in self.arrays.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UpdateState):
            return NotImplemented
        return self.arrays.keys() == other.arrays.keys() and all(
            equal_arrays(array, other.arrays[name]) for name, array in self.arrays.items())

    def copy(self) -> UpdateState:
        """A state that shares nothing with this one."""
        return UpdateState({name: np.array(array, order="C") for name, array in self.arrays.items()})


class Update(WithSettings):
    """Turns a batch step into new parameters (paper §6, eq. 21).

    A subclass has `begin(network)`, the state before the first step, and `step(problem, theta, state, trainable, time)`,
    which changes `theta` and `state` in place and gives the cost before the change. `problem` is the batch step as a
    function of θ: ``problem.value_and_gradient(theta)``, and the network, samples and cost for those that need more.
    `finished(state, steps)` says whether a run of so many batch steps an epoch is over before its time, `skip(state)` is told
    of a batch step without samples, `going_on(state)` gives the state with which another run begins where this one ended, and
    `recorded(state)` what the history's row of an epoch holds besides.
    """

    empty_steps = False  # whether a batch step without samples changes θ too, and `step` is called for it

    def begin(self, network: Network) -> UpdateState:
        """The state before the first batch step."""
        raise NotImplementedError

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """Make one batch step, changing `theta` [P] and `state` in place. Gives the cost before it."""
        raise NotImplementedError

    def finished(self, state: UpdateState, steps: int) -> bool:
        """Whether nothing is left to gain: `steps` batch steps make up an epoch."""
        return False

    def on(self, network: Network) -> Update:
        """The settings as they act on a network, with what they leave open decided: a checkpoint holds these."""
        return self

    def within(self, cost: Cost, schedule: Any, samples: int) -> Update:
        """The update as it makes the steps of one fit, of which it may know the cost, the schedule and the number of samples."""
        return self

    def skip(self, state: UpdateState) -> None:
        """Pass over a batch step without samples."""

    def going_on(self, state: UpdateState) -> UpdateState:
        """The state with which a new run begins that goes on from `state`, which it may change and keep."""
        return state

    def recorded(self, state: UpdateState) -> Row:
        """What an epoch's row of the history holds besides, by name."""
        return {}


class FirstOrder(Update):
    """An update that needs C and D_θ C alone, computed by `kernels.updates`.

    A subclass is a frozen dataclass with a `rate`, a `code`, the `settings` its code takes and the number of `state_rows`.
    """

    rate: Rate
    code: int

    @property
    def state_rows(self) -> int:
        """Number of running means of P numbers that it has."""
        raise NotImplementedError

    @property
    def settings(self) -> NDArray[np.float64]:
        """The numbers of the kernel's code, float64."""
        raise NotImplementedError

    def begin(self, network: Network) -> UpdateState:
        """The state {"rows": zeros, P numbers for each running mean, "steps": the number of batch steps that they have seen}."""
        return UpdateState({"rows": np.zeros((self.state_rows, network.size), network.dtype), "steps": np.zeros((), np.int64)})

    def made(self, state: UpdateState, time: int) -> int:
        """Number of batch steps that the running means have seen, those of earlier runs included, or `time` where the state does
        not say."""
        return int(state.arrays["steps"]) if "steps" in state.arrays else time

    def skip(self, state: UpdateState, count: int = 1) -> None:
        """Count `count` more batch steps."""
        steps = state.arrays.get("steps")
        if type(steps) is np.ndarray and steps.shape == ():
            steps[()] = steps.item() + count
        elif steps is not None:
            state.arrays["steps"] = steps + count

    def rate_at(self, time: int) -> float:
        """η of batch time step `time`."""
        return self.rate(time) if callable(self.rate) else self.rate

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """One step along −D_θ C as the kernel's code has it (eq. 21)."""
        value, gradient = problem.value_and_gradient(theta)
        if math.isfinite(value):
            settings, rows = checks.kernel_arrays(self, theta, state)
            gradient = checks.step_gradient(theta, gradient, trainable)
            update_parameters(self.code, theta, gradient, settings, rows, trainable,
                              checks.rate_now(self.rate_at(time), time), self.made(state, time))
            self.skip(state)
        return value
