"""J^T H J v from the kept forward pass, block by block, where H_k [n, n] of sample k is the loss's Hessian times (∇φ)_k, or what
stands in its place."""

from .deltas import deltas
from .layout import line, lines_for, padded, panel_sizes
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel
from .outer_products import block_gradient
from .output_curvature import curvature_lines, curve
from .simd import lanes_of
from .sum_workspace import sum_workspace_of
from .sums import BLOCK
from .tangents import tangents


@kernel
def ggn_product(theta, backward_weights, plan, stack, curvature, direction, partial, workspaces, span):
    """partial[c] = J^T H J v of the blocks of chunk c, v = `direction` [P], for the chunks of `span`, which are cut as those of
    `gradient` are; through the slot's row of `workspaces`."""
    lanes = lanes_of(theta)
    panel, m = panel_sizes(plan, lanes), curvature.samples
    first, stop, slot = span
    blocks = lines_for(m, BLOCK)
    workspace = sum_workspace_of(workspaces[slot], plan, m, theta.size, partial.shape[0])
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    top = (panel.chain, panel.deltas)
    for b in blocks_of(tree, first, stop):
        count = min(BLOCK, m - b * BLOCK)
        j, panels = b * BLOCK // lanes, lines_for(count, lanes)
        tangents(theta, direction, plan, stack, j * panel.stack, workspace.second, panels)  # J v
        h = (line(0, j * curvature_lines(panel.n, curvature.rank), lanes), curvature.rank)
        curve(curvature.lines, h, workspace.second, top, workspace.delta, top, (panel.n, panels))  # H J v
        deltas(backward_weights, plan, stack, j * panel.stack, workspace.delta, 0, padded(count, lanes))
        block_gradient(plan, stack, j * panel.stack, workspace.delta, 0, count, workspace.scratch, summand(tree, b))  # J^T H J v
        add_up(tree, b)
