"""Derivatives against central differences, each number judged by its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schedulers.notebook import html_table

from .typing import Array

TOLERANCE = 1e-6  # relative, beyond what the differences themselves are uncertain by
RATIO = 8.0  # of one step to the next smaller
EPS, TINY = np.finfo(np.float64).eps, np.finfo(np.float64).tiny
Ends = tuple[Callable[[Any], tuple[Any, Any, Any]], Any]


@dataclass(frozen=True)
class Comparison:
    """One derivative against central differences: the error relative to its own size, and what is allowed, where they differ most.

    What is allowed is above TOLERANCE by how uncertain the differences are: rounding may leave nothing to compare.
    """

    name: str
    error: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the error is allowed."""
        return self.error <= self.allowed


@dataclass(frozen=True, repr=False)
class DerivativeReport:
    """The report of `check_derivatives`: `rows`, each a Comparison, and `holds`, whether all of them do."""

    rows: tuple[Comparison, ...]

    @property
    def holds(self) -> bool:
        """Whether every derivative agrees with its differences."""
        return all(row.holds for row in self.rows)

    def __repr__(self) -> str:
        right, worst = sum(row.holds for row in self.rows), max(self.rows, key=lambda row: row.error / row.allowed)
        return f"DerivativeReport({right} of {len(self.rows)} derivatives agree, {worst.error:.1e} off at most, in {worst.name!r})"

    def _repr_html_(self) -> str:
        rows = [(row.name, f"{row.error:.1e}", f"{row.allowed:.1e}", "" if row.holds else "WRONG") for row in self.rows]
        return html_table(("derivative", "error", "allowed", ""), rows, repr(self), len(rows))

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{row.name:{width}}  error {row.error:8.1e}  allowed {row.allowed:8.1e}  {'' if row.holds else 'WRONG'}".rstrip()
                 for row in self.rows]
        return "\n".join(lines)


def steps(scale: Any) -> list[Any]:
    """Steps [., …] from an eighth of the larger of `scale` and 1 down to a millionth of the smaller: both are where functions may
    bend."""
    scale = np.where((np.asarray(scale) > 0) & np.isfinite(scale), scale, 1.0)
    top, bottom = np.maximum(scale, 1) / RATIO, 1e-6 * np.minimum(scale, 1)
    count = int(np.ceil(np.log(top / bottom).max() / np.log(RATIO))) + 1
    return [top * RATIO**-k for k in range(count)]


def along(function: Callable[..., Any], point: Array, direction: Array) -> Ends:
    """step ↦ (function(point + step direction), function(point − step direction), 2 step), and function(point); a step may be one
    for each row."""
    def ends(step: Any) -> tuple[Any, Any, Any]:
        moved = np.reshape(step, (-1, *[1] * (np.ndim(point) - 1))) * direction
        return function(point + moved), function(point - moved), 2 * step
    return ends, function(point)


def each(function: Callable[..., Any], points: Array) -> Ends:
    """`along` for an elementwise function, with the distance that rounding has left between both ends."""
    def ends(step: Any) -> tuple[Any, Any, Any]:
        up, down = points + step, points - step
        return function(up), function(down), up - down
    return ends, function(points)


def _best_differences(derivative: Array, ends: Callable[[Any], tuple[Any, Any, Any]], middle: Any, steps: Sequence[Any],
                      noise: Any) -> tuple[Array, Array]:
    """Central differences, each by the step that leaves it least uncertain, and by how much it is; where no step leaves a digit, as
    at a maximum or in noise, by the one that agrees best with `derivative`.

    A difference is uncertain by rounding (of the function, and by `noise` of its argument), by what the next steps differ from it,
    by what any smaller step does beyond its own rounding, and by a kink: the jump of one-sided differences at a step of 0.
    """
    quotients, rounding, jumps = [], [], []
    with np.errstate(all="ignore"):
        for step in steps:
            up, down, width = (np.asarray(values, np.float64) for values in ends(step))
            quotients.append(np.atleast_1d((up - down) / width))
            jumps.append(np.atleast_1d(((up - middle) + (down - middle)) / width))
            rounding.append(np.atleast_1d((4 * EPS * np.maximum(np.abs(up), np.abs(down)) + noise + TINY) / width))
        quotients, rounding, jumps = np.stack(quotients), np.stack(rounding), np.stack(jumps)
        uncertain, seen = 2 * rounding, np.isfinite(quotients) & np.isfinite(rounding)
        for j in range(len(steps)):
            apart = np.where(seen, np.abs(quotients - quotients[j]), 0)
            beside = apart[max(0, j - 1):j + 2].max(0)
            below = np.maximum(apart[j + 1:] - 100 * rounding[j + 1:], 0).max(0, initial=0)
            uncertain[j] += np.maximum(beside, below)
            if j + 1 < len(steps):
                kink = np.abs(RATIO * jumps[j + 1] - jumps[j]) / (RATIO - 1)
                uncertain[j] += np.where(seen[j + 1], np.maximum(kink - 10 * rounding[j + 1], 0), 0)
        uncertain[~seen | ~np.isfinite(uncertain)] = np.inf
        relative = np.where(uncertain > 0, uncertain / np.abs(quotients), 0.0)
        relative[np.isnan(relative)] = np.inf
        doubts = np.abs(quotients - derivative) / uncertain
        doubts[np.isnan(doubts)] = np.inf
    chosen = np.where(relative.min(0) < 0.1, relative.argmin(0), doubts.argmin(0))[None]
    return np.take_along_axis(quotients, chosen, 0)[0], np.take_along_axis(uncertain, chosen, 0)[0]


def compare_orders(name: str, z: Array, orders: Sequence[Callable[[Any], Array] | None]) -> Iterator[Comparison]:
    """Each of (g, g′, g″, …) but the first against differences of the one before, at z; None ends what is known."""
    for order, lower, upper in zip(("first", "second", "third"), orders, orders[1:]):
        if lower is not None and upper is not None:
            yield compare(f"{name}, {order} derivative", upper(z), each(lower, z), steps(np.abs(z).max()))


def compare(name: str, derivative: Any, function: Ends, steps: Sequence[Any], noise: Any = 0.0) -> Comparison:
    """Every number of `derivative` against its own differences, each judged by its own size."""
    derivative = np.atleast_1d(np.asarray(derivative, np.float64))
    if derivative.size == 0:
        return Comparison(name, 0.0, TOLERANCE)
    ends, middle = function
    difference, uncertain = _best_differences(derivative, ends, middle, steps, noise)
    size = np.maximum(np.abs(derivative), np.abs(difference))
    uncertain = uncertain + 1e-13 * size.max()
    with np.errstate(all="ignore"):
        error = np.where(size > 0, np.abs(derivative - difference) / size, 0.0)
        allowed = TOLERANCE + np.where(size > 0, 10 * uncertain / size, 0.0)
        allowed[np.isnan(allowed)], error[np.isnan(error)] = TOLERANCE, np.inf
        error[np.isinf(uncertain) & np.isfinite(derivative)] = 0.0
        worst = np.unravel_index(np.argmax(np.where(np.isinf(allowed), 0.0, error / allowed)), error.shape)
    return Comparison(name, float(error[worst]), float(allowed[worst]))
