"""Pictures, by Matplotlib: each function draws on the axes it is given, or on new ones, and returns them."""

from .agreement import confusion, predictions
from .jacobians import chain_norms, jacobian_spectrum, ntk
from .landscapes import landscape
from .runs import plot_history, sweep

__all__ = ["chain_norms", "confusion", "jacobian_spectrum", "landscape", "ntk", "plot_history", "predictions", "sweep"]
