"""J v without J: along `direction` v [P] the tangent of a^l is gamma^l ⊙ (V^l a^{l-1} + c^l + W^l tangent^{l-1})."""

import numpy as np

from .forward import group_samples, propagate_group
from .layout import FROM_BIAS, FROM_TARGET, GROUP, MULTIPLIED, STORED, lines_for, panel_sizes, places, weights
from .linked import kernel, shared
from .panels import scatter
from .product import panel_product
from .signatures import Line, Plan
from .simd import lanes_of


@shared
def tangents(theta: Line, direction: Line, plan: Plan, stack: Line, offset: int, tangent: Line, panels: int):
    """The tangents of a^1 … a^L of the panels whose stacks begin at `offset`, into tangent [panels][n_1 + … + n_L][lanes]."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    for l in range(1, panel.depth + 1):
        at = places(plan, l, lanes)
        shape, gamma, target = (at.width, at.before, panels), (offset + at.gamma, panel.stack), (at.delta, panel.deltas)
        panel_product(direction, weights(at), stack, (offset + at.a_below, panel.stack), tangent, target, stack, gamma, shape,
                      (FROM_BIAS, MULTIPLIED if l == 1 else STORED))
        if l > 1:
            panel_product(theta, weights(at), tangent, (at.delta_below, panel.deltas), tangent, target, stack, gamma, shape,
                          (FROM_TARGET, MULTIPLIED))


@kernel
def product(theta, plan, stack, direction, out, span):
    """J v of the panels of `span` into out [m, n], from the stacks of all samples."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    tangent = np.empty(min(GROUP, max(1, stop - first)) * panel.deltas, theta.dtype)
    for j in range(first, stop, GROUP):
        sample, count = group_samples(j, stop, lanes, out.shape[0])
        tangents(theta, direction, plan, stack, j * panel.stack, tangent, lines_for(count, lanes))
        scatter(tangent, panel.chain, panel.deltas, sample, count, out)


@kernel
def streamed_product(theta, plan, X, indices, direction, out, workspace, span):
    """The same of X [m, n_0], each group's stack in the slot's row of `workspace` and dropped; `indices` is empty."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    first, stop, slot = span
    stack, tangent = workspace[slot], np.empty(GROUP * panel.deltas, theta.dtype)
    for j in range(first, stop, GROUP):
        samples = group_samples(j, stop, lanes, out.shape[0])
        sample, count = samples
        propagate_group(theta, plan, X, indices, samples, stack, 0, out[sample:sample + count], (1, panel.depth))
        tangents(theta, direction, plan, stack, 0, tangent, lines_for(count, lanes))
        scatter(tangent, panel.chain, panel.deltas, sample, count, out)
