"""Gradients of single samples' losses from the factors (delta^l, a^{l-1}) (eq. 8 and 17): norms, rows, Gram matrices."""

from collections import namedtuple

import numpy as np

from .deltas import deltas
from .forward import group_samples, propagate_group
from .layout import FROM_ZERO, GROUP, LOSS_LINES, TARGET_LINES, line, lines_for, panel_sizes, places, samples_in
from .linked import kernel
from .losses import gather_targets, panel_losses
from .panels import gather
from .simd import dot_lines, lanes_of
from .squares import SQUARES, add_multiplied, inner_products, input_products, write_squares

# stacks and deltas of some panels; targets [n or 2 n][lanes], losses [lanes] and LOSS_LINES lines of one panel
NormWorkspace = namedtuple("NormWorkspace", "stack delta targets losses lines")


@kernel
def group_norms(plan, stack, offset, delta, first, count, norms):
    """norms[first …] of `count` samples: the root of sum over l of |delta^l|^2 (|a^{l-1}|^2 + 1), for the gradient of W^l has
    rank one; their stacks begin at `offset`, their deltas at 0."""
    lanes, one = lanes_of(stack), stack.dtype.type(1)
    panel = panel_sizes(plan, lanes)
    inputs, errors, square = np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype)
    for j in range(lines_for(count, lanes)):
        square[:] = 0
        for l in range(1, panel.depth + 1):
            at = places(plan, l, lanes)
            a, d = offset + j * panel.stack + at.a_below, j * panel.deltas + at.delta
            dot_lines(stack, a, stack, a, inputs, 0, at.before)
            dot_lines(delta, d, delta, d, errors, 0, at.width)
            for s in range(lanes):
                square[s] += errors[s] * (inputs[s] + one)  # eq. 8
        for s in range(samples_in(j, lanes, count)):
            norms[line(first + s, j, lanes)] = np.sqrt(square[s])


@kernel
def norm_offsets(plan, lanes, panels):
    """Where the parts of a NormWorkspace for so many panels at a time begin, from the second on, and where the last ends."""
    panel = panel_sizes(plan, lanes)
    delta = panels * panel.stack
    targets = delta + panels * panel.deltas
    losses = line(targets, TARGET_LINES * panel.n, lanes)
    return delta, targets, losses, losses + lanes, line(losses, 1 + LOSS_LINES + lanes, lanes)


@kernel
def norms_size(plan, lanes, panels):
    """Numbers of a NormWorkspace for `panels` panels at a time."""
    return norm_offsets(plan, lanes, panels)[4]


@kernel
def norm_workspace_of(row, plan, panels):
    """A NormWorkspace cut from a row of numbers."""
    delta, targets, losses, lines, _ = norm_offsets(plan, lanes_of(row), panels)
    return NormWorkspace(row[:delta], row[delta:targets], row[targets:losses], row[losses:lines], row[lines:])


@kernel
def streamed_norms(theta, backward_weights, plan, samples, loss, panels, norms, workspaces, span):
    """norms [m] of the samples of the units of `span`, `panels` panels each, forward and back through the slot's row of
    `workspaces`."""
    lanes = lanes_of(theta)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    first, stop, slot = span
    workspace = norm_workspace_of(workspaces[slot], plan, panels)
    outputs = np.empty((line(0, panels, lanes), panel.n), theta.dtype)
    for j in range(first * panels, stop * panels, panels):
        sample, count = group_samples(j, j + panels, lanes, norms.size)
        propagate_group(theta, plan, samples.X, samples.indices, (sample, count), workspace.stack, 0, outputs[:count],
                        (1, panel.depth))
        for i in range(lines_for(count, lanes)):
            gather_targets(samples.targets, samples.indices, line(sample, i, lanes), samples_in(i, lanes, count), panel.n,
                           workspace.targets, 0, line(0, panel.n, lanes))
            panel_losses(loss.code, loss.parameter, workspace.stack, (i * panel.stack + top.a, 0), workspace.targets, (0, 0),
                         workspace.losses, 0, workspace.delta, (i * panel.deltas + top.delta, 0), workspace.lines, panel.n, 1)
        deltas(backward_weights, plan, workspace.stack, 0, workspace.delta, 0, count)
        group_norms(plan, workspace.stack, 0, workspace.delta, sample, count, norms)


@kernel
def sample_deltas(theta, backward_weights, plan, stack, output_gradient, delta, span):
    """delta^l of the samples of the panels of `span`, each panel at its own offset in `delta`."""
    lanes, every_sample = lanes_of(theta), np.empty(0, np.int64)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    for j in range(first, stop, GROUP):
        sample, count = group_samples(j, stop, lanes, output_gradient.shape[0])
        gather(output_gradient, every_sample, sample, count, delta, j * panel.deltas + panel.chain, panel.deltas)
        deltas(backward_weights, plan, stack, j * panel.stack, delta, j * panel.deltas, count)


@kernel
def gradient_norms(plan, stack, delta, norms, span):
    """norms [m] of the samples of the panels of `span`, from kept stacks and deltas."""
    lanes = lanes_of(stack)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    sample = line(0, first, lanes)
    count = min(line(0, stop, lanes), norms.size) - sample
    group_norms(plan, stack, first * panel.stack, delta[first * panel.deltas:], sample, count, norms)


@kernel
def gradient_row(plan, inputs, delta, d, row):
    """The gradient [P] of one sample: delta^l ⊗ a^{l-1} and delta^l, from its inputs a^0 … a^{L-1} and the lane of its deltas that
    begins at `d`."""
    lanes = lanes_of(delta)
    for l in range(1, plan.shape[0]):
        at, in_panel = places(plan, l, 1), places(plan, l, lanes)
        a = inputs[at.a_below:]
        for p in range(at.width):
            error, weights = delta[line(d + in_panel.delta, p, lanes)], row[at.weight + p * at.before:]
            for q in range(at.before):
                weights[q] = error * a[q]  # eq. 8 and 17
            row[at.bias + p] = error


@kernel
def gradient_rows(plan, stack, delta, out, span):
    """The gradients of the samples of the panels of `span` as rows of out [m, P]."""
    lanes = lanes_of(stack)
    panel, inputs = panel_sizes(plan, lanes), np.empty(places(plan, plan.shape[0] - 1, 1).a, stack.dtype)
    first, stop, _ = span
    for k in range(line(0, first, lanes), min(line(0, stop, lanes), out.shape[0])):
        j, lane = k // lanes, k % lanes
        for q in range(inputs.size):
            inputs[q] = stack[line(j * panel.stack + lane, q, lanes)]
        gradient_row(plan, inputs, delta, j * panel.deltas + lane, out[k])


@kernel
def gradient_gram(plan, stack, delta, other_stack, other_delta, out, symmetric, span):
    """The rows of out [m, m'] of the panels of `span`: sum over l of (delta^l · delta'^l) (a^{l-1} · a'^{l-1} + 1); where
    `symmetric`, only the columns of panels not before the row's, each written to its mirror place too."""
    lanes = lanes_of(stack)
    panel, square = panel_sizes(plan, lanes), line(0, lanes, lanes)
    inputs = np.empty((panel.depth, SQUARES * square), stack.dtype)
    products, total = np.empty(SQUARES * square, stack.dtype), np.empty(SQUARES * square, stack.dtype)
    columns = lines_for(out.shape[1], lanes)
    first, stop, _ = span
    for j in range(first, stop):
        for k in range(j if symmetric else 0, columns, SQUARES):
            count = min(SQUARES, columns - k)
            input_products(plan, j * panel.stack, stack, k * panel.stack, other_stack, panel.stack, inputs, count)
            total[:] = 0
            for l in range(1, panel.depth + 1):
                d = places(plan, l, lanes).delta
                inner_products(delta, j * panel.deltas + d, other_delta, (k * panel.deltas + d, panel.deltas), products,
                               (places(plan, l, lanes).width, count), FROM_ZERO)
                add_multiplied(total, products, inputs[l - 1], count * square)  # eq. 8
            write_squares(total, out, j, k, count, symmetric)
