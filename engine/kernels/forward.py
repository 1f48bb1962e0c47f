"""z, a and gamma of panels of samples (eq. 1, 2 and 4)."""

import numpy as np

from .activations import activate
from .compiled import kernel
from .layout import ACTIVATION, BIAS, GROUP, LINE, ROW, WEIGHT, WIDTH
from .product import panel_product


@kernel
def gather(X, indices, first, count, stack, place, stride):
    """Samples `first` … of X[indices], row by row, into the a^0 of panels; lanes without a sample hold zeros."""
    lanes = LINE // X.itemsize
    width = X.shape[1]
    for s in range((count + lanes - 1) // lanes * lanes):
        to = place + s // lanes * stride + s % lanes
        if s < count:
            k = indices[first + s] if indices.size > 0 else first + s
            for q in range(width):
                stack[to + q * lanes] = X[k, q]
        else:
            for q in range(width):
                stack[to + q * lanes] = 0


@kernel
def scatter(stack, place, stride, first, count, out):
    """Panels [width][lanes] at `place`, `stride` apart, into the rows `first` … of out [m, width]."""
    lanes = LINE // out.itemsize
    for s in range(count):
        at = place + s // lanes * stride + s % lanes
        for p in range(out.shape[1]):
            out[first + s, p] = stack[at + p * lanes]


@kernel
def layer(theta, plan, l, stack, place, stride, panels):
    """z^l, and unless l's activation is a user's own a^l and gamma^l, of `panels` panels whose stacks begin at `place`."""
    lanes = LINE // theta.itemsize
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


@kernel
def propagate(theta, plan, X, indices, stack, out, layers, panels):
    """Layers layers[0] … layers[1] of panels panels[0] … panels[1] - 1, kept in `stack`; layer 1 gathers X[indices]
    (X itself where indices is empty), layer L writes a^L to out [m, n]."""
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    stride = stack_lines(plan) * lanes
    for j in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - j)
        count = min(group * lanes, out.shape[0] - j * lanes)
        if layers[0] == 1:
            gather(X, indices, j * lanes, count, stack, j * stride, stride)
        for l in range(layers[0], layers[1] + 1):
            layer(theta, plan, l, stack, j * stride, stride, group)
        if layers[1] == depth and plan[depth, ACTIVATION] >= 0:
            scatter(stack, j * stride + plan[depth, ROW] * lanes, stride, j * lanes, count, out)


@kernel
def predict(theta, plan, X, indices, out, panels):
    """a^L of panels panels[0] … panels[1] - 1 into out [m, n], through a stack that only one group needs."""
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    stride = stack_lines(plan) * lanes
    stack = np.empty(min(GROUP, max(1, panels[1] - panels[0])) * stride, theta.dtype)
    for j in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - j)
        count = min(group * lanes, out.shape[0] - j * lanes)
        gather(X, indices, j * lanes, count, stack, 0, stride)
        for l in range(1, depth + 1):
            layer(theta, plan, l, stack, 0, stride, group)
        scatter(stack, plan[depth, ROW] * lanes, stride, j * lanes, count, out)


@kernel
def weighted_inputs(theta, plan, l, stack, out, panels):
    """z^l [m, n_l] again, from the a^{l-1} kept in `stack`."""
    lanes = LINE // theta.itemsize
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
    lanes = LINE // out.itemsize
    first = panels[0] * lanes
    count = min(panels[1] * lanes, out.shape[0]) - first
    scatter(stack, panels[0] * stride + line * lanes, stride, first, count, out)


@kernel
def write_lines(values, stack, stride, line, panels):
    """The rows of values [m, width] as lines `line` … of every panel."""
    lanes = LINE // values.itemsize
    for s in range(panels[0] * lanes, min(panels[1] * lanes, values.shape[0])):
        to = s // lanes * stride + line * lanes + s % lanes
        for p in range(values.shape[1]):
            stack[to + p * lanes] = values[s, p]
