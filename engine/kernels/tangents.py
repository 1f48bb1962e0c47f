"""J v without J: along `direction` v [P] the tangent of a^l is gamma^l ⊙ (V^l a^{l-1} + c^l + W^l tangent^{l-1})."""

import numpy as np

from .forward import propagate_group
from .layout import BIAS, GROUP, ROW, WEIGHT, WIDTH
from .lines_of_plan import delta_lines, stack_lines, top_line
from .linked import kernel, shared
from .panels import scatter
from .product import panel_product
from .simd import lanes_of


@shared("line line plan line integer line integer")
def tangents(theta, direction, plan, stack, place, tangent, panels):
    """The tangents of a^1 … a^L of the panels whose stacks begin at `place`, into tangent [panels][n_1 + … + n_L][lanes]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    stride, t_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = place + (plan[depth, ROW] + plan[depth, WIDTH]) * lanes
    for l in range(1, depth + 1):
        before = plan[l - 1, WIDTH]
        here = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        shape, gamma, a = (plan[l, WIDTH], before, panels), (gammas + here, stride), (plan[l, WEIGHT], before, 1, plan[l, BIAS])
        panel_product(direction, a, stack, (place + plan[l - 1, ROW] * lanes, stride), tangent, (here, t_stride), stack, gamma,
                      shape, (2, 1 if l == 1 else 0))
        if l > 1:
            below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
            panel_product(theta, a, tangent, (below, t_stride), tangent, (here, t_stride), stack, gamma, shape, (1, 1))


@kernel
def product(theta, plan, stack, direction, out, panels):
    """J v of panels panels[0] … panels[1] - 1 into out [m, n], from the stacks of all samples."""
    lanes = lanes_of(theta)
    stride, t_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    tangent = np.empty(min(GROUP, max(1, panels[1] - panels[0])) * t_stride, theta.dtype)
    for j in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - j)
        tangents(theta, direction, plan, stack, j * stride, tangent, group)
        scatter(tangent, top_line(plan) * lanes, t_stride, j * lanes, min(group * lanes, out.shape[0] - j * lanes), out)


@kernel
def streamed_product(theta, plan, X, indices, direction, out, work, panels):
    """The same of X [m, n_0], each group's stack in row panels[2] of `work` and dropped; `indices` is empty."""
    lanes = lanes_of(theta)
    t_stride = delta_lines(plan) * lanes
    stack, tangent = work[panels[2]], np.empty(GROUP * t_stride, theta.dtype)
    for j in range(panels[0], panels[1], GROUP):
        first, group = j * lanes, min(GROUP, panels[1] - j)
        count = min(group * lanes, out.shape[0] - first)
        propagate_group(theta, plan, X, indices, (first, count), stack, 0, out[first:first + count], (1, plan.shape[0] - 1))
        tangents(theta, direction, plan, stack, 0, tangent, group)
        scatter(tangent, top_line(plan) * lanes, t_stride, first, count, out)
