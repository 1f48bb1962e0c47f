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
DECADES = 1e3  # a logarithmic scale below this factor has ticks at 1, 2 and 5, written without powers of ten
ASIDE = 0.5  # of the distance between two values that are no numbers, over which the values of a second setting spread


def plot_runs(result: SweepResult, metric: str, setting: str, second: str | None, axes: Axes | None, kind: str | None,
              largest: bool) -> Axes:
    """`metric` against `setting`, and `second` where it is not None, of a SweepResult's rows; the axes."""
    plane = None if second is None else Plane(result, metric, setting, second)
    rows = rows_with(result, metric, setting)
    if axes is None:
        from matplotlib.figure import Figure

        axes = Figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    others = _others(result, setting, second)
    if second is None or plane is None or kind == "lines":
        rows = [row for row in rows if is_finite(row.get(metric)) and (second is None or second in row)]
        x = Axis([row[setting] for row in rows])
        repeated = _lines(axes, x, np.array([row[metric] for row in rows], float),
                          None if second is None else Axis([row[second] for row in rows]), second)
        axes.set_ylabel(f"{metric}, mean over {others}" if others and repeated else metric)
        _mark(axes, "x", x, setting)
        return axes
    if kind == "points" or kind is None and plane.means.size > 2 * len(plane.values):
        drawn, others = _points(axes, plane, largest), ""
        for which, axis, name in (("x", plane.x, setting), ("y", plane.y, second)):
            _mark(axes, which, axis, name)
    else:
        drawn = _map(axes, plane, largest)
        axes.set_xticks(range(len(plane.x.shown)), plane.x.labels)
        axes.set_yticks(range(len(plane.y.shown)), plane.y.labels)
        axes.set(xlabel=setting, ylabel=second)
    bar = axes.figure.colorbar(drawn, ax=axes, label=f"{metric}, mean over {others}" if others and plane.runs.max() > 1 else metric)
    if spans_decades(drawn.get_clim()) and drawn.norm.vmax < DECADES * drawn.norm.vmin:
        _plain_ticks(bar.ax.yaxis)
    return axes


def _others(result: SweepResult, *settings: str | None) -> str:
    """The names of the other settings that vary."""
    return ", ".join(name for name in result.settings or () if name not in settings
                     and len({repr(row.get(name)) for row in result.rows}) > 1)


def _lines(axes: Axes, x: Axis, values: NDArray[Any], second: Axis | None, name: str | None) -> bool:
    """The runs as points, their mean as a line and their spread as a band, for each value of `second`; whether any are repeated.

    Where the values along the axis are no numbers, the mean is a dash and the spread a bar.
    """
    import matplotlib

    count = 1 if second is None else len(second.shown)
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, count)) if count > 1 else ["C0"]
    repeated = False
    for i, colour in enumerate(colours):
        mine = np.full(len(values), True) if second is None else second.cells == i
        places, label = np.unique(x.places[mine]), None if second is None else second.labels[i]
        runs = [values[mine & (x.places == place)] for place in places]
        means, low, high = ([function(run) for run in runs] for function in (np.mean, np.min, np.max))
        repeated = repeated or any(len(run) > 1 for run in runs)
        aside = 0.0 if x.numeric else ASIDE * (i - (count - 1) / 2) / count
        axes.plot(x.places[mine] + aside, values[mine], "o", color=colour, alpha=0.4, markersize=4)
        axes.plot(places + aside, means, "-" if x.numeric else "_", color=colour, label=label, markersize=14, markeredgewidth=2.5)
        if x.numeric and repeated:
            axes.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
        elif repeated:
            axes.vlines(places + aside, low, high, color=colour, alpha=0.4, linewidth=2)
    if spans_decades(values):
        axes.set_yscale("log")
        if values.max() < DECADES * values.min():
            _plain_ticks(axes.yaxis)
    if second is not None:
        axes.legend(title=name, fontsize="small")
    if not x.numeric:
        axes.margins(x=0.1)
    axes.grid(alpha=0.3)
    return repeated


def _map(axes: Axes, plane: Plane, largest: bool) -> Any:
    """A heat map with numbers, the best framed; what failed says so."""
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
                axes.text(j, i, f"{mean:.3g}{part}" if plane.counts[i, j] else "failed", ha="center", va="center", fontsize="small",
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
        found.minorticks_off()
    found.set_ticks(axis.shown if axis.numeric else range(len(axis.shown)), axis.labels)


def _plain_ticks(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
