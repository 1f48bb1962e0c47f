"""delta^l = D_{z^l} C of panels of samples, from delta^L down to delta^1, without a chain (eq. 7, transposed)."""

from .layout import FROM_ZERO, MULTIPLIED, line, lines_for, padded, panel_sizes, places
from .linked import kernel, shared
from .product import panel_product
from .signatures import Line, Plan
from .simd import lanes_of, multiply_lines
from .transposed import weights_back


@kernel
def delta_size(plan, lanes):
    """Numbers of a panel's deltas: delta^1 … delta^L."""
    return panel_sizes(plan, lanes).deltas


@kernel
def top_delta(plan, lanes):
    """The offset of delta^L in a panel's deltas."""
    return panel_sizes(plan, lanes).chain


@shared
def deltas(backward_weights: Line, plan: Plan, stack: Line, offset: int, delta: Line, delta_offset: int, count: int):
    """delta^l of `count` samples whose stacks begin at `offset`, into delta [panels][n_1 + … + n_L][lanes] from `delta_offset`,
    where the lines of delta^L hold D_A C; lanes without a sample get zeros. `backward_weights` is what `transpose_weights` made."""
    lanes = lanes_of(backward_weights)
    panel, panels = panel_sizes(plan, lanes), lines_for(count, lanes)
    top = places(plan, panel.depth, lanes)
    for j in range(panels):
        d = delta_offset + j * panel.deltas + top.delta
        multiply_lines(delta, d, stack, offset + j * panel.stack + top.gamma, delta, d, panel.n)  # eq. 7, l = L
    clear_lanes(delta, delta_offset + (panels - 1) * panel.deltas + top.delta, panel.n, count)
    for l in range(panel.depth, 1, -1):
        at = places(plan, l, lanes)
        panel_product(backward_weights, weights_back(plan, l), delta, (delta_offset + at.delta, panel.deltas),
                      delta, (delta_offset + at.delta_below, panel.deltas), stack, (offset + at.gamma_below, panel.stack),
                      (at.before, at.width, panels), (FROM_ZERO, MULTIPLIED))  # eq. 7, transposed


@kernel
def clear_lanes(delta, offset, n, count):
    """Zeros into the lanes without a sample of n lines from `offset` on, in the last of the panels that hold `count` samples."""
    lanes = lanes_of(delta)
    for s in range(count, padded(count, lanes)):
        for p in range(n):
            delta[line(offset, p, lanes) + s % lanes] = 0
