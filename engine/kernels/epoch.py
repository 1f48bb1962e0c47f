"""A whole epoch of batch steps in one call (paper §1, eq. 1–21): the same kernels as step by step, hence the same bits."""

from collections import namedtuple
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from .gradient_workspace import GradientWorkspace, workspace_of
from .layout import line, lines_for, panel_sizes
from .levels import Tree, add_up, chunk_blocks, summand
from .linked import family, kernel, shared
from .penalties import add_ridge
from .reductions import reduce_losses
from .signatures import Line, Number, Plan
from .simd import lanes_of
from .streamed import Kept, LossCodes, Results, Samples, block_losses, block_sum, streamed_chunks
from .sums import BLOCK
from .transposed import any_transposed, transpose_weights
from .updates import update_parameters

Batches = namedtuple("Batches", "indices offsets rates first_time costs")  # [.], [steps + 1], [steps], int, [steps]
Penalty = namedtuple("Penalty", "strength spans")  # a ridge; strength 0 for none
UpdateCodes = namedtuple("UpdateCodes", "code settings state trainable")


class CostCodes(NamedTuple):
    """A cost as kernels know it."""

    loss: int
    loss_parameter: float
    reduction: int
    reduction_parameter: float
    data: Line  # of the reduction, a number for each sample, or empty


class Passes(IntEnum):
    """How a batch goes forward and back."""

    STREAMED = 0  # block by block, for ∇φ is known before the losses
    WHOLE = 1  # all of it forward, then all of it back


@kernel
def kept_of(plan, b, stack, delta):
    """Where block b keeps its stacks and deltas among those of a whole batch."""
    lanes = lanes_of(stack)
    panel, first = panel_sizes(plan, lanes), b * BLOCK // lanes
    return Kept(stack, first * panel.stack, delta, first * panel.deltas)


@shared
def streamed_batch(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, gradient: Line,
                   results: Results, stack: Line, delta: Line, workspace: GradientWorkspace) -> Number:
    """C and results.partial[0] = D_theta C of a batch whose ∇φ is known before the losses."""
    losses, loss = results.losses[:gradient.size], LossCodes(cost.loss, cost.loss_parameter)
    reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, gradient)  # eq. 15
    streamed_chunks(theta, backward_weights, plan, samples, loss, gradient, results, workspace, (0, 1))
    return reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, gradient)  # eq. 14


@shared
def whole_batch(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, gradient: Line,
                results: Results, stack: Line, delta: Line, workspace: GradientWorkspace) -> Number:
    """The same of a batch whose ∇φ needs all the losses first, and so the stacks and deltas of all of it."""
    m = samples.indices.size
    loss = LossCodes(cost.loss, cost.loss_parameter)
    blocks = lines_for(m, BLOCK)
    for b in range(blocks):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, kept_of(plan, b, stack, delta), workspace, results.outputs, results.losses)
    value = reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, results.losses[:m], gradient)  # eq. 14 and 15
    tree = Tree(results.partial, workspace.levels, chunk_blocks(blocks, 1)[0], blocks)
    for b in range(blocks):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_sum(theta, backward_weights, plan, gradient, block, kept_of(plan, b, stack, delta), workspace, summand(tree, b))
        add_up(tree, b)
    return value


@shared
def no_batch(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, gradient: Line,
             results: Results, stack: Line, delta: Line, workspace: GradientWorkspace) -> Number:
    """NaN: there is no such way."""
    return theta.dtype.type(np.nan)


WHOLE = Passes.WHOLE.value
batch_gradient, prepare_batches = family("batch_gradient", {Passes.STREAMED: streamed_batch, Passes.WHOLE: whole_batch}, no_batch)


@kernel
def largest_batch(offsets):
    """The number of samples of the largest batch."""
    largest = 0
    for t in range(offsets.size - 1):
        largest = max(largest, offsets[t + 1] - offsets[t])
    return largest


@kernel
def epoch(theta, plan, X, targets, batches, cost, penalty, update, passes, row):
    """Every batch step of an epoch on theta [P] and update.state in place; the cost of each step to batches.costs; `passes` is one
    of Passes, and `row` the workspace of one chunk of the largest batch.

    Gives the number of steps made: fewer than there are where a cost is not finite, and theta is then as before that step.
    An empty batch changes nothing and its cost is left alone.
    """
    lanes = lanes_of(theta)
    panel, largest = panel_sizes(plan, lanes), largest_batch(batches.offsets)
    workspace = workspace_of(row, plan, min(BLOCK, largest), theta.size)
    panels = lines_for(largest, lanes) if passes == WHOLE else 0
    square = line(0, lanes, lanes)  # `pack` reads whole squares of lines
    stack, delta = np.empty(panels * panel.stack + square, theta.dtype), np.empty(panels * panel.deltas + square, theta.dtype)
    results = Results(np.empty((largest, panel.n), theta.dtype), np.empty(largest, theta.dtype),
                      np.empty((1, theta.size), theta.dtype))
    reduction_gradient = np.empty(largest, theta.dtype)
    data = np.empty(largest if cost.data.size > 0 else 0, theta.dtype)
    transposed = np.empty(theta.size if any_transposed(plan) else 0, theta.dtype)
    for t in range(batches.offsets.size - 1):
        samples = Samples(X, targets, batches.indices[batches.offsets[t]:batches.offsets[t + 1]])
        m = samples.indices.size
        if m == 0:
            continue
        for s in range(min(m, data.size)):
            data[s] = cost.data[samples.indices[s]]
        if transposed.size > 0:
            transpose_weights(theta, plan, transposed, (0, theta.size, 0))
        backward_weights = transposed if transposed.size > 0 else theta
        codes = CostCodes(cost.loss, cost.loss_parameter, cost.reduction, cost.reduction_parameter, data[:min(m, data.size)])
        value = batch_gradient(passes, theta, backward_weights, plan, samples, codes, reduction_gradient[:m], results, stack, delta,
                               workspace)
        if penalty.strength != 0.0:
            value += add_ridge(theta, penalty.spans, penalty.strength, results.partial[0])
        batches.costs[t] = value
        if not np.isfinite(value):
            return t
        update_parameters(update.code, theta, results.partial[0], update.settings, update.state, update.trainable,
                          batches.rates[t], batches.first_time + t)  # eq. 21
    return batches.offsets.size - 1
