"""z, a and gamma of panels of samples (eq. 1, 2 and 4)."""

import numpy as np

from .activations import ActivationCode, activate
from .layout import FROM_BIAS, GROUP, STORED, line, lines_for, panel_sizes, places, weights
from .linked import kernel, shared
from .panels import gather, scatter, write
from .product import panel_product
from .signatures import Indices, Line, Pair, Plan, Table
from .simd import lanes_of

IDENTITY = ActivationCode.IDENTITY.value


@kernel
def layer(theta, plan, l, stack, offset, panels):
    """z^l, and unless l's activation is a user's own a^l and gamma^l, of `panels` panels whose stacks begin at `offset`."""
    lanes = lanes_of(theta)
    at, stride = places(plan, l, lanes), panel_sizes(plan, lanes).stack
    panel_product(theta, weights(at), stack, (offset + at.a_below, stride), stack, (offset + at.a, stride), stack, (0, 0),
                  (at.width, at.before, panels), (FROM_BIAS, STORED))  # eq. 1
    if at.activation >= 0:
        for j in range(panels):
            start, count = offset + j * stride, line(0, at.width, lanes)
            if at.activation == IDENTITY:  # as `activate` does it; a call of 17 ns
                gamma = stack[start + at.gamma:start + at.gamma + count]
                for i in range(count):
                    gamma[i] = 1
            else:
                activate(at.activation, stack, start + at.a, stack, start + at.gamma, count, at.parameters)  # eq. 2 and 4


@shared
def propagate_group(theta: Line, plan: Plan, X: Table, indices: Indices, samples: Pair, stack: Line, offset: int, out: Table,
                    layers: Pair):
    """Layers l = layers[0] … layers[1] of the samples = (first, count), their stacks from `offset` on; layer 1 gathers X[indices]
    (X itself where indices is empty), layer L writes a^L to the rows of out [count, n]."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    first, count = samples
    lowest, highest = layers
    if lowest == 1:
        gather(X, indices, first, count, stack, offset, panel.stack)
    for l in range(lowest, highest + 1):
        layer(theta, plan, l, stack, offset, lines_for(count, lanes))
    top = places(plan, panel.depth, lanes)
    if highest == panel.depth and top.activation >= 0:
        scatter(stack, offset + top.a, panel.stack, 0, count, out)


@kernel
def group_samples(j, stop, lanes, m):
    """The samples (first, count) of the panels of one group, of which j is the first and `stop` the end of the range."""
    first = line(0, j, lanes)
    return first, min(line(0, min(GROUP, stop - j), lanes), m - first)


@kernel
def propagate(theta, plan, X, indices, stack, out, layers, span):
    """Layers layers[0] … layers[1] of the panels of `span`, kept in `stack`, each panel at its own offset."""
    lanes, stride = lanes_of(theta), panel_sizes(plan, lanes_of(theta)).stack
    first, stop, _ = span
    for j in range(first, stop, GROUP):
        samples = group_samples(j, stop, lanes, out.shape[0])
        propagate_group(theta, plan, X, indices, samples, stack, j * stride, out[samples[0]:samples[0] + samples[1]], layers)


@kernel
def predict(theta, plan, X, indices, out, workspace, span):
    """a^L of the panels of `span` into out [m, n], through a stack that only one group needs, in its slot's row of `workspace`."""
    lanes, depth = lanes_of(theta), plan.shape[0] - 1
    first, stop, slot = span
    for j in range(first, stop, GROUP):
        samples = group_samples(j, stop, lanes, out.shape[0])
        rows = out[samples[0]:samples[0] + samples[1]]
        propagate_group(theta, plan, X, indices, samples, workspace[slot], 0, rows, (1, depth))


@kernel
def weighted_inputs(theta, plan, l, stack, out, span):
    """z^l [m, n_l] again, of the panels of `span`, from the a^{l-1} kept in `stack`."""
    lanes = lanes_of(theta)
    at, stride = places(plan, l, lanes), panel_sizes(plan, lanes).stack
    z = np.empty(line(0, at.width, lanes), theta.dtype)
    first, stop, _ = span
    for j in range(first, stop):
        panel_product(theta, weights(at), stack, (j * stride + at.a_below, 0), z, (0, 0), z, (0, 0),
                      (at.width, at.before, 1), (FROM_BIAS, STORED))  # eq. 1
        row, count = group_samples(j, j + 1, lanes, out.shape[0])
        scatter(z, 0, 0, row, count, out)


@kernel
def read_lines(stack, stride, index, out, span):
    """The lines from number `index` on in every panel of `span`, panels being `stride` apart, as rows of out [m, width]."""
    lanes = lanes_of(stack)
    first, stop, _ = span
    row = line(0, first, lanes)
    scatter(stack, line(first * stride, index, lanes), stride, row, min(line(0, stop, lanes), out.shape[0]) - row, out)


@kernel
def write_lines(values, stack, stride, index, span):
    """The rows of values [m, width] as the lines from number `index` on of every panel of `span`."""
    write(values, stack, line(0, index, lanes_of(stack)), stride, span)
