"""What a network predicts beside what is true: a confusion matrix, and predictions against targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import plot_checks
from .canvas import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUMBERED = 25  # classes up to which every cell has its number


def confusion(y: ArrayLike, predicted: ArrayLike, ax: Axes | None = None, *, names: Sequence[str] | None = None) -> Axes:
    """The confusion matrix: how many samples of each class (a row) were taken for each class (a column).

    A cell's colour is the root of its share of the row, so that rare classes and single mistakes are visible too; its number is a
    count.

    Parameters
    ----------
    y : array_like [m]
        The true labels, class numbers or text.
    predicted : array_like [m]
        The predicted labels, of the same kind: of outputs [m, n], ``outputs.argmax(1)``.
    ax : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.
    names : sequence of str, optional
        Of class numbers: the names of classes 0, 1, …; of text: the labels in the order of rows and columns. The labels that occur,
        sorted, where None.

    Returns
    -------
    matplotlib.axes.Axes
        With the counts as its image's text, and the share of right predictions in its title.

    Raises
    ------
    ValueError, TypeError
        Where the labels do not fit each other or `names`.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> from engine import plot
    >>> ax = plot.confusion([0, 0, 1, 1], [0, 1, 1, 1], names=["cat", "dog"])
    >>> ax.get_title()
    '3 of 4 right (75.0 %)'
    """
    truth, found = plot_checks.labels(y, "y"), plot_checks.labels(predicted, "predicted")
    labels, shown = plot_checks.classes(truth, found, names)
    count = len(labels)
    order = np.argsort(labels, kind="stable")
    rows, columns = (order[np.searchsorted(labels, values, sorter=order)] for values in (truth, found))
    counts = np.zeros((count, count), np.int64)
    np.add.at(counts, (rows, columns), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(max(3.6, 1.6 + 0.45 * count), 11)
    ax = axes_for(ax, side + 0.4, side)
    from matplotlib.colors import PowerNorm

    ax.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    if count <= NUMBERED:
        size = min(11.0, 130 / count)
        for i, j in zip(*np.nonzero(counts)):
            colour = "white" if shares[i, j] > 0.35 else "black"
            ax.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=size, color=colour)
    every = -(-count // NUMBERED)
    long = max(map(len, shown)) * count > 60
    ax.set_xticks(range(0, count, every), shown[::every], rotation=90 if long else 0)
    ax.set_yticks(range(0, count, every), shown[::every])
    right = int((rows == columns).sum())
    ax.set(xlabel="predicted class", ylabel="true class", title=f"{right} of {len(rows)} right ({100 * right / len(rows):.1f} %)")
    return ax


def predictions(y: ArrayLike, predicted: ArrayLike, ax: Axes | None = None, *, names: Sequence[str] | None = None) -> Axes:
    """Predictions against targets: a perfect network's points lie on the diagonal.

    Parameters
    ----------
    y, predicted : array_like [m] or [m, n]
        Each output in its own colour.
    ax : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.
    names : sequence of str, optional
        One for each output.

    Returns
    -------
    matplotlib.axes.Axes
        With R² = 1 − Σ (u − y)² / Σ (y − ȳ)² of each output that is not constant.

    Raises
    ------
    ValueError, TypeError
        Where they are not alike or not finite.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> from engine import plot
    >>> ax = plot.predictions([0.0, 1.0, 2.0], [0.0, 1.0, 3.0])
    >>> ax.get_title()
    'R² = 0.500'
    """
    truth, found = plot_checks.pairs(y, predicted)
    m, n = truth.shape
    shown = plot_checks.output_names(names, n)
    spread = ((truth - truth.mean(0))**2).sum(0)
    scores = [f"R² = {1 - error / total:.3f}" if total > 0 else "" for error, total in zip(((found - truth)**2).sum(0), spread)]
    ax = axes_for(ax, 5, 4.6)
    low, high = min(truth.min(), found.min()), max(truth.max(), found.max())
    ax.plot([low, high], [low, high], color="0.5", linewidth=1, zorder=1)
    for i in range(n):
        ax.plot(truth[:, i], found[:, i], "o", markersize=4 if m < 500 else 2, alpha=0.6, markeredgewidth=0,
                label=f"{shown[i]} {scores[i]}".strip())
    ax.set(xlabel="target", ylabel="prediction")
    if n == 1:
        ax.set_title(scores[0])
    else:
        ax.legend()
    ax.grid(alpha=0.3)
    return ax
