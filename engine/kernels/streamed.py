"""Forward and back block by block, where nabla phi is known before the losses (mean, sum, weighted): a block's numbers stay in
the cache and no more than a block of them is held."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from .clipped import Clipping, clip_deltas
from .deltas import deltas
from .forward import propagate_group
from .gradient_workspace import GradientWorkspace, workspace_of
from .layout import line, lines_for, panel_sizes, places, samples_in
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import family, kernel, shared
from .losses import gather_targets, panel_losses, target_columns
from .outer_products import block_gradient
from .panels import gather
from .signatures import Indices, Line, Pair, Plan, Table
from .simd import lanes_of, line_products
from .sums import BLOCK


class Samples(NamedTuple):
    """Samples of a data set."""

    X: Table  # [., n_0]
    targets: Table  # [., n], or [., 1] with class numbers, or [., 2 n] for a loss of paired targets
    indices: Indices  # [m], or empty for all


class LossCodes(NamedTuple):
    """A loss as kernels know it."""

    code: int
    parameter: float


class Results(NamedTuple):
    """What is computed on the way to a gradient."""

    outputs: Table  # [m, n]
    losses: Line  # [m]
    partial: Table  # [chunks, P]


class BlockSum(IntEnum):
    """How the gradients of a block's samples are summed."""

    WEIGHTED = 0  # by ∇φ
    CLIPPED = 1  # each of them to a norm


class Kept(NamedTuple):
    """Where a block's stacks and deltas begin."""

    stack: Line
    offset: int
    delta: Line
    delta_offset: int


@shared
def block_losses(theta: Line, plan: Plan, samples: Samples, loss: LossCodes, block: Pair, kept: Kept, workspace: GradientWorkspace,
                 outputs: Table, losses: Line):
    """A block = (first, count) forward into its kept stacks; ∇L into the lines of its delta^L; a^L and L to the block's rows of
    `outputs` [m, n] and `losses` [m]."""
    lanes = lanes_of(theta)
    panel, top = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes)
    first, count = block
    target_stride = line(0, target_columns(samples.targets, panel.n), lanes)
    propagate_group(theta, plan, samples.X, samples.indices, block, kept.stack, kept.offset, outputs[first:first + count],
                    (1, panel.depth))
    gather_targets(samples.targets, samples.indices, first, count, panel.n, workspace.targets, 0, target_stride)
    panel_losses(loss.code, loss.parameter, kept.stack, (kept.offset + top.a, panel.stack), workspace.targets, (0, target_stride),
                 workspace.losses, 0, kept.delta, (kept.delta_offset + top.delta, panel.deltas), workspace.lines, panel.n,
                 lines_for(count, lanes))  # eq. 11 and 17
    for s in range(count):
        losses[first + s] = workspace.losses[s]


@shared
def weighted_block(backward_weights: Line, plan: Plan, reduction_gradient: Line, clipping: Clipping, block: Pair, kept: Kept,
                   workspace: GradientWorkspace, out: Line):
    """D_theta C of a block = (first, count), from its stacks and the ∇L that `block_losses` left, to out [P]."""
    lanes = lanes_of(out)
    panel = panel_sizes(plan, lanes)
    first, count = block
    for j in range(lines_for(count, lanes)):
        factors, f = reduction_gradient, line(first, j, lanes)
        if samples_in(j, lanes, count) < lanes:
            factors, f = workspace.lines, 0
            for s in range(lanes):
                factors[s] = reduction_gradient[first + min(line(s, j, lanes), count - 1)]
        top = kept.delta_offset + j * panel.deltas + panel.chain
        line_products(factors, f, kept.delta, top, kept.delta, top, panel.n)  # eq. 18
    deltas(backward_weights, plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count)
    block_gradient(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count, workspace.scratch, out)  # eq. 20


@shared
def clipped_block(backward_weights: Line, plan: Plan, reduction_gradient: Line, clipping: Clipping, block: Pair, kept: Kept,
                  workspace: GradientWorkspace, out: Line):
    """The sum over a block's samples of min(1, c / |D_theta L|) D_theta L to out [P], whatever ∇φ is."""
    _, count = block
    deltas(backward_weights, plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count)
    clip_deltas(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, lines_for(count, lanes_of(out)), clipping)
    block_gradient(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count, workspace.scratch, out)  # eq. 20


NOT_CLIPPED = Clipping(BlockSum.WEIGHTED.value, 0.0, np.empty(0, np.bool_), np.empty((0, 0), np.int64))
block_sum, prepare_block_sums = family("block_sum", {BlockSum.WEIGHTED: weighted_block, BlockSum.CLIPPED: clipped_block})


@kernel
def streamed(theta, backward_weights, plan, samples, loss, reduction_gradient, clipping, results, workspaces, span):
    """results.partial[c] = D_theta C of the blocks of chunk c (eq. 20), or the sum of their clipped gradients, and their outputs
    and losses, for the chunks of `span`; through the slot's row of `workspaces`."""
    first, stop, slot = span
    m = reduction_gradient.size
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks = lines_for(m, BLOCK)
    tree = Tree(results.partial, workspace.levels, chunk_blocks(blocks, results.partial.shape[0])[0], blocks)
    kept = Kept(workspace.stack, 0, workspace.delta, 0)
    for b in blocks_of(tree, first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, kept, workspace, results.outputs, results.losses)
        block_sum(clipping.code, backward_weights, plan, reduction_gradient, clipping, block, kept, workspace, summand(tree, b))
        add_up(tree, b)


@kernel
def kept_clipped(theta, backward_weights, plan, stack, loss_gradients, clipping, partial, workspaces, span):
    """partial[c] = the sum of the clipped gradients of chunk c, from the stacks of all samples and their ∇L [m, n]."""
    lanes, panel = lanes_of(theta), panel_sizes(plan, lanes_of(theta))
    first, stop, slot = span
    m, every_sample, weights = loss_gradients.shape[0], np.empty(0, np.int64), np.empty(0, theta.dtype)
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks = lines_for(m, BLOCK)
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        block, kept = (b * BLOCK, min(BLOCK, m - b * BLOCK)), Kept(stack, b * BLOCK // lanes * panel.stack, workspace.delta, 0)
        gather(loss_gradients, every_sample, block[0], block[1], workspace.delta, panel.chain, panel.deltas)
        clipped_block(backward_weights, plan, weights, clipping, block, kept, workspace, summand(tree, b))
        add_up(tree, b)
