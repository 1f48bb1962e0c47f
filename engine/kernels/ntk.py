"""J J'^T output by output, or summed over outputs, from the factors (eq. 8), never forming a row of J."""

import numpy as np

from .layout import FROM_ZERO, line, lines_for, panel_sizes, places
from .linked import kernel
from .simd import lanes_of
from .squares import SQUARES, add_multiplied, inner_products, input_products, write_squares


@kernel
def add_output(plan, stack, chain, other_stack, other_chain, i, panels, inputs, products, total):
    """total += the sum over l of (B^l_i · B'^l_i) (a^{l-1} · a'^{l-1} + 1) for panel j with `count` panels from k on, panels = (j,
    k, count): as squares; those of a^{l-1} are `inputs`."""
    lanes = lanes_of(stack)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    j, k, count = panels
    size, stride, gamma = line(0, count, line(0, lanes, lanes)), panel.n * panel.chain, line(top.gamma, i, lanes)
    inner_products(stack, j * panel.stack + gamma, other_stack, (k * panel.stack + gamma, panel.stack), products, (1, count),
                   FROM_ZERO)
    add_multiplied(total, products, inputs[panel.depth - 1], size)  # eq. 8, l = L
    for l in range(panel.depth - 1, 0, -1):
        at = places(plan, l, lanes)
        b = i * panel.chain + at.delta
        inner_products(chain, j * stride + b, other_chain, (k * stride + b, stride), products, (at.width, count), FROM_ZERO)
        add_multiplied(total, products, inputs[l - 1], size)  # eq. 8


@kernel
def output_kernels(plan, stack, chain, other_stack, other_chain, out, symmetric, span):
    """The rows of out [n, m, m'] of the panels of `span`: out[i] = sum over l of (B^l_i · B'^l_i) (a^{l-1} · a'^{l-1} + 1), or out
    [1, m, m'] with their sum over i; where `symmetric`, only the columns of panels not before the row's, each written to its
    mirror place too."""
    lanes = lanes_of(stack)
    panel, size = panel_sizes(plan, lanes), SQUARES * line(0, lanes, lanes)
    inputs, products, total = np.empty((panel.depth, size), stack.dtype), np.empty(size, stack.dtype), np.empty(size, stack.dtype)
    tables, _, others = out.shape
    columns = lines_for(others, lanes)
    first, stop, _ = span
    for j in range(first, stop):
        for k in range(j if symmetric else 0, columns, SQUARES):
            count = min(SQUARES, columns - k)
            input_products(plan, j * panel.stack, stack, k * panel.stack, other_stack, panel.stack, inputs, count)
            for i in range(panel.n):
                if i == 0 or tables > 1:
                    total[:] = 0
                add_output(plan, stack, chain, other_stack, other_chain, i, (j, k, count), inputs, products, total)
                if tables > 1 or i == panel.n - 1:
                    write_squares(total, out[i if tables > 1 else 0], j, k, count, symmetric)
