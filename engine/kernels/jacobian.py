"""Rows of J = D_theta A from the factors (B^l, a^{l-1}) (eq. 8 and 19)."""

from collections import namedtuple

import numpy as np

from .chain import chain_panels
from .compiled import inlined
from .forward import read_lines
from .layout import FROM_ZERO, STORED, line, panel_sizes, places, samples_in
from .linked import kernel
from .panels import scatter
from .product import panel_product
from .simd import address_of, lanes_of, outer_lines, stream

PIECE = 4096  # numbers that are built in the first-level cache before they are streamed

# Where rows of J go: to `flat`, all of J, or to a piece of it that is streamed past the cache once it is full
Sink = namedtuple("Sink", "target flat streaming")


@kernel
def dense_size(plan, lanes):
    """Numbers of workspace that `dense` needs: a panel's chain, the same sample by sample, its inputs, and a piece of rows."""
    panel, inputs = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, 1).a
    return 2 * panel.n * panel.chain + line(0, inputs + lanes, lanes) + PIECE + inputs + panel.n + lanes


@kernel
def flush(sink, filled, written):
    """Stream the first `filled` numbers of a piece to where `written` numbers of J went before, up to a line's end; those that stay
    move to the front."""
    count = filled - (address_of(sink.flat) // sink.flat.itemsize + written + filled) % lanes_of(sink.flat)
    stream(sink.target, 0, sink.flat, written, count)
    for k in range(filled - count):
        sink.target[k] = sink.target[count + k]
    return filled - count, written + count


@inlined
def flush_if_full(sink, filled, written, columns):
    """Make a row of `columns` numbers fit into the piece."""
    if sink.streaming and filled + columns > PIECE and filled > lanes_of(sink.flat):
        return flush(sink, filled, written)
    return filled, written


@inlined
def rows_that_fit(sink, filled, rows, columns):
    """How many of so many rows fit into the piece, at least one."""
    return max(1, min(rows, (PIECE - filled) // columns)) if sink.streaming else rows


@inlined
def append_rows(sink, filled, written, b, b_offset, rows, a, a_offset, columns):
    """Append b ⊗ a; how many numbers the piece holds then, and how many were written past it."""
    p = 0
    while p < rows:
        filled, written = flush_if_full(sink, filled, written, columns)
        count = rows_that_fit(sink, filled, rows - p, columns)
        outer_lines(b, b_offset + p, count, a, a_offset, columns, sink.target, filled)
        filled, p = filled + count * columns, p + count
    return filled, written


@inlined
def append_zeros(sink, filled, written, rows, columns):
    """Append so many rows of zeros."""
    p = 0
    while p < rows:
        filled, written = flush_if_full(sink, filled, written, columns)
        count = rows_that_fit(sink, filled, rows - p, columns)
        sink.target[filled:filled + count * columns] = 0
        filled, p = filled + count * columns, p + count
    return filled, written


@kernel
def dense(theta, backward_weights, plan, stack, out, workspace, streaming, span):
    """The rows of J of the panels of `span` into out [m * n, P], past the cache where `streaming`; through the slot's row of
    `workspace`."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    top, top_line = places(plan, panel.depth, 1), places(plan, panel.depth, lanes)
    depth, n, inputs, step = panel.depth, panel.n, top.a, panel.chain // lanes
    first, stop, slot = span
    end = n * panel.chain
    chain, rows = workspace[slot, :end], workspace[slot, end:2 * end]
    a, piece = workspace[slot, 2 * end:2 * end + line(0, inputs, lanes)], workspace[slot, 2 * end + line(0, inputs, lanes):]
    flat, one = out.reshape(-1), piece[piece.size - 1:]  # `one` is the a of biases
    one[0] = 1
    sink = Sink(piece if streaming else flat, flat, streaming)
    written = line(0, first, lanes) * n * out.shape[1]  # numbers of J before this range
    filled = 0 if streaming else written  # where the next number goes in the sink's target
    for j in range(first, stop):
        chain_panels(theta, backward_weights, plan, stack, chain, 0, (j, j + 1))
        scatter(stack, j * panel.stack, 0, 0, lanes, a.reshape((lanes, inputs)))
        if step > 0:
            scatter(chain, 0, 0, 0, lanes, rows.reshape((lanes, n * step)))
        for s in range(samples_in(j, lanes, out.shape[0] // n)):
            for i in range(n):
                b, x = (s * n + i) * step, s * inputs
                for l in range(1, depth):
                    at = places(plan, l, 1)
                    filled, written = append_rows(sink, filled, written, rows, b + at.delta, at.width,
                                                a, x + at.a_below, at.before)  # eq. 8
                    filled, written = append_rows(sink, filled, written, one, 0, 1, rows, b + at.delta, at.width)  # eq. 7
                gamma = line(j * panel.stack + top_line.gamma, i, lanes) + s
                filled, written = append_zeros(sink, filled, written, i, top.before)
                filled, written = append_rows(sink, filled, written, stack, gamma, 1, a, x + top.a_below, top.before)  # eq. 8
                filled, written = append_zeros(sink, filled, written, n - 1 - i, top.before)
                filled, written = append_zeros(sink, filled, written, 1, n)
                sink.target[filled - n + i] = stack[gamma]  # eq. 7, l = L
    if streaming:
        stream(piece, 0, flat, written, filled)


@kernel
def read_chain(theta, plan, l, chain, out, span):
    """B^l of l < L as out [m * n, n_l], a row per output of a sample."""
    lanes = lanes_of(theta)
    panel, at = panel_sizes(plan, lanes), places(plan, l, lanes)
    n = panel.n
    first, stop, _ = span
    for j in range(first, stop):
        for s in range(samples_in(j, lanes, out.shape[0] // n)):
            for i in range(n):
                b, row = (j * n + i) * panel.chain + at.delta + s, line(s, j, lanes) * n + i
                for p in range(at.width):
                    out[row, p] = chain[line(b, p, lanes)]


@kernel
def input_jacobian(theta, plan, stack, chain, out, span):
    """d a^L / d x = B^1 W^1 as out [m * n, n_0]."""
    lanes = lanes_of(theta)
    panel, at = panel_sizes(plan, lanes), places(plan, 1, lanes)
    n, n_0 = panel.n, panel.n_0
    lines = np.empty(line(0, n_0, lanes), theta.dtype)
    first, stop, _ = span
    for j in range(first, stop):
        for i in range(n):
            if panel.depth == 1:
                gamma = line(j * panel.stack + at.gamma, i, lanes)
                for q in range(n_0):
                    for s in range(lanes):
                        lines[line(s, q, lanes)] = stack[gamma + s] * theta[at.weight + i * n_0 + q]
            else:
                panel_product(theta, (at.weight, 1, n_0, 0), chain, ((j * n + i) * panel.chain + at.delta, 0), lines, (0, 0),
                              lines, (0, 0), (n_0, at.width, 1), (FROM_ZERO, STORED))
            for s in range(samples_in(j, lanes, out.shape[0] // n)):
                for q in range(n_0):
                    out[line(s, j, lanes) * n + i, q] = lines[line(s, q, lanes)]


@kernel
def read_layer(theta, plan, index, stack, out, span):
    """The lines from number `index` on of every panel's stack as out [m, width]."""
    read_lines(stack, panel_sizes(plan, lanes_of(theta)).stack, index, out, span)
