"""A whole epoch of batch steps in one call (paper §1, eq. 1–21): the same kernels as step by step, hence the same bits."""

from collections import namedtuple

import numpy as np

from .backward import delta_lines, room_of
from .forward import stack_lines
from .layout import WIDTH
from .levels import chunk_blocks, fold_levels_into, push_level
from .linked import kernel
from .reductions import known_gradient, reduce_losses
from .simd import lanes_of
from .streamed import LossCodes, Results, Samples, block_losses, block_sum, streamed_chunk
from .sums import BLOCK
from .transposed import any_turned, turn_over
from .updates import update_parameters

Batches = namedtuple("Batches", "indices offsets rates first_time costs")  # [.], [steps + 1], [steps], int, [steps]
CostCodes = namedtuple("CostCodes", "loss loss_parameter reduction reduction_parameter data")
UpdateCodes = namedtuple("UpdateCodes", "code settings state trainable")


@kernel
def whole_batch(theta, back, plan, samples, cost, data, gradient, results, held, room):
    """C and results.partial[0] = D_theta C of a batch whose ∇φ needs all the losses first; held = (stacks, deltas) of all of it."""
    m = samples.indices.size
    stack, delta = held
    loss = LossCodes(cost.loss, cost.loss_parameter)
    blocks = (m + BLOCK - 1) // BLOCK
    for b in range(blocks):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        place, d_place = block[0] * stack_lines(plan), block[0] * delta_lines(plan)
        block_losses(theta, plan, samples, loss, block, stack, place, delta, d_place, room, results.outputs, results.losses)
    value = reduce_losses(cost.reduction, cost.reduction_parameter, data, results.losses[:m], gradient)
    filled = 0
    for b in range(blocks):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        place, d_place = block[0] * stack_lines(plan), block[0] * delta_lines(plan)
        target = room.levels[filled] if blocks > 1 else results.partial[0]
        block_sum(theta, back, plan, gradient, block, stack, place, delta, d_place, room, target)
        if blocks > 1:
            filled = push_level(room.levels, filled, b)
    if blocks > 1:
        fold_levels_into(results.partial[0], room.levels, filled)
    return value


@kernel
def epoch(theta, plan, X, targets, batches, cost, update, row):
    """Every batch step of an epoch on theta [P] and update.state in place; the cost of each step to batches.costs; `row` is room
    for one chunk of the largest batch.

    Gives the number of steps made: fewer than there are where a cost is not finite, and theta is then as before that step.
    An empty batch changes nothing and its cost is left alone.
    """
    lanes, n = lanes_of(theta), plan[plan.shape[0] - 1, WIDTH]
    largest = 0
    for t in range(batches.offsets.size - 1):
        largest = max(largest, batches.offsets[t + 1] - batches.offsets[t])
    known = known_gradient(cost.reduction)
    loss = LossCodes(cost.loss, cost.loss_parameter)
    room = room_of(row, plan, min(BLOCK, largest), theta.size)
    everything = 0 if known else largest + lanes
    held = (np.empty(everything * stack_lines(plan) + lanes * lanes, theta.dtype),
            np.empty(everything * delta_lines(plan) + lanes * lanes, theta.dtype))
    results = Results(np.empty((largest, n), theta.dtype), np.empty(largest, theta.dtype), np.empty((1, theta.size), theta.dtype))
    reduction_gradient = np.empty(largest, theta.dtype)
    data = np.empty(largest if cost.data.size > 0 else 0, theta.dtype)
    turning = any_turned(plan)
    back = np.empty(theta.size if turning else 0, theta.dtype)
    for t in range(batches.offsets.size - 1):
        samples = Samples(X, targets, batches.indices[batches.offsets[t]:batches.offsets[t + 1]])
        m = samples.indices.size
        if m == 0:
            continue
        if data.size > 0:
            for s in range(m):
                data[s] = cost.data[samples.indices[s]]
        if turning:
            turn_over(theta, plan, back, (0, theta.size, 0))
        road_back = back if turning else theta
        gradient, losses = reduction_gradient[:m], results.losses[:m]
        if known:
            reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], losses, gradient)
            chunk = (0, chunk_blocks((m + BLOCK - 1) // BLOCK, 1)[0])
            streamed_chunk(theta, road_back, plan, samples, loss, gradient, results, chunk, room)
            value = reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], losses, gradient)
        else:
            value = whole_batch(theta, road_back, plan, samples, cost, data[:m], gradient, results, held, room)
        batches.costs[t] = value
        if not np.isfinite(value):
            return t
        update_parameters(update.code, update.settings, theta, results.partial[0], update.state, update.trainable,
                          batches.rates[t], batches.first_time + t)  # eq. 21
    return batches.offsets.size - 1
