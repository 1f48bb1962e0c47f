"""The history of a run: a row for each epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schedulers.notebook import cell_text, html_table

from .files import replacing
from .typing import Path, Row

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes


class History:
    """The rows of a run, a dict for each epoch.

    epoch (from 0), batch_steps (in the epoch), cost (the mean of the batch costs, each before its update),
    validation_cost (NaN without validation), seconds.

    See Also
    --------
    fit : Makes one.
    engine.plot.plot_history : Its picture.

    Examples
    --------
    >>> from engine.history import History
    >>> history = History([{"epoch": 0, "cost": 2.0}, {"epoch": 1, "cost": 1.0}])
    >>> history.columns()["cost"]
    array([2., 1.])
    """

    NAMES = ("epoch", "batch_steps", "cost", "validation_cost", "seconds")

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows = list(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, i: int) -> Row:
        return self.rows[i]

    def __repr__(self) -> str:
        if not self.rows:
            return "History(0 epochs)"
        first, last = self.rows[0], self.rows[-1]
        costs = [f"{name} {cell_text(first[name])} → {cell_text(last[name])}" for name in ("cost", "validation_cost")
                 if first.get(name) == first.get(name) is not None and name in last]
        return f"History({', '.join([f'{len(self)} epochs' if len(self) > 1 else '1 epoch', *costs])})"

    def _repr_html_(self) -> str:
        names = list(self.columns())
        return html_table(names, [[row.get(name, "") for name in names] for row in self.rows], repr(self))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The rows as arrays by name, with NaN where a row lacks what others have."""
        names = dict.fromkeys(name for row in self.rows for name in row) if self.rows else self.NAMES
        return {name: _column([row.get(name, float("nan")) for row in self.rows]) for name in names}

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame. pandas must be installed."""
        import pandas

        return pandas.DataFrame(self.columns())

    def plot(self, axes: Axes | None = None) -> Axes:
        """Plot the cost against the epoch and give the axes. Matplotlib must be installed."""
        from .plot import plot_history

        return plot_history(self, axes)

    def save_csv(self, path: Path) -> None:
        """Write the rows to a CSV file with a header, in UTF-8. The file is replaced whole or not at all."""
        with replacing(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
            writer = csv.writer(text)
            columns = self.columns()
            writer.writerow(columns)
            writer.writerows(zip(*(column.tolist() for column in columns.values())))
            text.detach()


def _column(values: list[Any]) -> NDArray[Any]:
    """One value of every row as an array, of objects where the values are not alike."""
    try:
        return np.array(values)
    except ValueError:
        column = np.empty(len(values), object)
        column[:] = values
        return column
