"""What a jet holds, and the workspace of one thread that takes jets of panels forward and back."""

from typing import NamedTuple

from .layout import line, lines_for, padded, panel_sizes
from .linked import kernel
from .narrow import COLUMNS, widest
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
    """What panels take; the K components of a panel lie one after another. Only sums over samples keep more than one panel.

    What takes one is inlined: a call copies 70 words that describe its arrays (errors of 2-32-1, a panel: 2.2 µs with calls, 1.0
    without).
    """

    stack: Line  # [panels][K][lines of a stack]
    delta: Line  # [panels][K][lines of deltas]: z̄^l_k
    moved: Line  # [K][lines of deltas]: V^l a^{l-1}_k
    second: Line  # [lines of deltas]: g″
    third: Line  # [lines of deltas]: g‴
    squares: Line  # [forms][lines of deltas]: q_s
    products: Line  # [widest]: a sum over components
    seeds: Line  # [q K n][lanes]
    columns: Line  # columns of J before they are transposed, packed factors, or a tile
    totals: Line  # two lines


@kernel
def jet_sizes(plan, jet, lanes, samples, residuals):
    """Numbers of each part of a JetWorkspace, squares of lines beyond what `pack` and the tile may read included."""
    panel, panels, K = panel_sizes(plan, lanes), lines_for(samples, lanes), components(jet)
    square, most = line(0, lanes, lanes), widest(plan)
    columns = max(line(0, 2 * COLUMNS + 2 * most, lanes), padded(most, lanes) * (K * panels * lanes + ROWS))  # rows; sums
    return (K * panels * panel.stack + square, K * panels * panel.deltas + square, K * panel.deltas, panel.deltas, panel.deltas,
            jet.forms * panel.deltas, line(0, most, lanes), line(0, residuals * K * panel.n, lanes), columns, 2 * lanes)


@kernel
def jet_workspace_size(plan, jet, lanes, samples, residuals):
    """Numbers of a JetWorkspace for `samples` samples at once with so many residuals each."""
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
    products = squares + padded(sizes[6], lanes)
    seeds = products + padded(sizes[7], lanes)
    columns = seeds + padded(sizes[8], lanes)
    return JetWorkspace(row[:stack], row[stack:delta], row[delta:moved], row[moved:second], row[second:third], row[third:squares],
                        row[squares:products], row[products:seeds], row[seeds:columns], row[columns:columns + 2 * lanes])


@kernel
def panel_of(workspace, plan, jet, j):
    """The workspace with the stack and the deltas of panel j."""
    panel, K = panel_sizes(plan, lanes_of(workspace.stack)), components(jet)
    return JetWorkspace(workspace.stack[j * K * panel.stack:], workspace.delta[j * K * panel.deltas:], workspace.moved,
                        workspace.second, workspace.third, workspace.squares, workspace.products, workspace.seeds,
                        workspace.columns, workspace.totals)
