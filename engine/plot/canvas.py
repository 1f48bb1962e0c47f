"""New axes, and what all pictures share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..extras import imported
from . import plot_checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_for(ax: Axes | None, width: float = 6.4, height: float = 4.4) -> Axes:
    """`ax`, checked, or new axes where it is None.

    New ones belong to pyplot where a script or a notebook uses it, so that they are shown as others are; else to a figure of their
    own, which nothing keeps once it is no longer used.
    """
    imported("matplotlib", "a plot")
    if ax is not None:
        from matplotlib.axes import Axes

        return plot_checks.axes(ax, Axes)
    if "matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules:
        import matplotlib.pyplot as plt

        return plt.figure(figsize=(width, height), layout="constrained").add_subplot()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()
