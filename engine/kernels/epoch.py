"""Batch steps of whole epochs in one call (paper §1, eq. 1–21): the same kernels as step by step, hence the same bits."""

from collections import namedtuple
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from .clipped import Clipping, add_noise
from .gradient_workspace import workspace_of
from .layout import line, lines_for, panel_sizes
from .levels import Tree, add_up, blocks_of, chunk_blocks, fold_nodes, summand
from .linked import family, kernel, shared
from .orders import draw_order
from .penalties import PenaltyCode, add_penalty
from .reductions import reduce_losses
from .signatures import Indices, Line, Number, Plan, Table
from .simd import lanes_of
from .streamed import Kept, LossCodes, Results, Samples, block_losses, streamed, weighted_block
from .sums import BLOCK
from .threads import FAILED, RANGES_EACH, launch
from .transposed import any_transposed, transpose_weights
from .updates import update_parameters

# indices [samples], offsets [steps of an epoch + 1], start: the number of the first step in its epoch, rates and costs [steps],
# first_time: how many steps the update has seen before them
Batches = namedtuple("Batches", "indices offsets start rates first_time costs")
Order = namedtuple("Order", "code seed epoch")  # an OrderCode, the words of the schedule's seed, the first epoch
Penalty = namedtuple("Penalty", "strength spans")  # a ridge; strength 0 for none
# deviation and share of `add_noise`, noise [steps of a call, P or more], or without rows where gradients are not private
Privacy = namedtuple("Privacy", "clipping deviation share noise")
UpdateCodes = namedtuple("UpdateCodes", "code settings state trainable")
Whole = namedtuple("Whole", "theta state")  # [P] and [rows, P] as they were at the start of an epoch


class Ending(IntEnum):
    """Why a call is over."""

    DONE = 0
    COST = 1  # a cost is not finite
    THETA = 2  # a parameter is not
    NO_MEMORY = 3  # a thread found none


class CostCodes(NamedTuple):
    """A cost as kernels know it."""

    loss: int
    loss_parameter: float
    reduction: int
    reduction_parameter: float
    data: Line  # of the reduction, a number for each sample, or empty


class Team(NamedTuple):
    """Threads that share each batch."""

    board: Indices
    threads: int  # 1 for the caller alone
    first: int  # where the machine code of the kernel lies that they run: `streamed`, or `whole_forward`
    second: int  # that of `whole_back`


class Batch(NamedTuple):
    """Where a batch goes through."""

    gradient: Line  # ∇φ [m]
    results: Results  # results.partial [chunks, P]
    stack: Line  # of a whole batch
    delta: Line
    workspaces: Table  # a row for each thread
    clipping: Clipping


class Passes(IntEnum):
    """How a batch goes forward and back."""

    STREAMED = 0  # block by block, for ∇φ is known before the losses
    WHOLE = 1  # all of it forward, then all of it back
    STREAMED_ON_THREADS = 2
    WHOLE_ON_THREADS = 3


@kernel
def kept_of(plan, b, stack, delta):
    """Where block b keeps its stacks and deltas among those of a whole batch."""
    lanes = lanes_of(stack)
    panel, first = panel_sizes(plan, lanes), b * BLOCK // lanes
    return Kept(stack, first * panel.stack, delta, first * panel.deltas)


@kernel
def chunks_of(m, partial):
    """How many rows of `partial` the sum over m samples fills."""
    blocks = lines_for(m, BLOCK)
    return lines_for(blocks, chunk_blocks(blocks, partial.shape[0])[0])


@kernel
def whole_forward(theta, plan, samples, loss, batch, span):
    """The blocks of `span` forward, their stacks kept; ∇L into the lines of their delta^L, a^L and L to batch.results."""
    first, stop, slot = span
    m = batch.gradient.size
    workspace = workspace_of(batch.workspaces[slot], plan, min(BLOCK, m), theta.size)
    for b in range(first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, kept_of(plan, b, batch.stack, batch.delta), workspace,
                     batch.results.outputs, batch.results.losses)


@kernel
def whole_back(theta, backward_weights, plan, batch, span):
    """batch.results.partial[c] = D_theta C of the blocks of chunk c, for the chunks of `span`, from what `whole_forward` left."""
    first, stop, slot = span
    m = batch.gradient.size
    workspace = workspace_of(batch.workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks = lines_for(m, BLOCK)
    tree = Tree(batch.results.partial, workspace.levels, chunk_blocks(blocks, batch.results.partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        weighted_block(backward_weights, plan, batch.gradient, batch.clipping, block,
                       kept_of(plan, b, batch.stack, batch.delta), workspace, summand(tree, b))
        add_up(tree, b)


@shared
def streamed_batch(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, batch: Batch,
                   team: Team) -> Number:
    """C, and results.partial[0] = D_theta C of a batch whose ∇φ is known before the losses, or the sum of its clipped gradients."""
    losses, loss = batch.results.losses[:batch.gradient.size], LossCodes(cost.loss, cost.loss_parameter)
    reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 15
    streamed(theta, backward_weights, plan, samples, loss, batch.gradient, batch.clipping, batch.results, batch.workspaces,
             (0, 1, 0))
    return reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 14


@shared
def streamed_batch_on_threads(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, batch: Batch,
                              team: Team) -> Number:
    """The same with its chunks shared by threads."""
    losses, loss = batch.results.losses[:batch.gradient.size], LossCodes(cost.loss, cost.loss_parameter)
    chunks = chunks_of(batch.gradient.size, batch.results.partial)
    reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 15
    launch(team.first, (theta, backward_weights, plan, samples, loss, batch.gradient, batch.clipping, batch.results,
                        batch.workspaces), team.board, chunks, min(chunks, RANGES_EACH * team.threads), team.threads)
    fold_nodes(batch.results.partial[:chunks])
    return reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 14


@shared
def whole_batch(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, batch: Batch,
                team: Team) -> Number:
    """The same of a batch whose ∇φ needs all the losses first, and so the stacks and deltas of all of it."""
    m, losses = batch.gradient.size, batch.results.losses[:batch.gradient.size]
    whole_forward(theta, plan, samples, LossCodes(cost.loss, cost.loss_parameter), batch, (0, lines_for(m, BLOCK), 0))
    value = reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 14 and 15
    whole_back(theta, backward_weights, plan, batch, (0, 1, 0))
    return value


@shared
def whole_batch_on_threads(theta: Line, backward_weights: Line, plan: Plan, samples: Samples, cost: CostCodes, batch: Batch,
                           team: Team) -> Number:
    """The same with its blocks, and then its chunks, shared by threads."""
    m, losses = batch.gradient.size, batch.results.losses[:batch.gradient.size]
    blocks, chunks = lines_for(m, BLOCK), chunks_of(m, batch.results.partial)
    launch(team.first, (theta, plan, samples, LossCodes(cost.loss, cost.loss_parameter), batch), team.board, blocks,
           min(blocks, RANGES_EACH * team.threads), team.threads)
    value = reduce_losses(cost.reduction, cost.reduction_parameter, cost.data, losses, batch.gradient)  # eq. 14 and 15
    if team.board[FAILED] == 0:
        launch(team.second, (theta, backward_weights, plan, batch), team.board, chunks, min(chunks, RANGES_EACH * team.threads),
               team.threads)
        fold_nodes(batch.results.partial[:chunks])
    return value


DONE, COST, THETA, NO_MEMORY = (code.value for code in Ending)
RIDGE = PenaltyCode.RIDGE.value
WHOLE, WHOLE_ON_THREADS = Passes.WHOLE.value, Passes.WHOLE_ON_THREADS.value
batch_gradient, prepare_batches = family("batch_gradient", {
    Passes.STREAMED: streamed_batch,
    Passes.WHOLE: whole_batch,
    Passes.STREAMED_ON_THREADS: streamed_batch_on_threads,
    Passes.WHOLE_ON_THREADS: whole_batch_on_threads,
})


@kernel
def largest_batch(offsets):
    """The number of samples of the largest batch."""
    largest = 0
    for t in range(offsets.size - 1):
        largest = max(largest, offsets[t + 1] - offsets[t])
    return largest


@kernel
def keep(theta, state, whole):
    """Copy theta [P] and the update's state [rows, P] to `whole`."""
    for i in range(theta.size):
        whole.theta[i] = theta[i]
    for r in range(state.shape[0]):
        for i in range(theta.size):
            whole.state[r, i] = state[r, i]


@kernel
def finite(theta):
    """Whether every number of theta is finite."""
    for i in range(theta.size):
        if not np.isfinite(theta[i]):
            return False
    return True


@kernel
def run_steps(theta, plan, X, targets, batches, order, cost, penalty, update, privacy, passes, chunks, workspaces, team, whole):
    """costs.size batch steps on theta [P] and update.state in place, from step batches.start of epoch order.epoch on, through any
    number of epochs; the cost of each to batches.costs.

    `passes` is one of Passes, `chunks` how many partial sums the threads of `team` share, `workspaces` a row for each of them;
    `whole` takes theta and the state as they are where an epoch begins.

    Gives how many steps were made, and an Ending: COST where the next one's cost is not finite, and theta is then as before that
    step; THETA where theta is not finite at the end of an epoch; NO_MEMORY where a thread found none. The cost of an empty batch is
    left alone, and it changes nothing unless it has noise.
    """
    lanes = lanes_of(theta)
    steps, panel, largest = batches.offsets.size - 1, panel_sizes(plan, lanes), largest_batch(batches.offsets)
    panels = lines_for(largest, lanes) if passes == WHOLE or passes == WHOLE_ON_THREADS else 0
    square = line(0, lanes, lanes)  # `pack` reads whole squares of lines
    stack, delta = np.empty(panels * panel.stack + square, theta.dtype), np.empty(panels * panel.deltas + square, theta.dtype)
    results = Results(np.empty((largest, panel.n), theta.dtype), np.empty(largest, theta.dtype),
                      np.empty((chunks, theta.size), theta.dtype))
    reduction_gradient = np.empty(largest, theta.dtype)
    data = np.empty(largest if cost.data.size > 0 else 0, theta.dtype)
    transposed = np.empty(theta.size if any_transposed(plan) else 0, theta.dtype)
    backward_weights = transposed if transposed.size > 0 else theta
    team.board[FAILED] = 0
    private, nothing = privacy.noise.shape[0] > 0, theta.dtype.type(0)
    e, t = order.epoch, batches.start
    for k in range(batches.costs.size):
        if t == 0:
            draw_order(order.code, order.seed, e, batches.indices)
            keep(theta, update.state, whole)
        samples = Samples(X, targets, batches.indices[batches.offsets[t]:batches.offsets[t + 1]])
        m, value = samples.indices.size, nothing
        if m > 0:
            for s in range(min(m, data.size)):
                data[s] = cost.data[samples.indices[s]]
            if transposed.size > 0:
                transpose_weights(theta, plan, transposed, (0, theta.size, 0))
            codes = CostCodes(cost.loss, cost.loss_parameter, cost.reduction, cost.reduction_parameter, data[:min(m, data.size)])
            batch = Batch(reduction_gradient[:m], results, stack, delta, workspaces, privacy.clipping)
            value = batch_gradient(passes, theta, backward_weights, plan, samples, codes, batch, team)
            if team.board[FAILED] != 0:
                return k, NO_MEMORY
        elif private:
            results.partial[0, :] = 0
        if private:
            add_noise(results.partial[0], privacy.noise[k], privacy.deviation, privacy.share)
        if m > 0 or private:
            if penalty.strength != 0.0:
                value += add_penalty(RIDGE, theta, penalty.spans, penalty.strength, results.partial[0])
            if m > 0:
                batches.costs[k] = value
            if not np.isfinite(value):
                return k, COST
            update_parameters(update.code, theta, results.partial[0], update.settings, update.state, update.trainable,
                              batches.rates[k], batches.first_time + k)  # eq. 21
        t += 1
        if t == steps:
            if not finite(theta):
                return k + 1, THETA
            e, t = e + 1, 0
    return batches.costs.size, DONE
