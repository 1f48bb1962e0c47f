"""Pictures of a run, and of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .canvas import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..history import History


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
