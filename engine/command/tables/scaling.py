"""The scaling of a run: features shifted and divided to mean 0 and spread 1, and numeric targets likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 16  # a column that varies by so many units of rounding of its largest number is constant


@dataclass(frozen=True)
class Scaling:
    """What is subtracted from each column, and what it is divided by afterwards; both [columns], float64, each spread above 0."""

    center: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[Any]) -> Scaling:
        """The mean and the standard deviation of each column of `values` [m, columns], m at least 1; a spread of 1 where a column
        does not vary by more than the rounding of its own dtype.

        A column is first divided by a power of two near its largest number, which rounds nothing, so that squares neither overflow
        nor vanish.
        """
        values = np.asarray(values)
        eps = np.finfo(values.dtype).eps if values.dtype.kind == "f" else np.finfo(np.float64).eps
        values = values.astype(np.float64)
        largest = np.abs(values).max(0)
        exponent = np.frexp(largest)[1]
        unit = _shifted(values, -exponent)
        low, high = unit.min(0), unit.max(0)
        constant = high - low <= ROUNDING * eps * np.abs(unit).max(0)
        center = np.where(low == high, low, unit.mean(0))
        spread = np.where(constant, 1.0, np.maximum(_shifted(unit.std(0), exponent), np.nextafter(0.0, 1.0)))
        return cls(_shifted(center, exponent), spread)

    @classmethod
    def none(cls, columns: int) -> Scaling:
        """One that changes nothing."""
        return cls(np.zeros(columns), np.ones(columns))

    def with_log_variances(self) -> Scaling:
        """That of twice as many columns: means of what is scaled so, and log variances of it, which are shifted by 2 log spread."""
        return Scaling(np.concatenate([self.center, 2 * np.log(self.spread)]),
                       np.concatenate([self.spread, np.ones(len(self.spread))]))

    def first(self, columns: int) -> Scaling:
        """That of the first columns alone."""
        return Scaling(self.center[:columns], self.spread[:columns])

    def to_json(self) -> dict[str, list[float]]:
        """Its numbers in lists, exact to the last bit."""
        return {"center": self.center.tolist(), "spread": self.spread.tolist()}

    @classmethod
    def from_json(cls, found: dict[str, list[float]]) -> Scaling:
        """The Scaling that `to_json` described."""
        return cls(np.array(found["center"], np.float64), np.array(found["spread"], np.float64))

    def applied(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """(values − center) / spread, computed at a power of two where nothing overflows on the way."""
        exponent = np.frexp(np.maximum(np.abs(self.center), self.spread))[1]
        with np.errstate(over="ignore"):
            return ((_shifted(np.asarray(values, np.float64), -exponent) - _shifted(self.center, -exponent))
                    / _shifted(self.spread, -exponent))


def _shifted(values: NDArray[Any], exponent: NDArray[np.int_]) -> NDArray[np.float64]:
    """values × 2^exponent, in two steps where 2^exponent itself would be no number."""
    half = exponent // 2
    return np.ldexp(np.ldexp(values, half), exponent - half)
