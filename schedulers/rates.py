"""Learning rates as functions of the batch time step t = 0, 1, 2 … (eq. 21's η)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import checks
from .notebook import MadeByFunction


def _power(factor: float, exponent: float) -> float:
    """factor ** exponent, infinite where that is too large, which `fit` refuses as a rate."""
    try:
        return factor**exponent
    except OverflowError:
        return math.inf


@dataclass(frozen=True, repr=False)
class Constant(MadeByFunction):
    """η(t) = rate."""

    rate: float

    def __call__(self, time: int) -> float:
        return self.rate


@dataclass(frozen=True, repr=False)
class StepDecay(MadeByFunction):
    """η(t) = rate · factor^⌊t / every⌋."""

    rate: float
    factor: float
    every: int

    def __call__(self, time: int) -> float:
        return self.rate * _power(self.factor, time // self.every)


@dataclass(frozen=True, repr=False)
class ExponentialDecay(MadeByFunction):
    """η(t) = rate · factor^(t / every)."""

    rate: float
    factor: float
    every: int

    def __call__(self, time: int) -> float:
        return self.rate * _power(self.factor, time / self.every)


@dataclass(frozen=True, repr=False)
class Cosine(MadeByFunction):
    """η(t) = last + (rate − last)(1 + cos(π t / steps)) / 2 up to t = steps, then last (Loshchilov & Hutter 2017)."""

    rate: float
    steps: int
    last: float

    def __call__(self, time: int) -> float:
        return self.last + (self.rate - self.last) * (1 + math.cos(math.pi * min(time, self.steps) / self.steps)) / 2


@dataclass(frozen=True, repr=False)
class Warmup(MadeByFunction):
    """η(t) rises in equal parts to rate over `steps` steps, then follows `after` (rate itself where None)."""

    rate: float
    steps: int
    after: Callable[[int], float] | None

    def __call__(self, time: int) -> float:
        if time < self.steps:
            return self.rate * (time + 1) / self.steps
        return self.rate if self.after is None else self.after(time - self.steps)


@dataclass(frozen=True, repr=False)
class OneCycle(MadeByFunction):
    """η(t) rises along a cosine from rate / start to rate over rise · steps, and falls to rate / end (Smith & Topin 2019)."""

    rate: float
    steps: int
    rise: float
    start: float
    end: float

    def __call__(self, time: int) -> float:
        top = self.rise * self.steps
        time = min(time, self.steps)
        if time < top:
            low, part = self.rate / self.start, 1 - time / top
        else:
            low, part = self.rate / self.end, (time - top) / max(self.steps - top, 1)
        return low + (self.rate - low) * (1 + math.cos(math.pi * part)) / 2


def constant(rate: float) -> Constant:
    """The same rate at every batch step.

    Examples
    --------
    >>> from schedulers import rates
    >>> rates.constant(0.1)(7)
    0.1
    """
    return Constant(checks.positive(rate, "rate"))


def step_decay(rate: float, *, factor: float = 0.1, every: int = 1000) -> StepDecay:
    """`rate`, times `factor` after every `every` batch steps."""
    return StepDecay(checks.positive(rate, "rate"), checks.positive(factor, "factor"), checks.whole_number(every, "every", 1))


def exponential_decay(rate: float, *, factor: float = 0.96, every: int = 1000) -> ExponentialDecay:
    """`rate`, falling smoothly by `factor` in every `every` batch steps."""
    return ExponentialDecay(checks.positive(rate, "rate"), checks.positive(factor, "factor"),
                            checks.whole_number(every, "every", 1))


def cosine(rate: float, *, steps: int = 10000, last: float = 0.0) -> Cosine:
    """From `rate` to `last` along half a cosine of `steps` batch steps."""
    return Cosine(checks.positive(rate, "rate"), checks.whole_number(steps, "steps", 1), checks.not_negative(last, "last"))


def warmup(rate: float, *, steps: int = 100, after: Callable[[int], float] | None = None) -> Warmup:
    """Up to `rate` over `steps` batch steps, then `after(t − steps)`, a rate of its own, or `rate`."""
    return Warmup(checks.positive(rate, "rate"), checks.whole_number(steps, "steps", 1), checks.rate_or_none(after))


def one_cycle(rate: float, *, steps: int = 10000, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> OneCycle:
    """Up from rate / start to `rate` in the first `rise` of `steps` batch steps, and down to rate / end."""
    return OneCycle(checks.positive(rate, "rate"), checks.whole_number(steps, "steps", 1), checks.probability(rise, "rise"),
                    checks.positive(start, "start"), checks.positive(end, "end"))
