"""Pictures of a sweep, by Matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .results import SweepResult, is_finite
from .sweep_plane import Axis, Plane, rows_with, spans_decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUMBERED = 200  # cells of a heat map up to which each has its number
TICKS = 9  # values of a setting up to which each has its tick
GAP = 0.05  # of an axis, that lies between two ticks at least


def plot_runs(result: SweepResult, metric: str, setting: str, second: str | None, axes: Axes | None, kind: str | None,
              largest: bool) -> Axes:
    """`metric` against `setting`, and `second` where it is not None, of a SweepResult's rows; the axes."""
    plane = None if second is None else Plane(result, metric, setting, second)
    rows = rows_with(result, metric, setting)
    if axes is None:
        from matplotlib.figure import Figure

        axes = Figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    label = _label(result, metric, setting, second)
    if second is None or plane is None or kind == "lines":
        rows = [row for row in rows if is_finite(row.get(metric)) and (second is None or second in row)]
        _lines(axes, Axis([row[setting] for row in rows]), np.array([row[metric] for row in rows], float),
               None if second is None else Axis([row[second] for row in rows]), second)
        axes.set_ylabel(label)
        _mark(axes, "x", Axis([row[setting] for row in rows]), setting)
        return axes
    if kind == "points" or kind is None and plane.means.size > 2 * len(plane.values):
        drawn = _points(axes, plane, largest)
        for which, axis, name in (("x", plane.x, setting), ("y", plane.y, second)):
            _mark(axes, which, axis, name)
        label = metric
    else:
        drawn = _map(axes, plane, largest)
        axes.set_xticks(range(len(plane.x.shown)), plane.x.labels)
        axes.set_yticks(range(len(plane.y.shown)), plane.y.labels)
        axes.set(xlabel=setting, ylabel=second)
    axes.figure.colorbar(drawn, ax=axes, label=label)
    return axes


def _label(result: SweepResult, metric: str, *settings: str | None) -> str:
    """The metric's name, and over what its mean is taken: the other settings that vary."""
    others = [name for name in result.settings or () if name not in settings
              and len({repr(row.get(name)) for row in result.rows}) > 1]
    return f"{metric}, mean over {', '.join(others)}" if others else metric


def _lines(axes: Axes, x: Axis, values: NDArray[Any], second: Axis | None, name: str | None) -> None:
    """The runs as points, their mean as a line and their spread as a band, for each value of `second`."""
    import matplotlib

    count = 1 if second is None else len(second.shown)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, count)) if count > 1 else ["C0"]
    for i, colour in enumerate(colours):
        mine = np.full(len(values), True) if second is None else second.cells == i
        places = np.unique(x.places[mine])
        runs = [values[mine & (x.places == place)] for place in places]
        axes.plot(x.places[mine], values[mine], "o", color=colour, alpha=0.4, markersize=4)
        axes.plot(places, [run.mean() for run in runs], "-", color=colour, label=None if second is None else second.labels[i])
        if any(len(run) > 1 for run in runs):
            low, high = [run.min() for run in runs], [run.max() for run in runs]
            axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
    if spans_decades(values):
        axes.set_yscale("log")
    if second is not None:
        axes.legend(title=name, fontsize="small")
    axes.grid(alpha=0.3)


def _map(axes: Axes, plane: Plane, largest: bool) -> Any:
    """A heat map with numbers, the best framed; what failed has a cross."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    drawn = axes.imshow(plane.means, origin="lower", aspect="auto", norm=_norm(plane.means),
                        cmap=colormaps["viridis"].with_extremes(bad="0.92"))
    best = plane.best(largest)
    if plane.means.size <= NUMBERED:
        for (i, j), mean in np.ndenumerate(plane.means):
            if plane.runs[i, j]:
                red, green, blue, _ = drawn.cmap(drawn.norm(mean)) if plane.counts[i, j] else (1, 1, 1, 1)
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                part = f"\n{plane.counts[i, j]} of {plane.runs[i, j]}" if 0 < plane.counts[i, j] < plane.runs[i, j] else ""
                axes.text(j, i, f"{mean:.3g}{part}" if plane.counts[i, j] else "×", ha="center", va="center", fontsize="small",
                          color="white" if dark else "black", fontweight="bold" if (i, j) == best else "normal")
    corner = best[1] - 0.5, best[0] - 0.5
    axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="C3", linewidth=3, clip_on=False, zorder=3))
    return drawn


def _points(axes: Axes, plane: Plane, largest: bool) -> Any:
    """The runs as points of the plane, those that failed as crosses, the best with a ring."""
    finite = np.isfinite(plane.values)
    x, y, values = plane.x.places[finite], plane.y.places[finite], plane.values[finite]
    if not finite.all():
        axes.plot(plane.x.places[~finite], plane.y.places[~finite], "x", color="0.6", markersize=5, zorder=1)
    drawn = axes.scatter(x, y, c=values, norm=_norm(values), zorder=2)
    best = np.argmax(values) if largest else np.argmin(values)
    axes.plot(x[best], y[best], "o", markersize=12, markerfacecolor="none", markeredgecolor="C3", markeredgewidth=2, zorder=3)
    axes.grid(alpha=0.3)
    return drawn


def _norm(values: NDArray[Any]) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    return (LogNorm if spans_decades(values) else Normalize)(np.nanmin(values), np.nanmax(values))


def _mark(axes: Axes, which: str, axis: Axis, name: str) -> None:
    """Label an axis; its scale is logarithmic where the numbers are far apart, its ticks are the values where these are few."""
    found = getattr(axes, f"{which}axis")
    found.set_label_text(name)
    if axis.wide:
        getattr(axes, f"set_{which}scale")("log")
    if axis.numeric:
        places = np.log(axis.shown) if axis.wide else np.array(axis.shown, float)
        span = places[-1] - places[0]
        if len(places) > TICKS or len(places) > 1 and np.diff(places).min() < GAP * span:
            return
        found.set_minor_locator(_none())
    found.set_ticks(axis.shown if axis.numeric else range(len(axis.shown)), axis.labels)


def _none() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
