"""A whole epoch of batch steps in one call (paper §1, eq. 1–21): the same kernels as step by step, hence the same bits."""

from collections import namedtuple

import numpy as np

from .backward import gradient
from .compiled import kernel
from .forward import propagate, stack_lines
from .layout import LINE
from .losses import loss_and_gradient
from .reductions import reduce_losses
from .updates import update_parameters

Samples = namedtuple("Samples", "X targets")  # [m, n_0], [m, k]
Batches = namedtuple("Batches", "indices offsets rates first_time costs")  # [.], [steps + 1], [steps], int, [steps]
CostCodes = namedtuple("CostCodes", "loss loss_parameter reduction reduction_parameter data")
UpdateCodes = namedtuple("UpdateCodes", "code settings state trainable")


@kernel
def epoch(theta, plan, samples, batches, cost, update):
    """Every batch step of an epoch on theta [P] and update.state in place; the cost of each step to batches.costs.

    Gives the number of steps made: fewer than there are where a cost is not finite, and theta is then as before that step.
    An empty batch changes nothing and its cost is left alone.
    """
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    n = plan[depth, 0]
    largest = 0
    for t in range(batches.offsets.size - 1):
        largest = max(largest, batches.offsets[t + 1] - batches.offsets[t])
    panels = (largest + lanes - 1) // lanes
    stack = np.empty(panels * stack_lines(plan) * lanes, theta.dtype)
    outputs, loss_gradients = np.empty((largest, n), theta.dtype), np.empty((largest, n), theta.dtype)
    targets = np.empty((largest, samples.targets.shape[1]), theta.dtype)
    losses, reduction_gradient = np.empty(largest, theta.dtype), np.empty(largest, theta.dtype)
    data = np.empty(largest if cost.data.size > 0 else 0, theta.dtype)
    sums = np.empty((1, theta.size), theta.dtype)
    for t in range(batches.offsets.size - 1):
        indices = batches.indices[batches.offsets[t]:batches.offsets[t + 1]]
        m = indices.size
        if m == 0:
            continue
        for s in range(m):
            for p in range(targets.shape[1]):
                targets[s, p] = samples.targets[indices[s], p]
            if data.size > 0:
                data[s] = cost.data[indices[s]]
        propagate(theta, plan, samples.X, indices, stack, outputs[:m], (1, depth), (0, (m + lanes - 1) // lanes))
        loss_and_gradient(cost.loss, cost.loss_parameter, outputs[:m], targets[:m], losses, loss_gradients, (0, m))
        value = reduce_losses(cost.reduction, cost.reduction_parameter, data[:m], losses[:m], reduction_gradient[:m])
        batches.costs[t] = value
        if not np.isfinite(value):
            return t
        for s in range(m):
            for p in range(n):
                loss_gradients[s, p] = reduction_gradient[s] * loss_gradients[s, p]  # eq. 18
        gradient(theta, plan, samples.X, indices, stack, loss_gradients[:m], sums, (0, 1))  # eq. 20
        update_parameters(update.code, update.settings, theta, sums[0], update.state, update.trainable,
                          batches.rates[t], batches.first_time + t)  # eq. 21
    return batches.offsets.size - 1
