"""z, a and gamma of panels of samples (eq. 1, 2 and 4)."""

import numpy as np

from .activations import activate
from .layout import ACTIVATION, BIAS, GROUP, ROW, WEIGHT, WIDTH
from .linked import kernel, shared
from .panels import gather, scatter, write
from .product import panel_product
from .simd import lanes_of


@kernel
def layer(theta, plan, l, stack, place, stride, panels):
    """z^l, and unless l's activation is a user's own a^l and gamma^l, of `panels` panels whose stacks begin at `place`."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
    a_before = place + plan[l - 1, ROW] * lanes
    z = place + plan[l, ROW] * lanes
    gamma = place + (plan[depth, ROW] + plan[depth, WIDTH] + plan[l, ROW] - plan[0, WIDTH]) * lanes
    panel_product(theta, (plan[l, WEIGHT], before, 1, plan[l, BIAS]), stack, (a_before, stride),
                  stack, (z, stride), stack, (0, 0), (width, before, panels), (2, 0))  # eq. 1
    if plan[l, ACTIVATION] >= 0:
        for j in range(panels):
            activate(plan[l, ACTIVATION], stack, z + j * stride, stack, gamma + j * stride, width * lanes)  # eq. 2 and 4


@kernel
def stack_lines(plan):
    """Lines of a panel's stack: a^0 … a^L and gamma^1 … gamma^L."""
    depth = plan.shape[0] - 1
    return 2 * (plan[depth, ROW] + plan[depth, WIDTH]) - plan[0, WIDTH]


@shared("line plan table indices 2 line integer table 2")
def propagate_group(theta, plan, X, indices, samples, stack, place, out, layers):
    """Layers layers[0] … layers[1] of the samples = (first, count), their stacks from `place` on; layer 1 gathers X[indices]
    (X itself where indices is empty), layer L writes a^L to the rows of out [count, n]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    stride = stack_lines(plan) * lanes
    first, count = samples
    if layers[0] == 1:
        gather(X, indices, first, count, stack, place, stride)
    for l in range(layers[0], layers[1] + 1):
        layer(theta, plan, l, stack, place, stride, (count + lanes - 1) // lanes)
    if layers[1] == depth and plan[depth, ACTIVATION] >= 0:
        scatter(stack, place + plan[depth, ROW] * lanes, stride, 0, count, out)


@kernel
def propagate(theta, plan, X, indices, stack, out, layers, panels):
    """Layers layers[0] … layers[1] of panels panels[0] … panels[1] - 1, kept in `stack`, each panel at its own place."""
    lanes = lanes_of(theta)
    for j in range(panels[0], panels[1], GROUP):
        first = j * lanes
        count = min(min(GROUP, panels[1] - j) * lanes, out.shape[0] - first)
        propagate_group(theta, plan, X, indices, (first, count), stack, first * stack_lines(plan), out[first:first + count], layers)


@kernel
def predict(theta, plan, X, indices, out, work, panels):
    """a^L of panels panels[0] … panels[1] - 1 into out [m, n], through a stack that only one group needs, row panels[2] of
    `work`."""
    lanes = lanes_of(theta)
    stack = work[panels[2]]
    for j in range(panels[0], panels[1], GROUP):
        first = j * lanes
        count = min(min(GROUP, panels[1] - j) * lanes, out.shape[0] - first)
        propagate_group(theta, plan, X, indices, (first, count), stack, 0, out[first:first + count], (1, plan.shape[0] - 1))


@kernel
def weighted_inputs(theta, plan, l, stack, out, panels):
    """z^l [m, n_l] again, from the a^{l-1} kept in `stack`."""
    lanes = lanes_of(theta)
    stride = stack_lines(plan) * lanes
    width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
    scratch = np.empty(width * lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        panel_product(theta, (plan[l, WEIGHT], before, 1, plan[l, BIAS]), stack, (j * stride + plan[l - 1, ROW] * lanes, 0),
                      scratch, (0, 0), scratch, (0, 0), (width, before, 1), (2, 0))  # eq. 1
        scatter(scratch, 0, 0, j * lanes, min(lanes, out.shape[0] - j * lanes), out)


@kernel
def read_lines(stack, stride, line, out, panels):
    """Lines `line` … of every panel, as rows of out [m, width]."""
    lanes = lanes_of(stack)
    first = panels[0] * lanes
    count = min(panels[1] * lanes, out.shape[0]) - first
    scatter(stack, panels[0] * stride + line * lanes, stride, first, count, out)


@kernel
def write_lines(values, stack, stride, line, panels):
    """The rows of values [m, width] as lines `line` … of every panel."""
    write(values, stack, line * lanes_of(stack), stride, panels)
