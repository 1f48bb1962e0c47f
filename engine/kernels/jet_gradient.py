"""Sums over samples of rows of J times weights (eq. 20 and 25): J^T u of residuals of jets, block by block up the fixed tree."""

import numpy as np

from .jet_errors import gather_seeds, jet_errors
from .jet_workspace import components, jet_workspace_of, panel_of
from .jets import fixed_components, jets_of_panel
from .layout import line, lines_for, padded, panel_sizes, places, samples_in
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel
from .outer_products import bias_gradient, inputs_as_rows
from .product import pack, sample_product
from .simd import lanes_of

JET_BLOCK = 32  # samples whose rows are summed in order; a constant


@kernel
def jet_block_gradient(plan, jet, panels, workspace, out):
    """The sum over a block's panels, components and samples of z̄^l_k ⊗ a^{l-1}_k, in this order, and of z̄^l_0, to out [P]."""
    lanes = lanes_of(out)
    panel, samples, scratch = panel_sizes(plan, lanes), line(0, components(jet) * panels, lanes), workspace.columns
    b = (0, line(0, samples, lanes))
    for l in range(1, plan.shape[0]):
        at = places(plan, l, lanes)
        a, d = (at.a_below, panel.stack), (at.delta, panel.deltas)
        tile = scratch[padded(max(at.width, at.before), lanes) * samples:]
        if inputs_as_rows(plan, l, lanes):
            pack(workspace.delta, d, at.width, samples, scratch, 0, samples)
            sample_product(workspace.stack, a, scratch, b, tile, out, (at.weight, 1, at.before),
                           (at.before, at.width, samples))  # eq. 20 and 25
        else:
            pack(workspace.stack, a, at.before, samples, scratch, 0, samples)
            sample_product(workspace.delta, d, scratch, b, tile, out, (at.weight, at.before, 1),
                           (at.width, at.before, samples))  # eq. 20 and 25
        bias_gradient(workspace.delta, (at.delta, components(jet) * panel.deltas), panels, out, at.bias, at.width)


@kernel
def jet_gradient(theta, backward_weights, plan, jet, X, seeds, partial, workspaces, span):
    """partial[c] = J^T u of the blocks of chunk c, for the chunks of `span`, from the seeds [m, K n]: u times the residuals'
    derivatives in the jet."""
    lanes = lanes_of(theta)
    first, stop, slot = span
    workspace = jet_workspace_of(workspaces[slot], plan, jet, JET_BLOCK, 1)
    blocks = lines_for(X.shape[0], JET_BLOCK)
    size, height = chunk_blocks(blocks, partial.shape[0])
    tree = Tree(partial, np.empty((height if size > 1 else 0, theta.size), theta.dtype), size, blocks)
    for j in range(lines_for(JET_BLOCK, lanes)):
        fixed_components(theta, plan, jet, panel_of(workspace, plan, jet, j))
    for b in blocks_of(tree, first, stop):
        sample, count = b * JET_BLOCK, min(JET_BLOCK, X.shape[0] - b * JET_BLOCK)
        panels = lines_for(count, lanes)
        for j in range(panels):
            first_of_panel, samples, own = line(sample, j, lanes), samples_in(j, lanes, count), panel_of(workspace, plan, jet, j)
            jets_of_panel(theta, plan, jet, X, first_of_panel, samples, own, 1)
            gather_seeds(jet, seeds, first_of_panel, samples, own)
            jet_errors(backward_weights, plan, jet, 0, own)
        jet_block_gradient(plan, jet, panels, workspace, summand(tree, b))
        add_up(tree, b)
