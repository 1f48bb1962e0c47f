"""Forward and back block by block, where nabla phi is known before the losses (mean, sum, weighted): a block's numbers stay in
the cache and no more than a block of them is held."""

from collections import namedtuple

from .backward import block_gradient, delta_lines, deltas, room_of, top_line
from .forward import propagate_group, stack_lines
from .layout import WIDTH
from .levels import chunk_blocks, fold_levels_into, push_level
from .linked import kernel
from .losses import gather_targets, panel_losses
from .simd import lanes_of, line_products
from .sums import BLOCK

Samples = namedtuple("Samples", "X targets indices")  # [., n_0], [., n] or [., 1], [m] or empty for all
LossCodes = namedtuple("LossCodes", "code parameter")
Results = namedtuple("Results", "outputs losses partial")  # [m, n], [m], [chunks, P]


@kernel
def block_losses(theta, plan, samples, loss, block, stack, place, delta, d_place, room, outputs, losses):
    """A block = (first, count) forward into its stacks from `place`; ∇L in the lines of delta^L from d_place; a^L and L to the
    block's rows of `outputs` [m, n] and `losses` [m]."""
    lanes, depth = lanes_of(theta), plan.shape[0] - 1
    first, count = block
    n, stride, d_stride = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    propagate_group(theta, plan, samples.X, samples.indices, block, stack, place, outputs[first:first + count], (1, depth))
    gather_targets(samples.targets, samples.indices, first, count, n, room.targets, 0, n * lanes)
    a_top = place + (top_line(plan) + plan[0, WIDTH]) * lanes
    panel_losses(loss.code, loss.parameter, stack, (a_top, stride), room.targets, (0, n * lanes), room.losses, 0,
                 delta, (d_place + top_line(plan) * lanes, d_stride), room.lines, n, (count + lanes - 1) // lanes)
    for s in range(count):
        losses[first + s] = room.losses[s]


@kernel
def block_sum(theta, back, plan, reduction_gradient, block, stack, place, delta, d_place, room, out):
    """D_theta C of a block = (first, count), from its stacks and the ∇L that `block_losses` left, to out [P]."""
    lanes = lanes_of(theta)
    first, count = block
    n, d_stride = plan[plan.shape[0] - 1, WIDTH], delta_lines(plan) * lanes
    for j in range((count + lanes - 1) // lanes):
        factors, at = reduction_gradient, first + j * lanes
        if j * lanes + lanes > count:
            factors, at = room.lines, 0
            for s in range(lanes):
                factors[s] = reduction_gradient[first + min(j * lanes + s, count - 1)]
        top = d_place + j * d_stride + top_line(plan) * lanes
        line_products(factors, at, delta, top, delta, top, n)  # eq. 18
    deltas(theta, back, plan, stack, place, delta, d_place, count)
    block_gradient(plan, stack, place, delta, d_place, count, room.scratch, out)  # eq. 20


@kernel
def streamed_chunk(theta, back, plan, samples, loss, reduction_gradient, results, chunk, room):
    """results.partial[c] = D_theta C of the blocks of chunk = (c, blocks in it, a power of two), and their outputs and losses."""
    c, size = chunk
    m = reduction_gradient.size
    filled = 0
    for b in range(c * size, min((c + 1) * size, (m + BLOCK - 1) // BLOCK)):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, room.stack, 0, room.delta, 0, room, results.outputs, results.losses)
        target = room.levels[filled] if size > 1 else results.partial[c]
        block_sum(theta, back, plan, reduction_gradient, block, room.stack, 0, room.delta, 0, room, target)
        if size > 1:
            filled = push_level(room.levels, filled, b - c * size)
    if size > 1:
        fold_levels_into(results.partial[c], room.levels, filled)


@kernel
def streamed(theta, back, plan, samples, loss, reduction_gradient, results, work, chunks):
    """results.partial[c] = D_theta C of the blocks of chunk c (eq. 20), for c in chunks[0] … chunks[1] - 1; row chunks[2] of
    `work` is its room."""
    m = reduction_gradient.size
    size, _ = chunk_blocks((m + BLOCK - 1) // BLOCK, results.partial.shape[0])
    room = room_of(work[chunks[2]], plan, min(BLOCK, m), theta.size)
    for c in range(chunks[0], chunks[1]):
        streamed_chunk(theta, back, plan, samples, loss, reduction_gradient, results, (c, size), room)
