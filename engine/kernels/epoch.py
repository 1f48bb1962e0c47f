"""A whole epoch of batch steps in one call (paper §1, eq. 1–21): the same kernels as step by step, hence the same bits."""

from collections import namedtuple

import numpy as np

from .backward import gradient_chunk, gradient_work
from .layout import WIDTH
from .levels import chunk_blocks
from .linked import kernel
from .reductions import known_gradient, reduce_losses
from .streamed import LossCodes, Results, Samples, block_work, losses_of, scale_rows, streamed_chunk
from .sums import BLOCK
from .transposed import any_turned, turn_over
from .updates import update_parameters

Batches = namedtuple("Batches", "indices offsets rates first_time costs")  # [.], [steps + 1], [steps], int, [steps]
CostCodes = namedtuple("CostCodes", "loss loss_parameter reduction reduction_parameter data")
UpdateCodes = namedtuple("UpdateCodes", "code settings state trainable")


@kernel
def epoch(theta, plan, X, targets, batches, cost, update):
    """Every batch step of an epoch on theta [P] and update.state in place; the cost of each step to batches.costs.

    Gives the number of steps made: fewer than there are where a cost is not finite, and theta is then as before that step.
    An empty batch changes nothing and its cost is left alone.
    """
    n = plan[plan.shape[0] - 1, WIDTH]
    largest = 0
    for t in range(batches.offsets.size - 1):
        largest = max(largest, batches.offsets[t + 1] - batches.offsets[t])
    known = known_gradient(cost.reduction)
    loss = LossCodes(cost.loss, cost.loss_parameter)
    room = block_work(theta, plan, targets.shape[1], min(BLOCK, largest) if known else largest)
    work = gradient_work(theta, plan, largest, 1)
    outputs, losses = np.empty((largest, n), theta.dtype), np.empty(largest, theta.dtype)
    reduction_gradient = np.empty(largest, theta.dtype)
    data = np.empty(largest if cost.data.size > 0 else 0, theta.dtype)
    sums = np.empty((1, theta.size), theta.dtype)
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
            turn_over(theta, plan, back, (0, theta.size))
        road_back = back if turning else theta
        chunk = (0, chunk_blocks((m + BLOCK - 1) // BLOCK, 1)[0])
        gradient = reduction_gradient[:m]
        if known:
            reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], losses[:m], gradient)
            streamed_chunk(theta, road_back, plan, samples, loss, gradient, Results(outputs, losses, sums), chunk, (room, work))
            value = reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], losses[:m], gradient)
        else:
            losses_of(theta, plan, samples, loss, (0, m), room)
            value = reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], room.losses[:m], gradient)
            scale_rows(room.gradients, gradient, 0, m)
            gradient_chunk(theta, road_back, plan, room.stack, room.gradients[:m], sums, chunk, work)  # eq. 20
        batches.costs[t] = value
        if not np.isfinite(value):
            return t
        update_parameters(update.code, update.settings, theta, sums[0], update.state, update.trainable,
                          batches.rates[t], batches.first_time + t)  # eq. 21
    return batches.offsets.size - 1
