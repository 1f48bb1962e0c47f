"""Pictures of a sweep, by Matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import sweep_checks as checks
from .results import SweepResult, is_finite

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 50  # a setting whose values differ by this factor has a logarithmic axis


def plot_runs(result: SweepResult, metric: str, setting: str, second: str | None, axes: Axes | None) -> Axes:
    """`metric` against `setting`, and `second` where it is not None, of a SweepResult's rows; the axes."""
    names = [name for name in (metric, setting, second) if name is not None]
    for name in names:
        checks.column(name, result.rows)
    rows = [row for row in result.rows if is_finite(row.get(metric)) and all(name in row for name in names)]
    checks.some_left(rows, metric, result.rows)
    if axes is None:
        from matplotlib.figure import Figure

        axes = Figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    values = np.array([row[metric] for row in rows], float)
    x = _Axis([row[setting] for row in rows])
    if second is None:
        axes.plot(x.places, values, "o", alpha=0.5)
        axes.plot(np.unique(x.places), [values[x.places == place].mean() for place in np.unique(x.places)], "-")
        x.mark(axes.xaxis, axes.set_xscale, setting)
        axes.set_ylabel(metric)
        axes.grid(alpha=0.3)
        return axes
    y = _Axis([row[second] for row in rows])
    if len(x.values) * len(y.values) > 2 * len(rows):
        drawn = axes.scatter(x.places, y.places, c=values)
        x.mark(axes.xaxis, axes.set_xscale, setting)
        y.mark(axes.yaxis, axes.set_yscale, second)
    else:
        means = np.full((len(y.values), len(x.values)), np.nan)
        for i, j in {(i, j) for i, j in zip(y.cells, x.cells)}:
            means[i, j] = values[(y.cells == i) & (x.cells == j)].mean()
        drawn = axes.imshow(means, origin="lower", aspect="auto")
        for axis, found, name in ((axes.xaxis, x, setting), (axes.yaxis, y, second)):
            axis.set_ticks(range(len(found.values)), found.labels)
            axis.set_label_text(name)
    axes.figure.colorbar(drawn, ax=axes, label=metric)
    return axes


class _Axis:
    """A setting's values: numbers in their order, or whatever else in the order in which they come."""

    def __init__(self, column: list[Any]) -> None:
        self.numeric = all(is_finite(value) and not isinstance(value, bool) for value in column)
        names = column if self.numeric else [str(value) for value in column]
        self.values = sorted(set(names)) if self.numeric else list(dict.fromkeys(names))
        self.labels = [f"{value:.4g}" if self.numeric else value for value in self.values]
        self.cells = np.array([self.values.index(name) for name in names])
        self.places = np.array(column, float) if self.numeric else self.cells

    def mark(self, axis: Any, set_scale: Callable[[str], object], name: str) -> None:
        """Label a Matplotlib axis, its scale logarithmic where the numbers are far apart."""
        axis.set_label_text(name)
        if not self.numeric:
            axis.set_ticks(range(len(self.values)), self.labels)
        elif self.values[0] > 0 and self.values[-1] >= WIDE * self.values[0]:
            set_scale("log")
