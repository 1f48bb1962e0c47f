"""What a jet holds, and the workspace of one thread that takes jets of a block of samples forward and back."""

from typing import NamedTuple

from .layout import line, padded, panel_sizes, places
from .linked import kernel
from .product import ROWS
from .signatures import Indices, Line, Plan
from .simd import lanes_of


class JetPlan(NamedTuple):
    """The components of a jet: the value, d first derivatives, and `forms` second ones."""

    axes: Indices  # [d], numbers of inputs
    forms: int
    terms: Plan  # [T, 3]: the form, and i <= j among the axes
    coefficients: Line  # [T]: q_s = sum over its terms of c z_i z_j


@kernel
def components(jet):
    """K."""
    return 1 + jet.axes.size + jet.forms


class JetWorkspace(NamedTuple):
    """What a block takes; `panels` are its panels, `K panels` those of its components, one component after another."""

    stack: Line  # [K panels][lines of a stack]
    delta: Line  # [K panels][lines of deltas]: z̄^l_k
    moved: Line  # [K panels][lines of deltas]: V^l a^{l-1}_k
    second: Line  # [panels][lines of deltas]: g″
    third: Line  # [panels][lines of deltas]: g‴
    squares: Line  # [panels][forms][lines of deltas]: q_s
    seeds: Line  # [panels][q K n][lanes]
    inputs: Line  # [K][lanes][n_0 + … + n_{L-1}]: a sample by sample
    errors: Line  # [K][lanes][n_1 + … + n_L]: z̄ sample by sample
    scratch: Line  # packed factors, or a tile
    totals: Line  # two lines


@kernel
def jet_sizes(plan, jet, lanes, samples, residuals):
    """Numbers of each part of a JetWorkspace, squares of lines beyond what `pack` and the tile may read included."""
    panel, panels, K = panel_sizes(plan, lanes), padded(samples, lanes) // lanes, components(jet)
    square, inputs, widest = line(0, lanes, lanes), places(plan, panel.depth, 1).a, 0
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        widest = max(widest, max(at.width, at.before))
    deltas = panels * panel.deltas
    return (K * panels * panel.stack + square, K * deltas + square, K * deltas, deltas, deltas, jet.forms * deltas,
            line(0, panels * residuals * K * panel.n, lanes), line(0, K * inputs, lanes) + square,
            K * panel.deltas + square, padded(widest, lanes) * (K * panels * lanes + ROWS), 2 * lanes)


@kernel
def jet_workspace_size(plan, jet, lanes, samples, residuals):
    """Numbers of a JetWorkspace for `samples` samples with so many residuals each."""
    total = 0
    for size in jet_sizes(plan, jet, lanes, samples, residuals):
        total += padded(size, lanes)
    return total


@kernel
def jet_workspace_of(row, plan, jet, samples, residuals):
    """A JetWorkspace cut from a row of numbers."""
    lanes = lanes_of(row)
    sizes = jet_sizes(plan, jet, lanes, samples, residuals)
    stack = padded(sizes[0], lanes)
    delta = stack + padded(sizes[1], lanes)
    moved = delta + padded(sizes[2], lanes)
    second = moved + padded(sizes[3], lanes)
    third = second + padded(sizes[4], lanes)
    squares = third + padded(sizes[5], lanes)
    seeds = squares + padded(sizes[6], lanes)
    inputs = seeds + padded(sizes[7], lanes)
    errors = inputs + padded(sizes[8], lanes)
    scratch = errors + padded(sizes[9], lanes)
    return JetWorkspace(row[:stack], row[stack:delta], row[delta:moved], row[moved:second], row[second:third], row[third:squares],
                        row[squares:seeds], row[seeds:inputs], row[inputs:errors], row[errors:scratch],
                        row[scratch:scratch + 2 * lanes])
