"""The first of two passes: the losses of all samples, of whose stacks no more than a block a thread is held."""

from .backward import room_of
from .linked import kernel
from .streamed import block_losses
from .sums import BLOCK


@kernel
def first_pass(theta, plan, samples, loss, outputs, losses, work, blocks):
    """a^L to outputs [m, n] and L_k to losses [m] (eq. 11–13) of blocks blocks[0] … blocks[1] - 1; row blocks[2] of `work` is their
    room."""
    m = losses.size
    room = room_of(work[blocks[2]], plan, min(BLOCK, m), theta.size)
    for b in range(blocks[0], blocks[1]):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, room.stack, 0, room.delta, 0, room, outputs, losses)
