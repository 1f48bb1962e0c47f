"""The first of two passes: the losses of all samples, of whose stacks no more than a block per thread is held."""

from .gradient_workspace import workspace_of
from .linked import kernel
from .streamed import Kept, block_losses
from .sums import BLOCK


@kernel
def first_pass(theta, plan, samples, loss, outputs, losses, workspaces, span):
    """a^L to outputs [m, n] and L_k to losses [m] (eq. 11–13) of the blocks of `span`, through the slot's row of `workspaces`."""
    m = losses.size
    first, stop, slot = span
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    for b in range(first, stop):
        block = (b * BLOCK, min(BLOCK, m - b * BLOCK))
        block_losses(theta, plan, samples, loss, block, Kept(workspace.stack, 0, workspace.delta, 0), workspace, outputs, losses)
