"""The diagonal of J^T H J: sums over samples of diag((B^l)^T H B^l) ⊗ (a^{l-1})^2, from the kept forward pass."""

import numpy as np

from .chain import cached_panels, chain_panels
from .deltas import deltas
from .layout import line, lines_for, padded, panel_sizes, places
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel, shared
from .outer_products import block_gradient
from .output_curvature import ENTRIES, Curvature, base_lines, curvature_lines, quadratic_lines, softmax_diagonal, term_count
from .product import pack
from .signatures import Line, Pair, Plan
from .simd import fma_lines, lanes_of, multiply_lines
from .sum_workspace import sum_workspace_of
from .sums import BLOCK


@shared
def panel_factors(theta: Line, backward_weights: Line, plan: Plan, stack: Line, curvature: Curvature, chain: Line, scratch: Line,
                  out: Line, offset: int, panels: Pair):
    """diag((B^l)^T H B^l) for l = 1 … L and every sample of panels panels[0] … panels[1] - 1, from the chains, into
    out [panels][n_1 + … + n_L][lanes] from `offset`; through chain [panels][n][.] and scratch, two outputs' chains."""
    lanes = lanes_of(theta)
    panel, rank = panel_sizes(plan, lanes), curvature.rank
    size = line(0, curvature_lines(panel.n, rank), lanes)
    first, stop = panels
    chain_panels(theta, backward_weights, plan, stack, chain, 0, panels)
    for j in range(first, stop):
        factors = offset + (j - first) * panel.deltas
        quadratic_lines(curvature.lines, (j * size, rank), panel.n, chain, ((j - first) * panel.n * panel.chain, panel.chain), out,
                        (factors, panel.chain // lanes), scratch)
        top_factors(plan, stack, j, curvature, j * size, out, factors)


@kernel
def diagonal_factors(theta, backward_weights, plan, stack, curvature, out, span):
    """The factors diag((B^l)^T H B^l) of the panels of `span`, each panel's at its own offset in `out`."""
    lanes = lanes_of(theta)
    panel, panels = panel_sizes(plan, lanes), cached_panels(plan, lanes, theta.itemsize)
    chain, scratch = np.empty(panels * panel.n * panel.chain, theta.dtype), np.empty(2 * panel.chain, theta.dtype)
    first, stop, _ = span
    for j in range(first, stop, panels):
        panel_factors(theta, backward_weights, plan, stack, curvature, chain, scratch, out, j * panel.deltas,
                      (j, min(j + panels, stop)))


@kernel
def top_factors(plan, stack, j, curvature, h, out, offset):
    """Those of layer L of panel j, where B^L is the diagonal of gamma^L; its H begins at `h`, its factors at `offset` in out."""
    lanes = lanes_of(stack)
    panel, top, rank = panel_sizes(plan, lanes), places(plan, plan.shape[0] - 1, lanes), curvature.rank
    scratch = np.empty(lanes, stack.dtype)
    gammas, factors = j * panel.stack + top.gamma, offset + top.delta
    if rank < ENTRIES:
        softmax_diagonal(curvature.lines, h, panel.n, stack, gammas, out, factors, scratch)
    for i in range(panel.n):
        gamma, factor = line(gammas, i, lanes), line(factors, i, lanes)
        if rank >= ENTRIES:
            entry = line(h, i * panel.n + i if rank == ENTRIES else i, lanes)
            quadratic_lines(curvature.lines, (entry, min(rank, 0)), 1, stack, (gamma, 0), out, (factor, 1), scratch)
        for r in range(term_count(rank)):
            x = line(h, base_lines(panel.n, rank) + r * (panel.n + 1), lanes)
            multiply_lines(stack, gamma, curvature.lines, line(x, i, lanes), scratch, 0, 1)
            multiply_lines(scratch, 0, scratch, 0, scratch, 0, 1)
            fma_lines(scratch, (0, 0), curvature.lines, (line(x, panel.n, lanes), 0), out, (factor, 0), 1)


@kernel
def rank_factors(theta, backward_weights, plan, stack, curvature, out, span):
    """The same where every h is 0: the sum over r of s_r ((B^l)^T x_r)^2, without a chain."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    delta, squares = np.empty(panel.deltas, theta.dtype), np.empty(panel.deltas, theta.dtype)
    size = line(0, curvature_lines(panel.n, curvature.rank), lanes)
    first, stop, _ = span
    for j in range(first, stop):
        out[j * panel.deltas:(j + 1) * panel.deltas] = 0
        for r in range(curvature.rank):
            x = line(j * size, panel.n + r * (panel.n + 1), lanes)
            scale = line(x, panel.n, lanes)
            for i in range(scale - x):
                delta[panel.chain + i] = curvature.lines[x + i]
            deltas(backward_weights, plan, stack, j * panel.stack, delta, 0, lanes)
            multiply_lines(delta, 0, delta, 0, squares, 0, panel.deltas // lanes)
            fma_lines(squares, (0, lanes), curvature.lines, (scale, 0), out, (j * panel.deltas, lanes), panel.deltas // lanes)


@kernel
def square_inputs(plan, stack, offset, squares, panels):
    """The squares of a^0 … a^{L-1} of panels whose stacks begin at `offset`, laid out as a stack from 0."""
    lanes = lanes_of(stack)
    stride, top = panel_sizes(plan, lanes).stack, places(plan, plan.shape[0] - 1, lanes)
    for j in range(panels):
        inputs = offset + j * stride
        multiply_lines(stack, inputs, stack, inputs, squares, j * stride, top.a // lanes)


@kernel
def square_sums(theta, plan, stack, factors, m, partial, workspaces, span):
    """partial[c] = the sum over the samples of chunk c of factors^l ⊗ (a^{l-1})^2 and factors^l, for the chunks of `span`; through
    the slot's row of `workspaces`."""
    lanes = lanes_of(theta)
    panel, blocks = panel_sizes(plan, lanes), lines_for(m, BLOCK)
    first, stop, slot = span
    workspace = sum_workspace_of(workspaces[slot], plan, m, theta.size, partial.shape[0])
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        j, count = b * BLOCK // lanes, min(BLOCK, m - b * BLOCK)
        square_inputs(plan, stack, j * panel.stack, workspace.second, lines_for(count, lanes))
        block_gradient(plan, workspace.second, 0, factors, j * panel.deltas, count, workspace.scratch, summand(tree, b))
        add_up(tree, b)


@kernel
def pack_squares(plan, stack, m, size, packed, span):
    """The squares of a^0 … a^{L-1} of the blocks of `span`, packed, `size` numbers per block."""
    lanes = lanes_of(stack)
    stride = panel_sizes(plan, lanes).stack
    squares = np.empty(BLOCK // lanes * stride + line(0, lanes, lanes), stack.dtype)
    first, stop, _ = span
    for b in range(first, stop):
        count = min(BLOCK, m - b * BLOCK)
        square_inputs(plan, stack, b * BLOCK // lanes * stride, squares, lines_for(count, lanes))
        offset = b * size
        for l in range(1, plan.shape[0]):
            at = places(plan, l, lanes)
            pack(squares, (at.a_below, stride), at.before, count, packed, offset, BLOCK)
            offset += padded(at.before, lanes) * BLOCK
