"""D^2 C v by the R-operator (Pearlmutter 1994): the tangent R of every step of the passes forward and back, block by block."""

from collections import namedtuple

import numpy as np

from .deltas import clear_lanes
from .forward import group_samples
from .layout import (
    FROM_BIAS,
    FROM_TARGET,
    FROM_ZERO,
    GROUP,
    STORED,
    line,
    lines_for,
    padded,
    panel_sizes,
    places,
    weights,
)
from .levels import Tree, add_up, blocks_of, chunk_blocks, summand
from .linked import kernel
from .outer_products import inputs_as_rows, outer_scratch_size
from .output_curvature import curvature_lines, curve
from .panels import gather, scatter
from .product import pack, panel_product, sample_product
from .second_derivatives import second_derivative
from .simd import fma_lines, lanes_of, multiply_lines, sum_lines
from .sums import BLOCK
from .transposed import weights_back

# H of the losses as in `Curvature`; delta^l and bend^l = D_{a^l} C ⊙ g″(z^l) of all samples, [panels][n_1 + … + n_L][lanes]
Terms = namedtuple("Terms", "lines rank samples delta bend")
# v [P], v as `backward_weights` hold θ, a direction of X [m, n_0] or [0, n_0], what to add to R D_A C [m, n] or [0, n]
Directions = namedtuple("Directions", "parameters backward_weights inputs source")
Products = namedtuple("Products", "partial inputs")  # [chunks, P], R D_X C [m, n_0] or [0, n_0]
# R z^l, R a^l, and R delta^l with delta^l after it, each [panels][n_1 + … + n_L][lanes]; R a^0 [panels][n_0][lanes]; packed
# factors; [levels of the tree, P]
HessianWorkspace = namedtuple("HessianWorkspace", "weighted tangent paired inputs scratch levels no_indices")
# `count` samples from number `sample` on, in `panels` panels; the offsets of their stacks, deltas and H
Block = namedtuple("Block", "sample count panels stack delta curvature")


@kernel
def second_derivatives(theta, plan, stack, bend, span):
    """g″(z^l) of layers whose activation is not a user's own into bend, from z^l computed again. z^l lies elsewhere:
    a loop in place runs number by number, 3.5 (float64) to 6 times (float32) as long."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    z = np.empty(min(GROUP, span[1] - span[0]) * panel.deltas, theta.dtype)
    first, stop, _ = span
    for j in range(first, stop, GROUP):
        count, offset = min(GROUP, stop - j), j * panel.deltas
        for l in range(1, panel.depth + 1):
            at = places(plan, l, lanes)
            size = line(0, at.width, lanes)
            if at.activation >= 0:
                panel_product(theta, weights(at), stack, (j * panel.stack + at.a_below, panel.stack), z, (0, size), z, (0, 0),
                              (at.width, at.before, count), (FROM_BIAS, STORED))  # eq. 1
                for i in range(count):
                    start = offset + i * panel.deltas + at.delta
                    second_derivative(at.activation, z[i * size:(i + 1) * size], bend[start:start + size], at.parameters)


@kernel
def error_terms(backward_weights, plan, stack, output_gradient, delta, bend, no_indices, span):
    """delta^l of every sample from D_A C = output_gradient [m, n], and bend^l <- D_{a^l} C ⊙ bend^l; lanes without a sample hold
    zeros."""
    lanes = lanes_of(backward_weights)
    panel = panel_sizes(plan, lanes)
    first, stop, _ = span
    for j in range(first, stop, GROUP):
        sample, count = group_samples(j, stop, lanes, output_gradient.shape[0])
        panels, offset = lines_for(count, lanes), j * panel.deltas
        top = offset + panel.chain
        gather(output_gradient, no_indices, sample, count, delta, top, panel.deltas)
        clear_lanes(delta, top + (panels - 1) * panel.deltas, panel.n, count)
        for l in range(panel.depth, 0, -1):
            at = places(plan, l, lanes)
            for i in range(j, j + panels):
                d = i * panel.deltas + at.delta
                multiply_lines(bend, d, delta, d, bend, d, at.width)
                multiply_lines(delta, d, stack, i * panel.stack + at.gamma, delta, d, at.width)
            if l > 1:
                panel_product(backward_weights, weights_back(plan, l), delta, (offset + at.delta, panel.deltas),
                              delta, (offset + at.delta_below, panel.deltas), stack, (0, 0), (at.before, at.width, panels),
                              (FROM_ZERO, STORED))  # D_{a^{l-1}} C


@kernel
def tangents_forward(theta, plan, stack, directions, block, workspace):
    """R z^l into workspace.weighted and R a^l = gamma^l ⊙ R z^l into workspace.tangent, of a block's panels; R a^0 lies in
    workspace.inputs."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    for l in range(1, panel.depth + 1):
        at = places(plan, l, lanes)
        shape, target = (at.width, at.before, block.panels), (at.delta, panel.deltas)
        panel_product(directions.parameters, weights(at), stack, (block.stack + at.a_below, panel.stack),
                      workspace.weighted, target, stack, (0, 0), shape, (FROM_BIAS, STORED))
        if l > 1:
            panel_product(theta, weights(at), workspace.tangent, (at.delta_below, panel.deltas),
                          workspace.weighted, target, stack, (0, 0), shape, (FROM_TARGET, STORED))
        elif directions.inputs.shape[0] > 0:
            panel_product(theta, weights(at), workspace.inputs, (0, line(0, at.before, lanes)),
                          workspace.weighted, target, stack, (0, 0), shape, (FROM_TARGET, STORED))
        for j in range(block.panels):
            d = j * panel.deltas + at.delta
            multiply_lines(workspace.weighted, d, stack, block.stack + j * panel.stack + at.gamma, workspace.tangent, d, at.width)


@kernel
def output_errors(plan, terms, directions, block, workspace):
    """R D_A C of a block into the lines of its R delta^L, and a copy of its deltas after them."""
    lanes = lanes_of(workspace.paired)
    panel = panel_sizes(plan, lanes)
    size, top = block.panels * panel.deltas, (panel.chain, panel.deltas)
    source, target = terms.delta[block.delta:block.delta + size], workspace.paired[size:2 * size]
    for i in range(size):
        target[i] = source[i]
    curve(terms.lines, (block.curvature, terms.rank), workspace.tangent, top, workspace.paired, top, (panel.n, block.panels))
    if directions.source.shape[0] > 0:
        for s in range(block.count):
            lane = panel.chain + s // lanes * panel.deltas + s % lanes
            for p in range(panel.n):
                workspace.paired[line(lane, p, lanes)] += directions.source[block.sample + s, p]


@kernel
def errors_back(theta, backward_weights, plan, stack, terms, directions, block, workspace):
    """R delta^L … R delta^1 of a block into the first panels of workspace.paired, and delta after them."""
    lanes = lanes_of(theta)
    panel = panel_sizes(plan, lanes)
    deltas = block.panels * panel.deltas
    output_errors(plan, terms, directions, block, workspace)
    for l in range(panel.depth, 0, -1):
        at = places(plan, l, lanes)
        for j in range(block.panels):
            d = j * panel.deltas + at.delta
            multiply_lines(workspace.paired, d, stack, block.stack + j * panel.stack + at.gamma, workspace.paired, d, at.width)
            fma_lines(terms.bend, (block.delta + d, lanes), workspace.weighted, (d, lanes), workspace.paired, (d, lanes), at.width)
        if l > 1:
            shape, a, target = (at.before, at.width, block.panels), weights_back(plan, l), (at.delta_below, panel.deltas)
            panel_product(directions.backward_weights, a, workspace.paired, (deltas + at.delta, panel.deltas),
                          workspace.paired, target, stack, (0, 0), shape, (FROM_ZERO, STORED))
            panel_product(backward_weights, a, workspace.paired, (at.delta, panel.deltas), workspace.paired, target, stack, (0, 0),
                          shape, (FROM_TARGET, STORED))


@kernel
def pack_inputs(plan, l, stack, block, workspace, twice, samples):
    """a^{l-1} of a block packed as those of `samples` samples, and where `twice` R a^{l-1} after it."""
    lanes = lanes_of(stack)
    panel, at = panel_sizes(plan, lanes), places(plan, l, lanes)
    scratch, second = workspace.scratch, line(0, padded(block.count, lanes), lanes)
    pack(stack, (block.stack + at.a_below, panel.stack), at.before, block.count, scratch, 0, samples)
    if l > 1:
        pack(workspace.tangent, (at.delta_below, panel.deltas), at.before, block.count, scratch, second, samples)
    elif twice:
        pack(workspace.inputs, (0, line(0, at.before, lanes)), at.before, block.count, scratch, second, samples)


@kernel
def paired_gradient(plan, stack, inputs, block, workspace, out):
    """Sum over a block's samples of R delta^l ⊗ a^{l-1} + delta^l ⊗ R a^{l-1} and R delta^l, to out [P]: first every R delta^l,
    in the order of the samples, then every delta^l. R a^0 is 0 unless `inputs`."""
    lanes = lanes_of(out)
    panel, once = panel_sizes(plan, lanes), padded(block.count, lanes)
    for l in range(1, panel.depth + 1):
        at, twice = places(plan, l, lanes), l > 1 or inputs
        samples, count = (2 * once, once + block.count) if twice else (once, block.count)
        d, b = (at.delta, panel.deltas), (0, line(0, samples, lanes))
        tile = workspace.scratch[padded(max(at.width, at.before), lanes) * samples:]
        if not twice and inputs_as_rows(plan, l, lanes):
            pack(workspace.paired, d, at.width, count, workspace.scratch, 0, samples)
            sample_product(stack, (block.stack + at.a_below, panel.stack), workspace.scratch, b, tile, out,
                           (at.weight, 1, at.before), (at.before, at.width, count))  # eq. 20
        else:
            pack_inputs(plan, l, stack, block, workspace, twice, samples)
            sample_product(workspace.paired, d, workspace.scratch, b, tile, out, (at.weight, at.before, 1),
                           (at.width, at.before, count))  # eq. 20
        for p in range(at.width):
            out[at.bias + p] = sum_lines(workspace.paired, line(at.delta, p, lanes), panel.deltas, block.panels)  # eq. 20


@kernel
def input_errors(theta, plan, directions, block, workspace, out):
    """R D_X C of a block, rows of out [m, n_0]."""
    lanes = lanes_of(theta)
    panel, at = panel_sizes(plan, lanes), places(plan, 1, lanes)
    a, target = (at.weight, 1, at.before, 0), (0, line(0, at.before, lanes))
    shape = (at.before, at.width, block.panels)
    panel_product(directions.parameters, a, workspace.paired, (block.panels * panel.deltas, panel.deltas), workspace.inputs, target,
                  workspace.inputs, (0, 0), shape, (FROM_ZERO, STORED))
    panel_product(theta, a, workspace.paired, (0, panel.deltas), workspace.inputs, target, workspace.inputs, (0, 0), shape,
                  (FROM_TARGET, STORED))
    scatter(workspace.inputs, 0, target[1], block.sample, block.count, out)


@kernel
def hessian_workspace(theta, plan, samples, inputs, chunks):
    """What one thread needs for products with the Hessian of `samples` samples in `chunks` chunks; `pack` reads whole squares of
    lines."""
    lanes = lanes_of(theta)
    size, height = chunk_blocks(lines_for(samples, BLOCK), chunks)
    count, square, dtype = min(BLOCK, samples + lanes), line(0, lanes, lanes), theta.dtype
    deltas = count * panel_sizes(plan, 1).deltas + square
    return HessianWorkspace(np.empty(deltas, dtype), np.empty(deltas, dtype), np.empty(2 * deltas, dtype),
                            np.empty(count * panel_sizes(plan, 1).n_0 + square if inputs else square, dtype),
                            np.empty(2 * outer_scratch_size(plan, lanes), dtype),
                            np.empty((height if size > 1 else 0, theta.size), dtype), np.empty(0, np.int64))


@kernel
def block_of(plan, lanes, terms, b):
    """Block number b of the samples of `terms`."""
    panel, count = panel_sizes(plan, lanes), min(BLOCK, terms.samples - b * BLOCK)
    j = b * BLOCK // lanes
    h = line(0, j * curvature_lines(panel.n, terms.rank), lanes)
    return Block(b * BLOCK, count, lines_for(count, lanes), j * panel.stack, j * panel.deltas, h)


@kernel
def hessian_product(theta, backward_weights, plan, stack, terms, directions, products, span):
    """products.partial[c] = D^2 C v of the blocks of chunk c, and their rows of products.inputs, for the chunks of `span`, which
    are cut as those of `gradient` are."""
    lanes, partial = lanes_of(theta), products.partial
    first, stop, _ = span
    blocks = lines_for(terms.samples, BLOCK)
    given, wanted = directions.inputs.shape[0] > 0, products.inputs.shape[0] > 0
    workspace = hessian_workspace(theta, plan, terms.samples, given or wanted, partial.shape[0])
    tree = Tree(partial, workspace.levels, chunk_blocks(blocks, partial.shape[0])[0], blocks)
    for b in blocks_of(tree, first, stop):
        block = block_of(plan, lanes, terms, b)
        if given:
            gather(directions.inputs, workspace.no_indices, block.sample, block.count, workspace.inputs, 0,
                   line(0, panel_sizes(plan, lanes).n_0, lanes))
        tangents_forward(theta, plan, stack, directions, block, workspace)
        errors_back(theta, backward_weights, plan, stack, terms, directions, block, workspace)
        paired_gradient(plan, stack, given, block, workspace, summand(tree, b))
        if wanted:
            input_errors(theta, plan, directions, block, workspace, products.inputs)
        add_up(tree, b)
