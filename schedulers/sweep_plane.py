"""The values of settings along axes, and the mean of a metric at each pair of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import result_checks as checks
from .results import SweepResult, is_finite
from .typing import Row

WIDE = 20  # numbers that differ by this factor, and are all positive, have a logarithmic scale


class Axis:
    """A setting's values: numbers in their order, or whatever else in the order in which they come.

    Attributes
    ----------
    shown : list
        Each value once, as a number or a text.
    labels : list of str
        The same as text.
    cells : int array
        The place of each row's value in `shown`.
    places : array
        Where each row lies: its number, or its cell.
    """

    def __init__(self, column: list[Any]) -> None:
        self.numeric = all(is_finite(value) and not isinstance(value, bool) for value in column)
        names = column if self.numeric else [str(value) for value in column]
        self.shown = sorted(set(names)) if self.numeric else list(dict.fromkeys(names))
        self.labels = [f"{value:.4g}" if self.numeric else value for value in self.shown]
        order = {value: i for i, value in enumerate(self.shown)}
        self.cells = np.array([order[name] for name in names])
        self.places = np.array(column, float) if self.numeric else self.cells

    @property
    def wide(self) -> bool:
        """Whether its numbers are far enough apart for a logarithmic scale."""
        return self.numeric and spans_decades(self.places)


def spans_decades(values: Any) -> bool:
    """Whether numbers, NaN left out, are positive and differ by so much that a picture shows their logarithms."""
    return bool(np.nanmin(values) > 0 and np.nanmax(values) >= WIDE * np.nanmin(values))


def rows_with(result: SweepResult, metric: str, *settings: str) -> list[Row]:
    """The rows that have these settings; a ValueError where none of them has a finite metric, or there is no such column."""
    for name in (metric, *settings):
        checks.column(name, result.rows)
    rows = [row for row in result.rows if all(name in row for name in settings)]
    checks.some_left([row for row in rows if is_finite(row.get(metric))], metric, result.rows)
    return rows


class Plane:
    """The mean of a metric at each pair of values of two settings.

    Attributes
    ----------
    x, y : Axis
        Of the rows that have both settings, those without a finite metric too.
    values : array
        The metric of these rows, NaN where it is not finite.
    runs, counts : int array [values of y, values of x]
        How many rows there are, and how many of them have a finite metric.
    means : array [values of y, values of x]
        NaN where there is no finite metric.
    """

    def __init__(self, result: SweepResult, metric: str, setting: str, second: str) -> None:
        rows = rows_with(result, metric, setting, second)
        self.values = np.array([row[metric] if is_finite(row.get(metric)) else np.nan for row in rows], float)
        self.x, self.y = Axis([row[setting] for row in rows]), Axis([row[second] for row in rows])
        finite = np.isfinite(self.values)
        shape = len(self.y.shown), len(self.x.shown)
        sums, self.runs, self.counts = np.zeros(shape), np.zeros(shape, int), np.zeros(shape, int)
        np.add.at(self.runs, (self.y.cells, self.x.cells), 1)
        np.add.at(self.counts, (self.y.cells[finite], self.x.cells[finite]), 1)
        np.add.at(sums, (self.y.cells[finite], self.x.cells[finite]), self.values[finite])
        self.means = np.where(self.counts > 0, sums / np.maximum(self.counts, 1), np.nan)

    def best(self, largest: bool) -> tuple[int, int]:
        """The cell with the smallest mean, or the largest, among those with the most finite runs."""
        means = np.where(self.counts == self.counts.max(), self.means, np.nan)
        i, j = np.unravel_index(np.nanargmax(means) if largest else np.nanargmin(means), means.shape)
        return int(i), int(j)
