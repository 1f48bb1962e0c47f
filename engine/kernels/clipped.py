"""Sums of clipped gradients of single samples (Abadi et al. 2016), without the gradients: a block goes forward and back, its norms
come from the factors (delta^l, a^{l-1}), and its deltas are scaled before they are summed (eq. 8 and 20)."""

from typing import NamedTuple

import numpy as np

from .deltas import deltas
from .gradient_workspace import workspace_of
from .layout import line, lines_for, panel_sizes, places
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel
from .outer_products import block_gradient
from .panels import gather
from .signatures import Mask
from .simd import dot_lines, fma, lanes_of, line_products
from .streamed import Kept, block_losses
from .sums import BLOCK

NONE, SOME, ALL = range(3)  # how many numbers of a part of theta are trained


class Clipping(NamedTuple):
    """How gradients are clipped."""

    norm: float  # the longest that one may be
    trainable: Mask  # [P], or empty: its norm is that of these numbers


@kernel
def trained(trainable, first, stop):
    """How many of the numbers first … stop - 1 of theta are trained: NONE, SOME or ALL."""
    if trainable.size == 0:
        return ALL
    count = 0
    for i in range(first, stop):
        count += trainable[i]
    return ALL if count == stop - first else (NONE if count == 0 else SOME)


@kernel
def trained_parts(plan, trainable):
    """What `trained` says of W^l and of b^l, in row l - 1 of [L, 2]."""
    parts = np.empty((plan.shape[0] - 1, 2), np.int64)
    for l in range(1, plan.shape[0]):
        at = places(plan, l, 1)
        parts[l - 1, 0] = trained(trainable, at.weight, at.weight + at.width * at.before)
        parts[l - 1, 1] = trained(trainable, at.bias, at.bias + at.width)
    return parts


@kernel
def add_some_weights(at, stack, a, delta, d, trainable, inputs, squares):
    """squares += sum over p of (delta^l_p)^2 times the sum of (a^{l-1}_q)^2 over the q for which w^l_pq is trained."""
    lanes = lanes_of(stack)
    for p in range(at.width):
        inputs[:] = 0
        for q in range(at.before):
            if trainable[at.weight + p * at.before + q]:
                for s in range(lanes):
                    value = stack[line(a, q, lanes) + s]
                    inputs[s] = fma(value, value, inputs[s])
        for s in range(lanes):
            error = delta[line(d, p, lanes) + s]
            squares[s] += error * error * inputs[s]  # eq. 8


@kernel
def add_some_biases(at, delta, d, trainable, squares):
    """squares += the sum of (delta^l_p)^2 over the p for which b^l_p is trained."""
    lanes = lanes_of(delta)
    for p in range(at.width):
        if trainable[at.bias + p]:
            for s in range(lanes):
                error = delta[line(d, p, lanes) + s]
                squares[s] = fma(error, error, squares[s])


@kernel
def gradient_squares(plan, stack, offset, delta, delta_offset, trainable, parts, inputs, errors, squares):
    """|∇L|^2 of a panel's samples into squares [lanes]: the sum over l of |delta^l|^2 (|a^{l-1}|^2 + 1), of what is trained."""
    lanes, zero, one = lanes_of(stack), stack.dtype.type(0), stack.dtype.type(1)
    squares[:] = 0
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        a, d, weights, biases = offset + at.a_below, delta_offset + at.delta, parts[l - 1, 0], parts[l - 1, 1]
        if weights == ALL or biases == ALL:
            dot_lines(stack, a, stack, a, inputs, 0, at.before)
            dot_lines(delta, d, delta, d, errors, 0, at.width)
            for s in range(lanes):
                squares[s] += errors[s] * ((inputs[s] if weights == ALL else zero) + (one if biases == ALL else zero))  # eq. 8
        if weights == SOME:
            add_some_weights(at, stack, a, delta, d, trainable, inputs, squares)
        if biases == SOME:
            add_some_biases(at, delta, d, trainable, squares)


@kernel
def clip_deltas(plan, stack, offset, delta, delta_offset, panels, clipping, parts):
    """Scale the deltas of each sample of `panels` panels by min(1, c / |∇L|), so that they are those of its clipped gradient."""
    lanes = lanes_of(stack)
    panel, one = panel_sizes(plan, lanes), stack.dtype.type(1)
    most, lines = stack.dtype.type(clipping.norm), panel.deltas // lanes
    inputs, errors = np.empty(lanes, stack.dtype), np.empty(lanes, stack.dtype)
    factors = np.empty(lanes, stack.dtype)
    for j in range(panels):
        d = delta_offset + j * panel.deltas
        gradient_squares(plan, stack, offset + j * panel.stack, delta, d, clipping.trainable, parts, inputs, errors, factors)
        for s in range(lanes):
            norm = np.sqrt(factors[s])
            factors[s] = most / norm if norm > most else one
        line_products(factors, 0, delta, d, delta, d, lines)


@kernel
def clipped_block(backward_weights, plan, block, kept, clipping, parts, workspace, out):
    """The sum over a block = (first, count) of min(1, c / |∇L_k|) ∇L_k to out [P], from its stacks and the ∇L that lie in the lines
    of delta^L."""
    _, count = block
    panels = lines_for(count, lanes_of(out))
    deltas(backward_weights, plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count)
    clip_deltas(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, panels, clipping, parts)
    block_gradient(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count, workspace.scratch, out)  # eq. 20


@kernel
def streamed_clipped(theta, backward_weights, plan, samples, loss, clipping, results, workspaces, span):
    """results.partial[c] = the sum of the clipped gradients of the samples of chunk c, and their outputs and losses, for the chunks
    of `span`; through the slot's row of `workspaces`."""
    first, stop, slot = span
    m = results.losses.size
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks, parts = lines_for(m, BLOCK), trained_parts(plan, clipping.trainable)
    tree = Tree(results.partial, workspace.levels, chunk_blocks(blocks, results.partial.shape[0])[0], blocks)
    kept = Kept(workspace.stack, 0, workspace.delta, 0)
    for b in blocks_of(tree, first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, kept, workspace, results.outputs, results.losses)
        clipped_block(backward_weights, plan, block, kept, clipping, parts, workspace, summand(tree, b))
        add_up(tree, b)


@kernel
def kept_clipped(theta, backward_weights, plan, stack, loss_gradients, clipping, partial, workspaces, span):
    """The same from the stacks of all samples and their ∇L [m, n]."""
    lanes, panel = lanes_of(theta), panel_sizes(plan, lanes_of(theta))
    first, stop, slot = span
    m, every_sample = loss_gradients.shape[0], np.empty(0, np.int64)
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks, parts = lines_for(m, BLOCK), trained_parts(plan, clipping.trainable)
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        gather(loss_gradients, every_sample, block[0], block[1], workspace.delta, panel.chain, panel.deltas)
        clipped_block(backward_weights, plan, block, Kept(stack, block[0] // lanes * panel.stack, workspace.delta, 0), clipping,
                      parts, workspace, summand(tree, b))
        add_up(tree, b)


@kernel
def clip_panels(plan, stack, delta, clipping, span):
    """Scale the deltas of the panels of `span` to those of clipped gradients, each panel's at its own offset."""
    lanes, parts = lanes_of(stack), trained_parts(plan, clipping.trainable)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    clip_deltas(plan, stack, first * panel.stack, delta, first * panel.deltas, stop - first, clipping, parts)


@kernel
def add_noise(gradient, noise, deviation, share):
    """gradient <- (gradient + deviation · noise) · share, each rounded."""
    sigma, scale = gradient.dtype.type(deviation), gradient.dtype.type(share)
    for i in range(gradient.size):
        gradient[i] = (gradient[i] + sigma * noise[i]) * scale
