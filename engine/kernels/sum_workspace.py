"""The workspace of one thread for a sum over blocks whose forward pass is kept."""

from collections import namedtuple

from .layout import line, lines_for, panel_sizes
from .levels import chunk_blocks
from .linked import kernel
from .outer_products import outer_scratch_size
from .simd import lanes_of
from .sums import BLOCK

SumWorkspace = namedtuple("SumWorkspace", "delta second scratch levels")  # `second` holds tangents, or the squares of inputs


@kernel
def sum_offsets(plan, lanes, samples):
    """Where the parts of a SumWorkspace begin, from the second on, in numbers; `pack` reads whole squares of lines."""
    panel, square = panel_sizes(plan, lanes), line(0, lanes, lanes)
    panels = lines_for(min(BLOCK, samples), lanes)
    second = panels * panel.deltas + square
    scratch = second + panels * panel.stack + square
    return second, scratch, scratch + outer_scratch_size(plan, lanes)


@kernel
def sum_size(plan, lanes, samples, parameters, chunks):
    """Numbers of a SumWorkspace for a sum over `samples` samples in `chunks` chunks."""
    size, height = chunk_blocks(lines_for(samples, BLOCK), chunks)
    return sum_offsets(plan, lanes, samples)[2] + (height * parameters if size > 1 else 0)


@kernel
def sum_workspace_of(row, plan, samples, parameters, chunks):
    """A SumWorkspace cut from a row of numbers."""
    second, scratch, levels = sum_offsets(plan, lanes_of(row), samples)
    size, height = chunk_blocks(lines_for(samples, BLOCK), chunks)
    height = height if size > 1 else 0
    return SumWorkspace(row[:second], row[second:scratch], row[scratch:levels],
                        row[levels:levels + height * parameters].reshape((height, parameters)))
