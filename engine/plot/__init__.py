"""Pictures, by Matplotlib: each function draws on the axes it is given, or on new ones, and returns them."""

from .agreement import confusion, predictions
from .runs import plot_history

__all__ = ["confusion", "plot_history", "predictions"]
