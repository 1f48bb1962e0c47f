"""Euclidean norms of the rows of J from the factors: |J_i|^2 = sum over l of |B^l_i|^2 (|a^{l-1}|^2 + 1) (eq. 8)."""

import numpy as np

from .chain import chain_panels
from .layout import line, panel_sizes, places, samples_in
from .linked import kernel
from .simd import lanes_of


@kernel
def add_squares(total, numbers, offset, count):
    """total [lanes] += the squares of `count` lines of numbers from `offset` on, line by line."""
    lanes = total.size
    for p in range(count):
        at = line(offset, p, lanes)
        for s in range(lanes):
            total[s] += numbers[at + s] * numbers[at + s]


@kernel
def row_norms(theta, backward_weights, plan, stack, out, span):
    """The norm of each row of J, as out [m, n]."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    chain, inputs = np.empty(panel.n * panel.chain, theta.dtype), np.empty((panel.depth, lanes), theta.dtype)
    norm, square = np.empty(lanes, theta.dtype), np.empty(lanes, theta.dtype)
    top = places(plan, panel.depth, lanes)
    first, stop, _ = span
    for j in range(first, stop):
        chain_panels(theta, backward_weights, plan, stack, chain, 0, (j, j + 1))
        for l in range(1, panel.depth + 1):
            at = places(plan, l, lanes)
            inputs[l - 1] = 1
            add_squares(inputs[l - 1], stack, j * panel.stack + at.a_below, at.before)  # |a^{l-1}|^2 + 1
        for i in range(panel.n):
            gamma = line(j * panel.stack + top.gamma, i, lanes)
            for s in range(lanes):
                norm[s] = stack[gamma + s] * stack[gamma + s] * inputs[panel.depth - 1, s]  # eq. 8, l = L
            for l in range(panel.depth - 1, 0, -1):
                at = places(plan, l, lanes)
                square[:] = 0
                add_squares(square, chain, i * panel.chain + at.delta, at.width)
                for s in range(lanes):
                    norm[s] += square[s] * inputs[l - 1, s]  # eq. 8
            for s in range(samples_in(j, lanes, out.shape[0])):
                out[line(s, j, lanes), i] = np.sqrt(norm[s])
