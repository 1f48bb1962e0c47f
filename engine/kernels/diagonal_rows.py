"""The diagonals of single samples' J_k^T H_k J_k as rows: diag((B^l)^T H B^l) ⊗ (a^{l-1})^2 (eq. 8)."""

from .jacobian import PIECE, Sink, append_rows
from .layout import line, panel_sizes, places, samples_in
from .linked import kernel
from .panels import scatter
from .simd import lanes_of, multiply_lines, stream


@kernel
def diagonal_rows_size(plan, lanes):
    """Numbers of workspace that `diagonal_rows` needs: a panel's squared inputs and factors sample by sample, and a piece."""
    inputs, outputs = places(plan, plan.shape[0] - 1, 1).a, panel_sizes(plan, lanes).deltas // lanes
    return line(0, inputs + outputs, lanes) + PIECE + inputs + outputs + lanes


@kernel
def diagonal_rows(plan, stack, factors, out, workspace, streaming, span):
    """The rows of out [m, P] of the samples of the panels of `span`, from the factors that `diagonal_factors` left, past the cache
    where `streaming`; through the slot's row of `workspace`."""
    lanes = lanes_of(stack)
    panel = panel_sizes(plan, lanes)
    inputs, outputs = places(plan, panel.depth, 1).a, panel.deltas // lanes
    first, stop, slot = span
    end, after = line(0, inputs, lanes), line(0, inputs + outputs, lanes)
    a, rows, piece = workspace[slot, :end], workspace[slot, end:after], workspace[slot, after:]
    flat, one = out.reshape(-1), piece[piece.size - 1:]  # `one` is the a of biases
    one[0] = 1
    sink = Sink(piece if streaming else flat, flat, streaming)
    written = line(0, first, lanes) * out.shape[1]  # numbers of out before this range
    filled = 0 if streaming else written  # where the next number goes in the sink's target
    for j in range(first, stop):
        scatter(stack, j * panel.stack, 0, 0, lanes, a.reshape((lanes, inputs)))
        multiply_lines(a, 0, a, 0, a, 0, inputs)
        scatter(factors, j * panel.deltas, 0, 0, lanes, rows.reshape((lanes, outputs)))
        for s in range(samples_in(j, lanes, out.shape[0])):
            for l in range(1, panel.depth + 1):
                at = places(plan, l, 1)
                f = s * outputs + at.delta
                filled, written = append_rows(sink, filled, written, rows, f, at.width, a, s * inputs + at.a_below, at.before)
                filled, written = append_rows(sink, filled, written, one, 0, 1, rows, f, at.width)
    if streaming:
        stream(piece, 0, flat, written, filled)
