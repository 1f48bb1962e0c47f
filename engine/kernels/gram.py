"""J J'^T from the factors: sum over l of (B^l B'^l^T) times (a^{l-1} · a'^{l-1} + 1), never forming a row of J (eq. 8)."""

from collections import namedtuple

from .compiled import inlined
from .layout import FROM_ZERO, line, lines_for, panel_sizes, places, samples_in
from .linked import kernel
from .simd import lanes_of, scale_lines, scatter_line, transpose
from .squares import add_multiplied, inner_products, input_products

# of a pair of panels, in squares [lanes][lanes]: inner products of inputs [L]; of one output's B^l with those of all n outputs, and
# their sums over l; the block of out [lanes][n][lanes][n]
GramWorkspace = namedtuple("GramWorkspace", "inputs products sums block")


@kernel
def gram_size(plan, lanes):
    """Numbers of a GramWorkspace."""
    panel = panel_sizes(plan, lanes)
    return (panel.depth + 2 * panel.n + panel.n * panel.n + 1) * line(0, lanes, lanes)


@kernel
def gram_workspace_of(row, plan):
    """A GramWorkspace cut from a row of numbers."""
    lanes = lanes_of(row)
    panel, square = panel_sizes(plan, lanes), line(0, lanes, lanes)
    products = panel.depth * square
    sums = products + panel.n * square
    block = sums + panel.n * square
    return GramWorkspace(row[:products].reshape((panel.depth, square)), row[products:sums], row[sums:block], row[block:])


@inlined
def top_products(plan, stack, j, other_stack, k, i, inputs, sums):
    """B^L_i · B'^L_i times the inputs' into the sums of panel j with panel k; 0 with the other outputs, for B^L is diagonal."""
    lanes = lanes_of(stack)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    factors = inputs[panel.depth - 1]
    sums[:] = 0
    gamma = line(j * panel.stack + top.gamma, i, lanes)
    other_gamma = line(k * panel.stack + top.gamma, i, lanes)
    row = line(0, line(0, i, lanes), lanes)
    scale_lines(stack, gamma, other_stack, other_gamma, factors, 0, sums, row, lanes)  # eq. 8, l = L


@inlined
def hidden_products(plan, chain, j, other_chain, k, i, inputs, products, sums):
    """Add B^l_i · B'^l_o times the inputs' for l < L and every output o to the sums of panel j with panel k."""
    lanes = lanes_of(chain)
    panel, square = panel_sizes(plan, lanes), line(0, lanes, lanes)
    for l in range(panel.depth - 1, 0, -1):
        at = places(plan, l, lanes)
        inner_products(chain, (j * panel.n + i) * panel.chain + at.delta, other_chain,
                       (k * panel.n * panel.chain + at.delta, panel.chain), products, (at.width, panel.n), FROM_ZERO)
        for o in range(0, panel.n * square, square):
            add_multiplied(sums[o:o + square], products[o:o + square], inputs[l - 1], square)  # eq. 8


@inlined
def fill_rows(sums, i, n, block):
    """The sums [n][lanes][lanes] of output i as its rows of the block [lanes][n][lanes][n]."""
    lanes = lanes_of(sums)
    for s in range(lanes):
        row = line(0, (s * n + i) * n, lanes)
        for o in range(n):
            scatter_line(sums, line(0, line(s, o, lanes), lanes), block, row + o, n)


@inlined
def write_block(block, side, out, row, column, shape, symmetric):
    """shape = (rows, columns) of a block [side][side] to out from (row, column) on, and mirrored where `symmetric`."""
    flat, stride = out.reshape(-1), out.shape[1]
    rows, columns = shape
    for r in range(rows):
        start = (row + r) * stride + column
        source, target = block[r * side:r * side + columns], flat[start:start + columns]
        for c in range(columns):
            target[c] = source[c]
    if symmetric:
        mirror_block(block, side, flat, column * stride + row, stride, shape)


@kernel
def mirror_block(block, side, flat, offset, stride, shape):
    """The transpose of shape = (rows, columns) of a block to `flat` from `offset` on, its rows `stride` apart."""
    lanes = lanes_of(block)
    rows, columns = shape
    if rows == side and columns == side:
        for c in range(0, side, lanes):
            for r in range(0, side, lanes):
                transpose(block, (r * side + c, side), flat, (offset + c * stride + r, stride))
        return
    for r in range(rows):
        for c in range(columns):
            flat[offset + c * stride + r] = block[r * side + c]


@kernel
def gram(plan, stack, chain, other_stack, other_chain, out, symmetric, workspaces, span):
    """The rows of out [m * n, m' * n] of the panels of `span`; where `symmetric`, only the columns of panels not before the row's,
    each written to its mirror place too; through the slot's row of `workspaces`."""
    lanes = lanes_of(stack)
    panel = panel_sizes(plan, lanes)
    n, side = panel.n, line(0, panel.n, lanes)
    m, others = out.shape[0] // n, out.shape[1] // n
    first, stop, slot = span
    inputs, products, sums, block = gram_workspace_of(workspaces[slot], plan)
    for j in range(first, stop):
        for k in range(j if symmetric else 0, lines_for(others, lanes)):
            input_products(plan, j * panel.stack, stack, k * panel.stack, other_stack, 0, inputs, 1)
            for i in range(n):
                top_products(plan, stack, j, other_stack, k, i, inputs, sums)
                hidden_products(plan, chain, j, other_chain, k, i, inputs, products, sums)
                fill_rows(sums, i, n, block)
            shape = (samples_in(j, lanes, m) * n, samples_in(k, lanes, others) * n)
            write_block(block, side, out, j * side, k * side, shape, symmetric)
