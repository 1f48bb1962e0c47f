"""Rows of J of narrow networks, column by column with samples as the lanes, then transposed (eq. 8 and 19)."""

from collections import namedtuple

from .chain import cached_panels, chain_panels, chains_size
from .compiled import inlined
from .layout import WIDTH, line, panel_sizes, places, samples_in
from .linked import kernel
from .simd import copy_lines, lanes_of, line_products, transpose

COLUMNS = 96  # columns that are made before they are transposed: 6 KiB

# Columns of J of one output of a panel, a line each, and J itself, whose rows of the panel's `count` samples are `stride` apart
Sink = namedtuple("Sink", "columns zeros flat stride count")


@kernel
def widest(plan):
    """The largest n_l."""
    most = 0
    for l in range(plan.shape[0]):
        most = max(most, plan[l, WIDTH])
    return most


@kernel
def narrow_size(plan, lanes, itemsize):
    """Numbers of workspace that `narrow_dense` needs: chains, zeros, and columns."""
    return line(chains_size(plan, lanes, itemsize), 3 * widest(plan) + COLUMNS, lanes)


@kernel
def transpose_columns(sink, offset, count):
    """The first `count` columns to the rows of the samples, from `offset` on in the first."""
    lanes = lanes_of(sink.columns)
    if sink.count < lanes or count < lanes:
        for s in range(sink.count):
            for k in range(count):
                sink.flat[offset + s * sink.stride + k] = sink.columns[line(s, k, lanes)]
        return
    for k in range(0, count - lanes + 1, lanes):
        transpose(sink.columns, (line(0, k, lanes), lanes), sink.flat, (offset + k, sink.stride))
    if count % lanes > 0:
        last = count - lanes
        transpose(sink.columns, (line(0, last, lanes), lanes), sink.flat, (offset + last, sink.stride))


@inlined
def flush(sink, filled, offset):
    """Transpose the `filled` columns that go to `offset`; a line of them at least stays and moves to the front. How many stay, and
    where they go."""
    lanes = lanes_of(sink.columns)
    count = (filled - lanes) // lanes * lanes
    transpose_columns(sink, offset, count)
    copy_lines(sink.columns, line(0, count, lanes), sink.columns, 0, filled - count)
    return filled - count, offset + count


@inlined
def flush_if_full(sink, filled, offset):
    """Transpose columns once there are enough of them."""
    if filled < COLUMNS:
        return filled, offset
    return flush(sink, filled, offset)


@inlined
def append_products(sink, filled, offset, B, b, A, a, count):
    """Append the line of B at b times `count` lines of A from a."""
    line_products(B, b, A, a, sink.columns, line(0, filled, lanes_of(sink.columns)), count)
    return flush_if_full(sink, filled + count, offset)


@inlined
def append_lines(sink, filled, offset, A, a, count):
    """Append `count` lines of A from a."""
    copy_lines(A, a, sink.columns, line(0, filled, lanes_of(sink.columns)), count)
    return flush_if_full(sink, filled + count, offset)


@inlined
def hidden_columns(sink, plan, chain, b, stack, j, offset):
    """The columns of layers l < L of panel j, from the output's chain at b; how many stay, and where they go in J."""
    lanes = lanes_of(stack)
    panel, filled = panel_sizes(plan, lanes), 0
    for l in range(1, panel.depth):
        at = places(plan, l, lanes)
        a, chain_l = j * panel.stack + at.a_below, b + at.delta
        for p in range(at.width):
            filled, offset = append_products(sink, filled, offset, chain, line(chain_l, p, lanes), stack, a, at.before)  # eq. 8
        filled, offset = append_lines(sink, filled, offset, chain, chain_l, at.width)  # eq. 7
    return filled, offset


@inlined
def top_columns(sink, plan, stack, j, i, filled, offset):
    """The columns of layer L of output i of panel j after the `filled` ones, and all that are then left to J."""
    lanes = lanes_of(stack)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    a, gamma = j * panel.stack + top.a_below, line(j * panel.stack + top.gamma, i, lanes)
    for p in range(panel.n):
        if p == i:
            filled, offset = append_products(sink, filled, offset, stack, gamma, stack, a, top.before)  # eq. 8
        else:
            filled, offset = append_lines(sink, filled, offset, sink.zeros, 0, top.before)
    copy_lines(sink.zeros, 0, sink.columns, line(0, filled, lanes), panel.n)
    copy_lines(stack, gamma, sink.columns, line(0, filled + i, lanes), 1)  # eq. 7, l = L
    transpose_columns(sink, offset, filled + panel.n)


@kernel
def narrow_dense(theta, backward_weights, plan, stack, out, workspaces, span):
    """The rows of J of the panels of `span` into out [m * n, P], through the slot's row of `workspaces`."""
    lanes = lanes_of(theta)
    panel, count = panel_sizes(plan, lanes), cached_panels(plan, lanes, theta.itemsize)
    first, stop, slot = span
    n, size, flat = panel.n, out.shape[1], out.reshape(-1)
    chain, zeros = workspaces[slot], workspaces[slot, chains_size(plan, lanes, theta.itemsize):]
    columns = zeros[line(0, widest(plan), lanes):]
    zeros[:line(0, widest(plan), lanes)] = 0
    for j in range(first, stop, count):
        end = min(j + count, stop)
        chain_panels(theta, backward_weights, plan, stack, chain, 0, (j, end))
        for k in range(j, end):
            sink = Sink(columns, zeros, flat, n * size, samples_in(k, lanes, out.shape[0] // n))
            for i in range(n):
                b, row = ((k - j) * n + i) * panel.chain, (line(0, k, lanes) * n + i) * size
                filled, offset = hidden_columns(sink, plan, chain, b, stack, k, row)
                top_columns(sink, plan, stack, k, i, filled, offset)
