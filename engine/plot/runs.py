"""Pictures of a run, and of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedulers import SweepResult

from . import plot_checks
from .canvas import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..history import History


def sweep(result: SweepResult, metric: str, setting: str, second: str | None = None, ax: Axes | None = None, *,
          kind: str | None = None, largest: bool = False) -> Axes:
    """A metric of a sweep against one setting, or over two as a heat map: `SweepResult.plot` on `ax`.

    Parameters
    ----------
    result : SweepResult
    metric, setting : str
        Columns of its rows.
    second : str, optional
        A second setting.
    ax : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.
    kind : {"lines", "map", "points"}, optional
        As `SweepResult.plot` has it.
    largest : bool
        Whether the largest is the best.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        Where `result` is no SweepResult, a column does not exist, or no run has a finite metric.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> from engine import plot
    >>> from schedulers import SweepResult
    >>> rows = [{"rate": rate, "cost": rate**2, "error": None} for rate in (0.1, 0.2, 0.3)]
    >>> plot.sweep(SweepResult(rows), "cost", "rate").get_ylabel()
    'cost'
    """
    plot_checks.sweep_result(result, SweepResult)
    return result.plot(metric, setting, second, axes_for(ax), kind=kind, largest=largest)


def plot_history(history: History, axes: Axes | None = None) -> Axes:
    """The cost, and the validation cost where there is one, against the epoch.

    Parameters
    ----------
    history : History
    axes : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        Where Matplotlib is not installed.
    """
    columns = history.columns()
    axes = axes_for(axes)
    axes.plot(columns["epoch"], columns["cost"], label="cost")
    if (columns["validation_cost"] == columns["validation_cost"]).any():
        axes.plot(columns["epoch"], columns["validation_cost"], label="validation cost")
    axes.set(xlabel="epoch", ylabel="cost")
    if (columns["cost"] > 0).all():
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend()
    return axes
