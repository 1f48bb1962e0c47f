"""D_theta C = D_A C · D_theta A without a chain (eq. 20): one vector delta^l = D_{z^l} C per sample, then sums over samples."""

import numpy as np

from .deltas import deltas
from .forward import propagate_group
from .gradient_workspace import workspace_of
from .layout import lines_for, panel_sizes
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel
from .outer_products import block_gradient
from .panels import gather
from .simd import lanes_of
from .sums import BLOCK


@kernel
def gradient(theta, backward_weights, plan, X, stack, output_gradient, partial, workspaces, span):
    """partial[c] = D_theta C of the blocks of chunk c, for the chunks of `span`, from the stacks of all samples or, where `stack`
    is empty, from X [m, n_0]; through the slot's row of `workspaces`.

    A chunk is a power of two of blocks, a node of the fixed tree of sums; there are as many as partial [chunks, P] has rows.
    """
    lanes, panel = lanes_of(theta), panel_sizes(plan, lanes_of(theta))
    first, stop, slot = span
    m, n = output_gradient.shape
    every_sample = np.empty(0, np.int64)
    workspace = workspace_of(workspaces[slot], plan, min(BLOCK, m), theta.size)
    blocks = lines_for(m, BLOCK)
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        sample, count = b * BLOCK, min(BLOCK, m - b * BLOCK)
        kept, offset = stack, sample // lanes * panel.stack
        if stack.size == 0:
            kept, offset = workspace.stack, 0
            outputs = workspace.targets[:count * n].reshape((count, n))
            propagate_group(theta, plan, X, every_sample, (sample, count), kept, 0, outputs, (1, panel.depth))
        gather(output_gradient, every_sample, sample, count, workspace.delta, panel.chain, panel.deltas)
        deltas(backward_weights, plan, kept, offset, workspace.delta, 0, count)
        block_gradient(plan, kept, offset, workspace.delta, 0, count, workspace.scratch, summand(tree, b))  # eq. 20
        add_up(tree, b)
