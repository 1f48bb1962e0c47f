"""Sums of single samples' gradients and of their squared distances from the mean, block by block and up the fixed tree.

A node holds 2 P numbers: the sum of g_k = ∇L_k over its samples, and M_2 = the sum of (g_k - their mean)^2. Two nodes are joined as
in Chan, Golub & LeVeque (1983, doi 10.1080/00031305.1983.10483115), so that samples are read once and nothing large cancels.
"""

from typing import NamedTuple

import numpy as np

from .deltas import deltas
from .ggn_diagonal import square_inputs
from .gradient_workspace import workspace_of, workspace_size
from .layout import line, lines_for, padded, panel_sizes, places
from .levels import Tree, blocks_of, chunk_blocks, level_of, summand
from .linked import kernel
from .outer_products import block_gradient
from .panels import gather
from .signatures import Line
from .simd import dot_lines, lanes_of, multiply_lines, sum_lines
from .streamed import Kept, block_losses
from .sums import BLOCK

PIECE = 512  # numbers of theta whose nodes are joined at once, in the first-level cache
SHARE = 4  # M_2 is taken from the sum of squares where it is no less than a fourth of it, so that two bits are lost at most


class SquareWorkspace(NamedTuple):
    """What the squares of a block's factors take."""

    stack: Line  # a^2, laid out as stacks
    delta: Line  # delta^2
    lines: Line  # one number for each sample of a block, a line of sums, and a line of ones


@kernel
def square_offsets(plan, lanes, samples):
    """Where the parts of a SquareWorkspace begin, from the second on, and where the last ends; `pack` reads whole squares."""
    panel, panels, square = panel_sizes(plan, lanes), lines_for(samples, lanes), line(0, lanes, lanes)
    delta = panels * panel.stack + square
    lines = delta + panels * panel.deltas + square
    return delta, lines, line(lines, panels + 2, lanes)


@kernel
def moments_size(plan, lanes, samples, parameters, blocks, chunks):
    """Numbers of workspace that `moments` needs for so many blocks, of `samples` samples at most, in `chunks` chunks."""
    return square_offsets(plan, lanes, samples)[2] + workspace_size(plan, lanes, samples, 2 * parameters, blocks, chunks)


@kernel
def square_workspace_of(row, plan, samples):
    """A SquareWorkspace cut from the front of a row of numbers."""
    delta, lines, end = square_offsets(plan, lanes_of(row), samples)
    return SquareWorkspace(row[:delta], row[delta:lines], row[lines:end])


@kernel
def squared_distances(delta, d, inputs, a, mean, count, lines):
    """The sum over `count` samples of (delta_k a_k - mean)^2 for one neuron and one input; d, a = (offset, panel stride)."""
    lanes = lanes_of(lines)
    panels = lines_for(count, lanes)
    for j in range(panels):
        multiply_lines(delta, d[0] + j * d[1], inputs, a[0] + j * a[1], lines, line(0, j, lanes), 1)
    for s in range(count):
        lines[s] -= mean
    for s in range(count, padded(count, lanes)):
        lines[s] = 0
    total = lines.size - line(0, 2, lanes)
    dot_lines(lines, 0, lines, 0, lines, total, panels)
    return sum_lines(lines, total, lanes, 1)


@kernel
def subtract_means(sums, squares, each):
    """M_2 = squares - sums^2 · each in place of `squares`, or a negative number where that cancels or overflows; how many those
    are."""
    share, infinite, cancelled = sums.dtype.type(SHARE), sums.dtype.type(np.inf), 0
    for k in range(sums.size):
        rest = squares[k] - sums[k] * sums[k] * each
        kept = rest * share >= squares[k] and rest < infinite
        squares[k] = rest if kept else -each
        cancelled += 0 if kept else 1
    return cancelled


@kernel
def measure_again(plan, kept, count, lines, sums, squares):
    """M_2 from the distances themselves wherever `subtract_means` left a negative number."""
    lanes, zero, total = lanes_of(lines), lines.dtype.type(0), lines.dtype.type(count)
    panel, ones = panel_sizes(plan, lanes), lines.size - lanes
    for s in range(lanes):
        lines[ones + s] = 1
    for l in range(1, panel.depth + 1):
        at = places(plan, l, lanes)
        for p in range(at.width):
            d = line(kept.delta_offset + at.delta, p, lanes), panel.deltas
            for q in range(at.before):
                k = at.weight + p * at.before + q
                if squares[k] < zero:
                    a = line(kept.offset + at.a_below, q, lanes), panel.stack
                    squares[k] = squared_distances(kept.delta, d, kept.stack, a, sums[k] / total, count, lines)  # eq. 8 and 17
            k = at.bias + p
            if squares[k] < zero:
                squares[k] = squared_distances(kept.delta, d, lines, (ones, 0), sums[k] / total, count, lines)


@kernel
def block_moments(plan, kept, count, workspace, scratch, node):
    """The node [2 P] of a block of `count` samples from their stacks and deltas. delta ⊗ a squared is delta^2 ⊗ a^2: the sum of
    squares is a product of the same shape as the gradient."""
    lanes, size = lanes_of(node), node.size // 2
    panel, panels, each = panel_sizes(plan, lanes), lines_for(count, lanes), node.dtype.type(1.0 / count)
    sums, squares = node[:size], node[size:]
    block_gradient(plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count, scratch, sums)
    square_inputs(plan, kept.stack, kept.offset, workspace.stack, panels)
    multiply_lines(kept.delta, kept.delta_offset, kept.delta, kept.delta_offset, workspace.delta, 0,
                   panels * (panel.deltas // lanes))
    block_gradient(plan, workspace.stack, 0, workspace.delta, 0, count, scratch, squares)
    if subtract_means(sums, squares, each) > 0:
        measure_again(plan, kept, count, workspace.lines, sums, squares)


@kernel
def join_moments(node, other, count, other_count, span):
    """The node of `count` samples becomes that of these and the `other_count` samples of another, for the numbers of theta in
    `span`."""
    (first, stop), size, kind = span, node.size // 2, node.dtype.type
    each, other_each = kind(1.0 / count), kind(1.0 / other_count)
    weight = kind(float(count) * other_count / (count + other_count))
    sums, squares = node[first:stop], node[size + first:size + stop]
    other_sums, other_squares = other[first:stop], other[size + first:size + stop]
    for k in range(sums.size):
        distance = other_sums[k] * other_each - sums[k] * each
        squares[k] += other_squares[k] + weight * (distance * distance)
        sums[k] += other_sums[k]


@kernel
def samples_between(first, stop, m):
    """How many of m samples lie in the blocks `first` … `stop` - 1."""
    return min(stop * BLOCK, m) - first * BLOCK


@kernel
def join_levels(levels, i, starts, stop, m):
    """Join levels i and i + 1, which begin at the blocks of `starts` and end before block `stop`, into level i."""
    join_moments(levels[i], levels[i + 1], samples_between(starts[i], starts[i + 1], m), samples_between(starts[i + 1], stop, m),
                 (0, levels.shape[1] // 2))


@kernel
def join_up(tree, block, m, starts):
    """What `add_up` does for sums: join the nodes that are complete once the summand of `block` is written."""
    if tree.size == 1:
        return
    index = block % tree.size
    filled, rest = level_of(index), index
    starts[filled] = block
    while rest & 1:
        join_levels(tree.levels, filled - 1, starts, block + 1, m)
        filled -= 1
        rest >>= 1
    if index == tree.size - 1 or block == tree.blocks - 1:
        for i in range(filled - 1, -1, -1):
            join_levels(tree.levels, i, starts, block + 1, m)
        out = tree.partial[block // tree.size]
        for k in range(out.size):
            out[k] = tree.levels[0, k]


@kernel
def moments(theta, backward_weights, plan, samples, loss, stack, output_gradient, results, workspaces, span):
    """results.partial[c] = the node [2 P] of the blocks of chunk c, for the chunks of `span`; through the slot's row of
    `workspaces`. From the stacks of all samples and ∇L [m, n], or where `stack` is empty from the samples and their loss."""
    lanes = lanes_of(theta)
    panel, every_sample = panel_sizes(plan, lanes), np.empty(0, np.int64)
    first, stop, slot = span
    m = results.losses.size
    most, blocks = min(BLOCK, m), lines_for(m, BLOCK)
    row = workspaces[slot]
    squares = square_workspace_of(row, plan, most)
    workspace = workspace_of(row[square_offsets(plan, lanes, most)[2]:], plan, most, 2 * theta.size)
    tree = Tree(results.partial, workspace.levels, chunk_blocks(blocks, results.partial.shape[0])[0], blocks)
    starts = np.empty(64, np.int64)
    for b in blocks_of(tree, first, stop):
        sample, count = b * BLOCK, min(BLOCK, m - b * BLOCK)
        inputs, offset = stack, sample // lanes * panel.stack
        if stack.size == 0:
            inputs, offset = workspace.stack, 0
        kept = Kept(inputs, offset, workspace.delta, 0)
        if stack.size == 0:
            block_losses(theta, plan, samples, loss, (sample, count), kept, workspace, results.outputs, results.losses)
        else:
            gather(output_gradient, every_sample, sample, count, workspace.delta, panel.chain, panel.deltas)
        deltas(backward_weights, plan, kept.stack, kept.offset, kept.delta, kept.delta_offset, count)
        block_moments(plan, kept, count, squares, workspace.scratch, summand(tree, b))
        join_up(tree, b, m, starts)


@kernel
def fold_moments(nodes, m, divisor, out, span):
    """out [2 P] = the node of all m samples over `divisor`, from the nodes [chunks, 2 P] of their chunks, which are overwritten:
    for the pieces of theta in `span`."""
    chunks, size, total = nodes.shape[0], out.size // 2, out.dtype.type(divisor)
    blocks = chunk_blocks(lines_for(m, BLOCK), chunks)[0]
    first_piece, stop_piece, _ = span
    for first in range(first_piece * PIECE, min(stop_piece * PIECE, size), PIECE):
        stop, step = min(first + PIECE, size), 1
        while step < chunks:
            for i in range(0, chunks - step, 2 * step):
                count = samples_between(i * blocks, (i + step) * blocks, m)
                other_count = samples_between((i + step) * blocks, (i + 2 * step) * blocks, m)
                join_moments(nodes[i], nodes[i + step], count, other_count, (first, stop))
            step *= 2
        for start in (0, size):
            node, part = nodes[0, start + first:start + stop], out[start + first:start + stop]
            for k in range(part.size):
                part[k] = node[k] / total
