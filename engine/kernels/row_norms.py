"""Euclidean norms of the rows of J from the factors: |J_i|^2 = sum over l of |B^l_i|^2 (|a^{l-1}|^2 + 1) (eq. 8)."""

import numpy as np

from .chain import chain_panels
from .layout import line, panel_sizes, places, samples_in
from .linked import kernel
from .simd import fma_lines, lanes_of, multiply_lines


@kernel
def add_squares(numbers, offset, count, squares, ones, total):
    """total [lanes] += the squares of `count` lines of numbers from `offset` on, each rounded, line by line."""
    multiply_lines(numbers, offset, numbers, offset, squares, 0, count)
    fma_lines(ones, (0, 0), squares, (0, lanes_of(total)), total, (0, 0), count)


@kernel
def row_norms(theta, backward_weights, plan, stack, out, span):
    """The norm of each row of J, as out [m, n]."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    chain, squares = np.empty(panel.n * panel.chain, theta.dtype), np.empty(panel.stack, theta.dtype)
    ones, inputs = np.ones(lanes, theta.dtype), np.empty((panel.depth, lanes), theta.dtype)
    norm, square = np.empty(lanes, theta.dtype), np.empty(lanes, theta.dtype)
    top = places(plan, panel.depth, lanes)
    first, stop, _ = span
    for j in range(first, stop):
        chain_panels(theta, backward_weights, plan, stack, chain, 0, (j, j + 1))
        for l in range(1, panel.depth + 1):
            at = places(plan, l, lanes)
            inputs[l - 1] = 1
            add_squares(stack, j * panel.stack + at.a_below, at.before, squares, ones, inputs[l - 1])  # |a^{l-1}|^2 + 1
        for i in range(panel.n):
            gamma = line(j * panel.stack + top.gamma, i, lanes)
            multiply_lines(stack, gamma, stack, gamma, square, 0, 1)
            multiply_lines(square, 0, inputs[panel.depth - 1], 0, norm, 0, 1)  # eq. 8, l = L
            for l in range(panel.depth - 1, 0, -1):
                at = places(plan, l, lanes)
                square[:] = 0
                add_squares(chain, i * panel.chain + at.delta, at.width, squares, ones, square)
                multiply_lines(square, 0, inputs[l - 1], 0, square, 0, 1)
                fma_lines(ones, (0, 0), square, (0, lanes), norm, (0, 0), 1)  # eq. 8
            for s in range(samples_in(j, lanes, out.shape[0])):
                out[line(s, j, lanes), i] = np.sqrt(norm[s])
