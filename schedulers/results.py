"""The rows of a sweep."""

from __future__ import annotations

import csv
import math
import numbers
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from . import result_checks as checks
from .notebook import html_table
from .text_table import text_table
from .typing import Row

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


class SweepResult:
    """A row for each run, in the order of the grid.

    Parameters
    ----------
    rows : iterable of dict
        The settings, what the run returned, and `error`.
    settings : iterable of str, optional
        Which names in the rows are settings. `sweep` and `load_sweep` know them.

    Attributes
    ----------
    rows : list of dict
        The settings, what the run returned, and `error`: None, or the traceback of a run that raised.
    settings : list of str or None
        The names of the settings; None where they are not known.

    See Also
    --------
    sweep : Makes one.

    Examples
    --------
    >>> from schedulers import SweepResult
    >>> result = SweepResult([{"rate": 0.1, "cost": 3.0, "error": None}, {"rate": 1.0, "cost": float("nan"), "error": None}])
    >>> result.best("cost")["rate"]
    0.1
    >>> result
    SweepResult(2 rows, 0 with an error)
    rate  cost
     0.1     3
       1   nan
    """

    def __init__(self, rows: Iterable[Row], settings: Iterable[str] | None = None) -> None:
        self.rows = list(rows)
        self.settings = checks.setting_names(settings)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, i: int) -> Row:
        return self.rows[i]

    def __repr__(self) -> str:
        return "\n".join([self._caption(), *text_table(*self._cells())])

    def _repr_html_(self) -> str:
        return html_table(*self._cells(), self._caption())

    def _caption(self) -> str:
        rows = "1 row" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        return f"SweepResult({rows}, {len(self.failed)} with an error)"

    def _cells(self) -> tuple[list[str], list[list[Any]]]:
        """The rows as they are shown: of an error its last line, in a column that is there where a row has one."""
        names = self.columns() if self.failed else self.columns()[:-1]
        return names, [[_last_line(row["error"]) if name == "error" else row.get(name, "") for name in names] for row in self.rows]

    def columns(self) -> list[str]:
        """The names in the rows, in the order in which they come, `error` last."""
        return [*dict.fromkeys(name for row in self.rows for name in row if name != "error"), "error"]

    @property
    def failed(self) -> SweepResult:
        """The rows that have an error."""
        return SweepResult((row for row in self.rows if row["error"] is not None), self.settings)

    def best(self, key: str, largest: bool = False, *, over: str | Sequence[str] | None = None) -> Row:
        """The row with the smallest finite number under `key`, or the largest; the first of equals.

        Parameters
        ----------
        key : str
            A column.
        largest : bool
            Whether the largest is the best.
        over : str or sequence of str, optional
            Settings, such as the seed, over which `group` takes the mean first. Only groups with the most finite numbers under
            `key` can be the best: one whose other runs diverged, or are not finished, cannot.

        Returns
        -------
        dict
            A row; with `over` one of `group`.

        Raises
        ------
        ValueError, TypeError
            Where no row has a finite number, or `over` names no settings.
        """
        checks.column(key, self.rows)
        rows, name = self.rows, key
        if over is not None:
            name = f"{key}_mean"
            rows = [row for row in self.group(over) if name in row]
            most = max((row[f"{key}_count"] for row in rows), default=0)
            rows = [row for row in rows if row[f"{key}_count"] == most]
        found = checks.some_left([row for row in rows if is_finite(row.get(name))], key, self.rows)
        return (max if largest else min)(found, key=lambda row: row[name])

    def group(self, over: str | Sequence[str]) -> SweepResult:
        """Take the rows that differ in the settings `over` alone, such as the seed, as one.

        Parameters
        ----------
        over : str or sequence of str

        Returns
        -------
        SweepResult
            A row for each combination of the other settings, with three columns for each column x of numbers: `x_mean` and `x_std`,
            the sample's standard deviation (with n − 1, NaN of one number), of the finite numbers, and `x_count`, how many these
            are. Its `error` is None where one of the runs has none.

        Raises
        ------
        ValueError, TypeError
            Where `over` names no settings, or it is not known which columns are settings.

        Examples
        --------
        >>> from schedulers import SweepResult
        >>> rows = [{"rate": rate, "seed": seed, "cost": rate + seed, "error": None} for rate in (0.5, 1.0) for seed in (0, 2)]
        >>> SweepResult(rows, settings=["rate", "seed"]).group(over="seed")
        SweepResult(2 rows, 0 with an error)
        rate  cost_mean  cost_std  cost_count
         0.5        1.5     1.414           2
           1          2     1.414           2
        """
        from .grouping import grouped

        _, by = checks.group_over(over, self.settings, self.rows)
        return grouped(self.rows, self.settings or (), by)

    def pivot(self, metric: str, setting: str, second: str) -> pandas.DataFrame:
        """The mean of `metric` at each pair of values of two settings, as a table; pandas must be installed.

        Parameters
        ----------
        metric, setting, second : str
            Columns. The values of `setting` name the rows of the table, those of `second` its columns: numbers in their order,
            anything else in the order in which it comes.

        Returns
        -------
        pandas.DataFrame
            NaN at a pair without a finite number.

        Raises
        ------
        ValueError
            Where no row has such a column, or none has a finite number under `metric`.
        """
        import pandas

        from .sweep_plane import Plane

        plane = Plane(self, metric, second, setting)
        return pandas.DataFrame(plane.means, pandas.Index(plane.y.shown, name=setting), pandas.Index(plane.x.shown, name=second))

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

    def plot(self, metric: str, setting: str, second: str | None = None, axes: Axes | None = None, *, kind: str | None = None,
             largest: bool = False) -> Axes:
        """Draw `metric` against one setting or two.

        Matplotlib must be installed. Scales are logarithmic where positive numbers differ by a factor of 20 or more.

        Parameters
        ----------
        metric, setting : str
        second : str, optional
            Another setting.
        axes : matplotlib.axes.Axes, optional
            Drawn on; new ones where None.
        kind : {"lines", "map", "points"}, optional
            "lines", the default for one setting: the mean at each value of `setting`, with a band from the smallest to the largest
            run, for each value of `second`.
            "map", the default for two: the mean at each pair of values as a heat map with numbers; the best is framed, "failed"
            stands where no run of a pair has a finite number, and "1 of 3" where one of three has.
            "points", the default where most pairs occur once, as in a random sample: the runs in the plane, the best with a ring.
        largest : bool
            Whether the largest is the best.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        ValueError, TypeError
            Where no row has such a column, none has a finite number under `metric`, or there is no such kind.
        """
        from .sweep_plot import plot_runs

        return plot_runs(self, metric, setting, second, axes, checks.plot_kind(kind, second), largest)


def is_finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number that can be the best."""
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _last_line(error: str | None) -> str:
    return (error or "").strip().rpartition("\n")[2]
