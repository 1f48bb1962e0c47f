"""Forward and back block by block, where nabla phi is known before the losses (mean, sum, weighted): a block's numbers stay in
the cache and no more than a block of them is held."""

from collections import namedtuple

import numpy as np

from .backward import block_gradient, deltas, gradient_work
from .forward import propagate_group, stack_lines
from .layout import WIDTH
from .levels import chunk_blocks, fold_levels, push_level
from .linked import kernel
from .losses import loss_and_gradient
from .simd import lanes_of
from .sums import BLOCK

Samples = namedtuple("Samples", "X targets indices")  # [., n_0], [., k], [m] or empty for all
LossCodes = namedtuple("LossCodes", "code parameter")
Results = namedtuple("Results", "outputs losses partial")  # [m, n], [m], [chunks, P]
BlockWork = namedtuple("BlockWork", "stack outputs targets losses gradients")


@kernel
def block_work(theta, plan, targets, samples):
    """Room for the forward pass, losses and their gradients of `samples` samples."""
    lanes = lanes_of(theta)
    n = plan[plan.shape[0] - 1, WIDTH]
    held = (samples + lanes - 1) // lanes * lanes
    return BlockWork(np.empty(held * stack_lines(plan) + lanes * lanes, theta.dtype), np.empty((samples, n), theta.dtype),
                     np.empty((samples, targets), theta.dtype), np.empty(samples, theta.dtype), np.empty((samples, n), theta.dtype))


@kernel
def losses_of(theta, plan, samples, loss, block, room):
    """A block = (first, count) forward, and its losses and their gradients, all into `room`."""
    first, count = block
    propagate_group(theta, plan, samples.X, samples.indices, block, room.stack, 0, room.outputs[:count], (1, plan.shape[0] - 1))
    for s in range(count):
        k = samples.indices[first + s] if samples.indices.size > 0 else first + s
        for p in range(room.targets.shape[1]):
            room.targets[s, p] = samples.targets[k, p]
    loss_and_gradient(loss.code, loss.parameter, room.outputs, room.targets, room.losses, room.gradients, (0, count))


@kernel
def scale_rows(values, factors, first, count):
    """Row s of values times factors[first + s]."""
    for s in range(count):
        for p in range(values.shape[1]):
            values[s, p] = factors[first + s] * values[s, p]  # eq. 18


@kernel
def streamed_chunk(theta, back, plan, samples, loss, reduction_gradient, results, chunk, rooms):
    """results.partial[c] = D_theta C of the blocks of chunk = (c, blocks in it, a power of two), and their outputs and losses."""
    c, size = chunk
    room, work = rooms
    m = reduction_gradient.size
    filled = 0
    for b in range(c * size, min((c + 1) * size, (m + BLOCK - 1) // BLOCK)):
        first = b * BLOCK
        count = min(BLOCK, m - first)
        losses_of(theta, plan, samples, loss, (first, count), room)
        for s in range(count):
            results.losses[first + s] = room.losses[s]
            for p in range(results.outputs.shape[1]):
                results.outputs[first + s, p] = room.outputs[s, p]
        scale_rows(room.gradients, reduction_gradient, first, count)
        deltas(theta, back, plan, room.stack, 0, room.gradients, (0, count), work.no_indices, work.delta)
        target = work.levels[filled] if size > 1 else results.partial[c]
        block_gradient(plan, room.stack, 0, work.delta, count, work.scratch, target)
        if size > 1:
            filled = push_level(work.levels, filled, b - c * size)
    if size > 1:
        fold_levels(work.levels, filled)
        results.partial[c] = work.levels[0]


@kernel
def streamed(theta, back, plan, samples, loss, reduction_gradient, results, chunks):
    """results.partial[c] = D_theta C of the blocks of chunk c (eq. 20), for c in chunks[0] … chunks[1] - 1."""
    m = reduction_gradient.size
    size, _ = chunk_blocks((m + BLOCK - 1) // BLOCK, results.partial.shape[0])
    room = block_work(theta, plan, samples.targets.shape[1], min(BLOCK, m))
    work = gradient_work(theta, plan, m, results.partial.shape[0])
    for c in range(chunks[0], chunks[1]):
        streamed_chunk(theta, back, plan, samples, loss, reduction_gradient, results, (c, size), (room, work))
