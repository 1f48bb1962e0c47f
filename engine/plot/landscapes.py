"""The cost around a network's parameters, on a plane through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, object_checks
from ..cost import Cost
from ..network import Network
from . import plot_checks
from .canvas import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECADES = 1.0  # of the cost, from which on its scale is logarithmic
LEVELS = 24


def landscape(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, ax: Axes | None = None, *, directions: Any = None,
              path: ArrayLike | None = None, span: float = 1.0, points: int = 31, seed: int = 0) -> Axes:
    """The cost C(θ + α u + β v) over a plane around θ (Li et al. 2018, arXiv 1712.09913).

    The directions u and v are the two given; or the two in which `path` extends most; or random ones, each row of each W^l scaled
    to the norm of θ's row and biases left as they are, so that a network whose weights are scaled up looks no flatter than it is.

    Parameters
    ----------
    network, X, y, cost
        As `engine.value_and_gradient` takes them; X and y in memory.
    ax : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.
    directions : pair of array_like [P], optional
        u and v.
    path : array_like [k, P], optional
        Parameters on the way to θ, one row for each, drawn as a line: what a callback of `fit` collected, say.
    span : float
        α and β reach from −span to span; with a path, as far as the path and `span` of its extent beyond.
    points : int
        Along each side; the cost is computed points² times.
    seed : int
        Of random directions.

    Returns
    -------
    matplotlib.axes.Axes
        Where the cost is not finite the plane is left white. Its scale is logarithmic where the cost spans decades.

    Raises
    ------
    ValueError, TypeError
        Where an argument does not fit the network, the loss or the others.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, plot
    >>> network = Network((1, 1), ("identity",), np.array([1.0, 0.0]))
    >>> X = np.array([[-1.0], [1.0]])
    >>> ax = plot.landscape(network, X, X, Cost("squared_error"), directions=[[1, 0], [0, 1]], points=5)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('α', 'β')
    """
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost)
    X = checks.samples(X, network.widths[0], network.dtype)
    targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
    points, span = checks.whole_number(points, "points", 2), checks.positive(span, "span")
    theta = network.parameters.astype(np.float64)
    steps = None if path is None else plot_checks.path(path, network.size) - theta
    if directions is not None:
        plane = plot_checks.directions(directions, network.size)
    else:
        plane = random_plane(network, checks.generator(seed)) if steps is None else plane_of(steps)
    sides = [np.linspace(-span, span, points)] * 2
    places = None
    if steps is not None:
        places = np.linalg.lstsq(plane.T, steps.T, rcond=None)[0]
        sides = [_around(places[i], span, points) for i in (0, 1)]
    with np.errstate(all="ignore"):
        values = np.array([[_cost(network, theta + alpha * plane[0] + beta * plane[1], X, targets, cost) for alpha in sides[0]]
                           for beta in sides[1]])
    ax = axes_for(ax, 5.8, 4.6)
    _draw(ax, sides, np.ma.masked_invalid(values))
    if places is not None:
        ax.plot(places[0], places[1], ".-", color="white", linewidth=1, markersize=3)
    ax.plot(0, 0, "*", color="red", markersize=12, markeredgecolor="white")
    ax.set(xlabel="α", ylabel="β")
    return ax


def random_plane(network: Network, generator: np.random.Generator) -> NDArray[np.float64]:
    """Two random directions [2, P], each row of W^l as long as θ's, 0 in biases."""
    plane = np.zeros((2, network.size))
    for l in range(1, network.depth + 1):
        W = network.weight(l)
        for direction in plane:
            drawn = generator.standard_normal(W.shape)
            drawn *= np.linalg.norm(W, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
            direction[network.kernels.layout.weight_slice(l)] = drawn.reshape(-1)
    return plane


def plane_of(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two directions [2, P] in which a path [k, P] extends most, orthonormal: its first right singular vectors."""
    return np.linalg.svd(steps, full_matrices=False)[2][:2]


def _around(places: NDArray[np.float64], span: float, points: int) -> NDArray[np.float64]:
    """Points that reach from the least place or 0 to the largest, and beyond."""
    low, high = min(places.min(), 0), max(places.max(), 0)
    beyond = span * 0.2 * (high - low) or span
    return np.linspace(low - beyond, high + beyond, points)


def _cost(network: Network, theta: NDArray[np.float64], X: Any, targets: Any, cost: Cost) -> float:
    theta = theta.astype(network.dtype)
    outputs = network.replace(theta)(X) if np.isfinite(theta).all() else np.full(1, np.nan)
    return float(cost.reduce(cost.losses_and_gradients(outputs, targets)[0])[0]) if np.isfinite(outputs).all() else np.nan


def _draw(ax: Axes, sides: list[NDArray[np.float64]], values: Any) -> None:
    """Filled contours, in powers where the cost spans decades."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import LogLocator

    if values.count() == 0:
        ax.set_title("the cost is nowhere finite")
        return
    low, high = float(values.min()), float(values.max())
    logarithmic = low > 0 and np.log10(high / low) > DECADES
    high = high if high > low else low + 1
    levels = np.geomspace(low, high, LEVELS) if logarithmic else np.linspace(low, high, LEVELS)
    drawn = ax.contourf(*sides, values, levels=levels, norm=(LogNorm if logarithmic else Normalize)(low, high), cmap="viridis")
    ax.figure.colorbar(drawn, ax=ax, label="cost", format="%.2g", ticks=LogLocator(subs=(1.0, 2.0, 5.0)) if logarithmic else None)
