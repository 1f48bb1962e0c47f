"""The rows of a sweep."""

from __future__ import annotations

import csv
import math
import numbers
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeGuard

from . import sweep_checks as checks
from .typing import Row

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


class SweepResult:
    """A row for each run, in the order of the grid.

    Attributes
    ----------
    rows : list of dict
        The settings, what the run returned, and `error`: None, or the traceback of a run that raised.

    See Also
    --------
    sweep : Makes one.

    Examples
    --------
    >>> from schedulers import SweepResult
    >>> result = SweepResult([{"rate": 0.1, "cost": 3.0, "error": None}, {"rate": 1.0, "cost": float("nan"), "error": None}])
    >>> result.best("cost")["rate"]
    0.1
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, i: int) -> Row:
        return self.rows[i]

    def __repr__(self) -> str:
        return f"SweepResult({len(self.rows)} rows, {sum(row['error'] is not None for row in self.rows)} with an error)"

    def columns(self) -> list[str]:
        """The names in the rows, in the order in which they come, `error` last."""
        return [*dict.fromkeys(name for row in self.rows for name in row if name != "error"), "error"]

    def best(self, key: str, largest: bool = False) -> Row:
        """The row with the smallest finite number under `key`, or the largest; the first of equals.

        Raises
        ------
        ValueError
            Where no row has one.
        """
        checks.column(key, self.rows)
        found = checks.some_left([row for row in self.rows if is_finite(row.get(key))], key, self.rows)
        return (max if largest else min)(found, key=lambda row: row[key])

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame; pandas must be installed."""
        import pandas

        return pandas.DataFrame(self.rows, columns=self.columns())

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows to a CSV file with a header; what a row lacks, and None, is an empty cell."""
        with open(pathlib.Path(path), "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns())
            writer.writeheader()
            writer.writerows(self.rows)

    def plot(self, metric: str, setting: str, second: str | None = None, axes: Axes | None = None) -> Axes:
        """`metric` against one setting, with its mean at each value; or the mean at each pair of two as a heat map.

        Where most pairs occur once, as in a random sample, the runs are points of the plane, coloured by `metric`. Runs without a
        finite metric are left out. Matplotlib must be installed.

        Parameters
        ----------
        metric, setting : str
        second : str, optional
        axes : matplotlib.axes.Axes, optional
            Drawn on; new ones where None.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from .sweep_plot import plot_runs

        return plot_runs(self, metric, setting, second, axes)


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number that can be the best."""
    return isinstance(value, numbers.Real) and math.isfinite(value)
