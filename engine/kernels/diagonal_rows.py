"""The diagonals of single samples' J_k^T H_k J_k as rows: diag((B^l)^T H B^l) ⊗ (a^{l-1})^2 (eq. 8)."""

from typing import NamedTuple

from .chain import cached_panels
from .ggn_diagonal import panel_factors
from .jacobian import PIECE, Sink, append_rows
from .layout import GROUP, line, panel_sizes, places, samples_in
from .linked import kernel
from .panels import scatter
from .signatures import Line
from .simd import lanes_of, multiply_lines, stream


class RowsWorkspace(NamedTuple):
    """What the rows of some panels take."""

    chain: Line  # of the panels whose factors are made at once
    scratch: Line  # two outputs' chains
    factors: Line  # of GROUP panels
    squares: Line  # a panel's squared inputs, sample by sample
    rows: Line  # its factors, sample by sample
    piece: Line  # of rows, and a 1


@kernel
def rows_offsets(plan, lanes, itemsize):
    """Where the parts of a RowsWorkspace begin, from the second on, and where the last ends."""
    panel, panels = panel_sizes(plan, lanes), cached_panels(plan, lanes, itemsize)
    scratch = panels * panel.n * panel.chain
    factors = scratch + 2 * panel.chain
    squares = factors + GROUP * panel.deltas
    inputs = places(plan, panel.depth, 1).a
    rows = line(squares, inputs, lanes)
    piece = rows + panel.deltas
    return scratch, factors, squares, rows, piece, piece + PIECE + inputs + panel.deltas // lanes + lanes


@kernel
def diagonal_rows_size(plan, lanes, itemsize):
    """Numbers of workspace that `diagonal_rows` needs."""
    return rows_offsets(plan, lanes, itemsize)[5]


@kernel
def rows_workspace_of(row, plan):
    """A RowsWorkspace cut from a row of numbers."""
    scratch, factors, squares, rows, piece, _ = rows_offsets(plan, lanes_of(row), row.itemsize)
    return RowsWorkspace(row[:scratch], row[scratch:factors], row[factors:squares], row[squares:rows], row[rows:piece], row[piece:])


@kernel
def diagonal_rows(theta, backward_weights, plan, stack, curvature, out, workspaces, streaming, span):
    """The rows of out [m, P] of the samples of the panels of `span`, past the cache where `streaming`; through the slot's row of
    `workspaces`."""
    lanes = lanes_of(stack)
    panel, panels = panel_sizes(plan, lanes), cached_panels(plan, lanes, stack.itemsize)
    inputs, outputs = places(plan, panel.depth, 1).a, panel.deltas // lanes
    first, stop, slot = span
    workspace = rows_workspace_of(workspaces[slot], plan)
    a, rows, piece = workspace.squares, workspace.rows, workspace.piece
    flat, one = out.reshape(-1), piece[piece.size - 1:]  # `one` is the a of biases
    one[0] = 1
    sink = Sink(piece if streaming else flat, flat, streaming)
    written = line(0, first, lanes) * out.shape[1]  # numbers of out before this range
    filled = 0 if streaming else written  # where the next number goes in the sink's target
    for j in range(first, stop):
        made = (j - first) % GROUP
        if made == 0:
            end = min(j + GROUP, stop)
            for i in range(j, end, panels):
                panel_factors(theta, backward_weights, plan, stack, curvature, workspace.chain, workspace.scratch,
                              workspace.factors, (i - j) * panel.deltas, (i, min(i + panels, end)))
        scatter(stack, j * panel.stack, 0, 0, lanes, a.reshape((lanes, inputs)))
        multiply_lines(a, 0, a, 0, a, 0, inputs)
        scatter(workspace.factors, made * panel.deltas, 0, 0, lanes, rows.reshape((lanes, outputs)))
        for s in range(samples_in(j, lanes, out.shape[0])):
            for l in range(1, panel.depth + 1):
                at = places(plan, l, 1)
                f = s * outputs + at.delta
                filled, written = append_rows(sink, filled, written, rows, f, at.width, a, s * inputs + at.a_below, at.before)
                filled, written = append_rows(sink, filled, written, one, 0, 1, rows, f, at.width)
    if streaming:
        stream(piece, 0, flat, written, filled)
