"""Lines of a panel's parts, by plan; replaced file by file by `panel_sizes` and `places`."""

from .layout import panel_sizes
from .linked import kernel


@kernel
def stack_lines(plan):
    """Lines of a panel's stack."""
    return panel_sizes(plan, 1).stack


@kernel
def delta_lines(plan):
    """Lines of a panel's deltas."""
    return panel_sizes(plan, 1).deltas


@kernel
def top_line(plan):
    """The line of delta^L among them."""
    return panel_sizes(plan, 1).chain


@kernel
def chain_lines(plan):
    """Lines of one output's chain."""
    return panel_sizes(plan, 1).chain
