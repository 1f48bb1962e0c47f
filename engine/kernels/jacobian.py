"""Rows of J = D_theta A from the factors (B^l, a^{l-1}) (eq. 8 and 19), and J v without them."""

import numpy as np

from .chain import chain_lines, chain_panels
from .forward import read_lines, stack_lines
from .layout import BIAS, GROUP, ROW, WEIGHT, WIDTH
from .linked import kernel
from .panels import scatter
from .product import panel_product
from .simd import lanes_of


@kernel
def dense(theta, back, plan, stack, out, panels):
    """The rows of J of panels panels[0] … panels[1] - 1 into out [m * n, P]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, stride = plan[depth, WIDTH], stack_lines(plan) * lanes
    rows = plan[depth, ROW] + n
    step = chain_lines(plan) * lanes
    chain = np.empty(n * step, theta.dtype)
    inputs = np.empty(plan[depth, ROW], theta.dtype)
    m = out.shape[0] // n
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        for s in range(min(lanes, m - j * lanes)):
            for q in range(inputs.size):
                inputs[q] = stack[j * stride + q * lanes + s]
            for i in range(n):
                row = out[(j * lanes + s) * n + i]
                for l in range(1, depth):
                    before, a = plan[l - 1, WIDTH], plan[l - 1, ROW]
                    b_line = i * step + (plan[l, ROW] - plan[0, WIDTH]) * lanes + s
                    for p in range(plan[l, WIDTH]):
                        b = chain[b_line + p * lanes]
                        w = plan[l, WEIGHT] + p * before
                        for q in range(before):
                            row[w + q] = b * inputs[a + q]  # eq. 8
                        row[plan[l, BIAS] + p] = b  # eq. 7
                before, a = plan[depth - 1, WIDTH], plan[depth - 1, ROW]
                row[plan[depth, WEIGHT]:] = 0
                b = stack[j * stride + (rows + plan[depth, ROW] - plan[0, WIDTH] + i) * lanes + s]
                w = plan[depth, WEIGHT] + i * before
                for q in range(before):
                    row[w + q] = b * inputs[a + q]  # eq. 8
                row[plan[depth, BIAS] + i] = b  # eq. 7, l = L


@kernel
def read_chain(theta, plan, l, chain, out, panels):
    """B^l of l < L as out [m * n, n_l], a row an output of a sample."""
    lanes = lanes_of(theta)
    n, step = plan[plan.shape[0] - 1, WIDTH], chain_lines(plan) * lanes
    line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
    for j in range(panels[0], panels[1]):
        for s in range(min(lanes, out.shape[0] // n - j * lanes)):
            for i in range(n):
                at = (j * n + i) * step + line + s
                for p in range(plan[l, WIDTH]):
                    out[(j * lanes + s) * n + i, p] = chain[at + p * lanes]


@kernel
def input_jacobian(theta, plan, stack, chain, out, panels):
    """d a^L / d x = B^1 W^1 as out [m * n, n_0]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, inputs = plan[depth, WIDTH], plan[0, WIDTH]
    step = chain_lines(plan) * lanes
    gammas = (plan[depth, ROW] + n) * lanes
    line = np.empty(inputs * lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        for i in range(n):
            if depth == 1:
                gamma = j * stack_lines(plan) * lanes + gammas + i * lanes
                for q in range(inputs):
                    for s in range(lanes):
                        line[q * lanes + s] = stack[gamma + s] * theta[plan[1, WEIGHT] + i * inputs + q]
            else:
                panel_product(theta, (plan[1, WEIGHT], 1, inputs, 0), chain, ((j * n + i) * step, 0),
                              line, (0, 0), line, (0, 0), (inputs, plan[1, WIDTH], 1), (0, 0))
            for s in range(min(lanes, out.shape[0] // n - j * lanes)):
                for q in range(inputs):
                    out[(j * lanes + s) * n + i, q] = line[q * lanes + s]


@kernel
def row_norms(theta, back, plan, stack, out, panels):
    """The Euclidean norm of each row of J, as out [m, n]: a row's square is the sum over l of |B^l_i|^2 (|a^{l-1}|^2 + 1)."""
    lanes = lanes_of(theta)
    one = theta.dtype.type(1)
    depth = plan.shape[0] - 1
    n, stride = plan[depth, WIDTH], stack_lines(plan) * lanes
    step = chain_lines(plan) * lanes
    chain = np.empty(n * step, theta.dtype)
    inputs, norm, square = np.empty(depth * lanes, theta.dtype), np.empty(lanes, theta.dtype), np.empty(lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        for l in range(1, depth + 1):
            total = inputs[(l - 1) * lanes:l * lanes]
            total[:] = one
            for q in range(plan[l - 1, WIDTH]):
                at = j * stride + (plan[l - 1, ROW] + q) * lanes
                for s in range(lanes):
                    total[s] += stack[at + s] * stack[at + s]
        for i in range(n):
            top = j * stride + (2 * plan[depth, ROW] + n - plan[0, WIDTH] + i) * lanes
            for s in range(lanes):
                norm[s] = stack[top + s] * stack[top + s] * inputs[(depth - 1) * lanes + s]
            for l in range(depth - 1, 0, -1):
                square[:] = 0
                for p in range(plan[l, WIDTH]):
                    at = i * step + (plan[l, ROW] - plan[0, WIDTH] + p) * lanes
                    for s in range(lanes):
                        square[s] += chain[at + s] * chain[at + s]
                for s in range(lanes):
                    norm[s] += square[s] * inputs[(l - 1) * lanes + s]
            for s in range(min(lanes, out.shape[0] - j * lanes)):
                out[j * lanes + s, i] = np.sqrt(norm[s])


@kernel
def product(theta, plan, stack, direction, out, panels):
    """J v for v = `direction` [P], as out [m, n]: the tangent of a^l is gamma^l ⊙ (V^l a^{l-1} + c^l + W^l tangent^{l-1})."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    stride = stack_lines(plan) * lanes
    rows = plan[depth, ROW] + plan[depth, WIDTH]
    t_stride = (rows - plan[0, WIDTH]) * lanes
    tangent = np.empty(min(GROUP, max(1, panels[1] - panels[0])) * t_stride, theta.dtype)
    for j in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - j)
        for l in range(1, depth + 1):
            width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
            here = (plan[l, ROW] - plan[0, WIDTH]) * lanes
            shape = (width, before, group)
            gamma = (j * stride + rows * lanes + here, stride)
            a = (plan[l, WEIGHT], before, 1, plan[l, BIAS])
            panel_product(direction, a, stack, (j * stride + plan[l - 1, ROW] * lanes, stride),
                          tangent, (here, t_stride), stack, gamma, shape, (2, 1 if l == 1 else 0))
            if l > 1:
                below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
                panel_product(theta, a, tangent, (below, t_stride), tangent, (here, t_stride), stack, gamma, shape, (1, 1))
        top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
        scatter(tangent, top, t_stride, j * lanes, min(group * lanes, out.shape[0] - j * lanes), out)


@kernel
def read_layer(theta, plan, line, stack, out, panels):
    """The lines from `line` on of every panel's stack as out [m, width]."""
    read_lines(stack, stack_lines(plan) * (lanes_of(theta)), line, out, panels)
