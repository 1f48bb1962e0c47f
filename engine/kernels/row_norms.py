"""Euclidean norms of the rows of J from the factors: |J_i|^2 = sum over l of |B^l_i|^2 (|a^{l-1}|^2 + 1) (eq. 8)."""

import numpy as np

from .chain import cached_panels, chain_panels
from .layout import line, panel_sizes, places, samples_in
from .linked import kernel
from .simd import lanes_of, multiply_lines, square_sums


@kernel
def input_squares(plan, stack, offset, panels, inputs):
    """|a^{l-1}|^2 + 1 for l = 1 … L of `panels` panels whose stacks begin at `offset`, into inputs [L, panels * lanes]."""
    lanes = lanes_of(stack)
    stride = panel_sizes(plan, lanes).stack
    inputs[:] = 1
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        square_sums(stack, (offset + at.a_below, stride), at.before, inputs[l - 1], 0, panels)


@kernel
def add_weighted(norms, squares, inputs, n, lanes):
    """norms [panels][n][lanes] += squares of the same shape ⊙ inputs [panels][lanes], both rounded."""
    for i in range(norms.size // lanes):
        a, k = line(0, i // n, lanes), line(0, i, lanes)
        for s in range(lanes):
            norms[k + s] += squares[k + s] * inputs[a + s]  # eq. 8


@kernel
def row_norms(theta, backward_weights, plan, stack, out, span):
    """The norm of each row of J, as out [m, n]."""
    lanes, panels = lanes_of(theta), cached_panels(plan, lanes_of(theta), theta.itemsize)
    panel = panel_sizes(plan, lanes)
    n, top = panel.n, places(plan, panel.depth, lanes)
    chain, inputs = np.empty(panels * n * panel.chain, theta.dtype), np.empty((panel.depth, panels * lanes), theta.dtype)
    norms, squares = np.empty(panels * n * lanes, theta.dtype), np.empty(panels * n * lanes, theta.dtype)
    first, stop, _ = span
    for j in range(first, stop, panels):
        count = min(panels, stop - j)
        size = count * n * lanes
        chain_panels(theta, backward_weights, plan, stack, chain, 0, (j, j + count))
        input_squares(plan, stack, j * panel.stack, count, inputs)
        norms[:size] = 0
        for k in range(count):
            gamma = (j + k) * panel.stack + top.gamma
            multiply_lines(stack, gamma, stack, gamma, squares, line(0, k * n, lanes), n)
        add_weighted(norms[:size], squares, inputs[panel.depth - 1], n, lanes)  # l = L
        for l in range(panel.depth - 1, 0, -1):
            at = places(plan, l, lanes)
            squares[:size] = 0
            square_sums(chain, (at.delta, panel.chain), at.width, squares, 0, count * n)
            add_weighted(norms[:size], squares, inputs[l - 1], n, lanes)
        for k in range(size):
            norms[k] = np.sqrt(norms[k])
        for k in range(count):
            for i in range(n):
                for s in range(samples_in(j + k, lanes, out.shape[0])):
                    out[line(s, j + k, lanes), i] = norms[line(s, k * n + i, lanes)]
