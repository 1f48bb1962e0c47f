"""Gradients of single samples' losses from the factors (delta^l, a^{l-1}) (eq. 8 and 17): norms, rows, Gram matrices."""

import numpy as np

from .deltas import deltas
from .forward import propagate_group
from .layout import BIAS, GROUP, LOSS_LINES, ROW, WEIGHT, WIDTH
from .lines_of_plan import delta_lines, stack_lines, top_line
from .linked import kernel
from .losses import gather_targets, panel_losses
from .panels import gather
from .product import panel_product
from .simd import dot_lines, lanes_of

SQUARES = 16  # panels that a row of panels is multiplied with together


@kernel
def group_norms(plan, stack, place, delta, first, count, norms):
    """norms[first …] of `count` samples: the root of sum over l of |delta^l|^2 (|a^{l-1}|^2 + 1), for the gradient of W^l has
    rank one; their stacks begin at `place`, their deltas at 0."""
    lanes = lanes_of(stack)
    one = stack.dtype.type(1)
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    inputs, back, square = np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype)
    for j in range((count + lanes - 1) // lanes):
        square[:] = 0
        for l in range(1, plan.shape[0]):
            a = place + j * stride + plan[l - 1, ROW] * lanes
            d = j * d_stride + (plan[l, ROW] - plan[0, WIDTH]) * lanes
            dot_lines(stack, a, stack, a, inputs, 0, plan[l - 1, WIDTH])
            dot_lines(delta, d, delta, d, back, 0, plan[l, WIDTH])
            for s in range(lanes):
                square[s] += back[s] * (inputs[s] + one)  # eq. 8
        for s in range(min(lanes, count - j * lanes)):
            norms[first + j * lanes + s] = np.sqrt(square[s])


@kernel
def norms_size(plan, lanes, step):
    """Numbers of room that `streamed_norms` needs for `step` panels at a time."""
    lines_of_loss = plan[plan.shape[0] - 1, WIDTH] + 1 + LOSS_LINES
    return step * lanes * (stack_lines(plan) + delta_lines(plan)) + (lines_of_loss + lanes) * lanes


@kernel
def streamed_norms(theta, back, plan, samples, loss, step, norms, work, units):
    """norms [m] of the samples of units units[0] … units[1] - 1, `step` panels each, forward and back through row units[2] of
    `work`, the room of one unit."""
    lanes = lanes_of(theta)
    m, depth, room = norms.size, plan.shape[0] - 1, work[units[2]]
    n, stride, d_stride = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    delta, top = room[step * stride:], top_line(plan) * lanes
    truths = delta[step * d_stride:]
    losses, scratch = truths[n * lanes:], truths[(n + 1) * lanes:]
    outputs = np.empty((step * lanes, n), theta.dtype)
    for u in range(units[0], units[1]):
        first = u * step * lanes
        count = min(step * lanes, m - first)
        propagate_group(theta, plan, samples.X, samples.indices, (first, count), room, 0, outputs[:count], (1, depth))
        for j in range((count + lanes - 1) // lanes):
            start = first + j * lanes
            gather_targets(samples.targets, samples.indices, start, min(lanes, m - start), n, truths, 0, n * lanes)
            panel_losses(loss.code, loss.parameter, room, (j * stride + plan[depth, ROW] * lanes, 0), truths, (0, 0), losses, 0,
                         delta, (j * d_stride + top, 0), scratch, n, 1)
        deltas(back, plan, room, 0, delta, 0, count)
        group_norms(plan, room, 0, delta, first, count, norms)


@kernel
def sample_deltas(theta, back, plan, stack, output_gradient, delta, panels):
    """delta^l of the samples of panels panels[0] … panels[1] - 1, each panel at its own place in `delta`."""
    lanes = lanes_of(theta)
    m, everything = output_gradient.shape[0], np.empty(0, np.int64)
    for j in range(panels[0], panels[1], GROUP):
        first = j * lanes
        count, place = min(min(GROUP, panels[1] - j) * lanes, m - first), first * delta_lines(plan)
        gather(output_gradient, everything, first, count, delta, place + top_line(plan) * lanes, delta_lines(plan) * lanes)
        deltas(back, plan, stack, first * stack_lines(plan), delta, place, count)


@kernel
def gradient_norms(plan, stack, delta, norms, panels):
    """norms [m] of the samples of panels panels[0] … panels[1] - 1, from kept stacks and deltas."""
    first = panels[0] * lanes_of(stack)
    count = min(panels[1] * lanes_of(stack), norms.size) - first
    group_norms(plan, stack, first * stack_lines(plan), delta[first * delta_lines(plan):], first, count, norms)


@kernel
def gradient_rows(plan, stack, delta, out, panels):
    """The gradients of the samples of panels panels[0] … panels[1] - 1 as rows of out [m, P]: delta^l ⊗ a^{l-1} and delta^l."""
    lanes = lanes_of(stack)
    depth = plan.shape[0] - 1
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    inputs = np.empty(plan[depth, ROW], stack.dtype)
    for k in range(panels[0] * lanes, min(panels[1] * lanes, out.shape[0])):
        at, d_at, row = k // lanes * stride + k % lanes, k // lanes * d_stride + k % lanes, out[k]
        for q in range(inputs.size):
            inputs[q] = stack[at + q * lanes]
        for l in range(1, depth + 1):
            before, a = plan[l - 1, WIDTH], inputs[plan[l - 1, ROW]:]
            for p in range(plan[l, WIDTH]):
                d = delta[d_at + (plan[l, ROW] - plan[0, WIDTH] + p) * lanes]
                w = row[plan[l, WEIGHT] + p * before:]
                for q in range(before):
                    w[q] = d * a[q]  # eq. 8 and 17
                row[plan[l, BIAS] + p] = d


@kernel
def gradient_gram(plan, stack, delta, other_stack, other_delta, out, symmetric, panels):
    """The rows of out [m, m'] of panels panels[0] … panels[1] - 1: sum over l of (delta^l · delta'^l) (a^{l-1} · a'^{l-1} + 1);
    where `symmetric`, only the columns of panels not before the row's, each written to its mirror place too."""
    lanes = lanes_of(stack)
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    square = lanes * lanes
    inputs, back = np.empty(SQUARES * square, stack.dtype), np.empty(SQUARES * square, stack.dtype)
    total = np.empty(SQUARES * square, stack.dtype)
    m, others = out.shape
    for j in range(panels[0], panels[1]):
        for k in range(j if symmetric else 0, (others + lanes - 1) // lanes, SQUARES):
            some = min(SQUARES, (others + lanes - 1) // lanes - k)
            total[:] = 0
            for l in range(1, plan.shape[0]):
                a, d = plan[l - 1, ROW] * lanes, (plan[l, ROW] - plan[0, WIDTH]) * lanes
                inputs[:] = 1
                panel_product(stack, (j * stride + a, 1, lanes, 0), other_stack, (k * stride + a, stride), inputs, (0, square),
                              inputs, (0, 0), (lanes, plan[l - 1, WIDTH], some), (1, 0))
                panel_product(delta, (j * d_stride + d, 1, lanes, 0), other_delta, (k * d_stride + d, d_stride), back,
                              (0, square), back, (0, 0), (lanes, plan[l, WIDTH], some), (0, 0))
                for e in range(some * square):
                    total[e] += back[e] * inputs[e]
            for s in range(min(lanes, m - j * lanes)):
                for t in range(min(some * lanes, others - k * lanes)):
                    value = total[t // lanes * square + s * lanes + t % lanes]
                    out[j * lanes + s, k * lanes + t] = value
                    if symmetric:
                        out[k * lanes + t, j * lanes + s] = value
