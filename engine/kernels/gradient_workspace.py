"""The workspace of one thread that goes forward and back block by block."""

from typing import NamedTuple

from .layout import LOSS_LINES, TARGET_LINES, line, padded, panel_sizes
from .levels import chunk_blocks
from .linked import kernel
from .outer_products import outer_scratch_size
from .signatures import Line, Table
from .simd import lanes_of


class GradientWorkspace(NamedTuple):
    """What a block of samples takes."""

    stack: Line  # [panels][lines of a stack]
    delta: Line  # [panels][lines of deltas]
    scratch: Line  # packed factors
    targets: Line  # [panels][n or 2 n][lanes]
    losses: Line  # [panels][lanes]
    lines: Line  # LOSS_LINES lines
    levels: Table  # [levels of the tree of sums, P]


@kernel
def workspace_offsets(plan, lanes, samples):
    """Where the parts of a GradientWorkspace for `samples` samples at a time begin, from the second on, in numbers."""
    panel, panels = panel_sizes(plan, lanes), padded(samples, lanes) // lanes
    delta = panels * panel.stack
    scratch = delta + panels * panel.deltas
    targets = scratch + outer_scratch_size(plan, lanes)
    losses = targets + line(0, TARGET_LINES * panels * panel.n, lanes)
    lines = losses + padded(samples, lanes)
    return delta, scratch, targets, losses, lines, line(lines, LOSS_LINES + lanes, lanes)


@kernel
def workspace_size(plan, lanes, samples, parameters, blocks, chunks):
    """Numbers that a GradientWorkspace takes where `chunks` share a sum over so many blocks."""
    size, height = chunk_blocks(blocks, chunks)
    return workspace_offsets(plan, lanes, samples)[5] + (height * parameters if size > 1 else 0)


@kernel
def workspace_of(row, plan, samples, parameters):
    """A GradientWorkspace cut from a row of numbers; what is left of them are its levels. The stacks and deltas reach into what
    follows, for `pack` reads whole squares of lines."""
    lanes = lanes_of(row)
    square = line(0, lanes, lanes)
    delta, scratch, targets, losses, lines, levels = workspace_offsets(plan, lanes, samples)
    height = (row.size - levels) // parameters
    tree = row[levels:levels + height * parameters].reshape((height, parameters))
    return GradientWorkspace(row[:delta + square], row[delta:scratch + square], row[scratch:targets], row[targets:losses],
                             row[losses:lines], row[lines:levels], tree)
