"""D^2 C v by the R-operator (Pearlmutter 1994): the tangent R of every step of the passes forward and back, block by block."""

from collections import namedtuple

import numpy as np

from .layout import ACTIVATION, BIAS, GROUP, ROW, WEIGHT, WIDTH
from .levels import chunk_blocks, fold_levels_into, push_level
from .lines_of_plan import delta_lines, stack_lines
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
# v [P], v as `back` holds θ, a direction of X [m, n_0] or [0, n_0], what to add to R D_A C [m, n] or [0, n]
Directions = namedtuple("Directions", "parameters back inputs source")
Products = namedtuple("Products", "partial inputs")  # [chunks, P], R D_X C [m, n_0] or [0, n_0]
BentWork = namedtuple("BentWork", "weighted tangent paired inputs scratch levels no_indices")


@kernel
def second_derivatives(theta, plan, stack, bend, panels):
    """g″(z^l) of layers whose activation is not a user's own into bend, from z^l computed again."""
    lanes = lanes_of(theta)
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    for first in range(panels[0], panels[1], GROUP):
        count = min(GROUP, panels[1] - first)
        for l in range(1, plan.shape[0]):
            here = first * d_stride + (plan[l, ROW] - plan[0, WIDTH]) * lanes
            width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
            if plan[l, ACTIVATION] >= 0:
                panel_product(theta, (plan[l, WEIGHT], before, 1, plan[l, BIAS]), stack,
                              (first * stride + plan[l - 1, ROW] * lanes, stride), bend, (here, d_stride), bend, (0, 0),
                              (width, before, count), (2, 0))  # eq. 1
                for j in range(count):
                    z = bend[here + j * d_stride:here + j * d_stride + width * lanes]
                    second_derivative(plan[l, ACTIVATION], z, z)


@kernel
def error_terms(back, plan, stack, output_gradient, delta, bend, no_indices, panels):
    """delta^l of every sample from D_A C = output_gradient [m, n], and bend^l <- D_{a^l} C ⊙ bend^l; lanes without a sample hold
    zeros."""
    lanes = lanes_of(back)
    depth, m = plan.shape[0] - 1, output_gradient.shape[0]
    n, stride, d_stride = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = (plan[depth, ROW] + n) * lanes
    for first in range(panels[0], panels[1], GROUP):
        group = min(GROUP, panels[1] - first)
        count = min(group * lanes, m - first * lanes)
        start = first * d_stride
        for l in range(depth, 0, -1):
            here, width = (plan[l, ROW] - plan[0, WIDTH]) * lanes, plan[l, WIDTH]
            if l == depth:
                gather(output_gradient, no_indices, first * lanes, count, delta, start + here, d_stride)
                for s in range(count, group * lanes):
                    for p in range(n):
                        delta[start + (group - 1) * d_stride + here + p * lanes + s % lanes] = 0
            else:
                above = start + (plan[l + 1, ROW] - plan[0, WIDTH]) * lanes
                panel_product(back, weights_back(plan, l + 1), delta, (above, d_stride), delta, (start + here, d_stride),
                              stack, (0, 0), (width, plan[l + 1, WIDTH], group), (0, 0))
            for j in range(first, first + group):
                at = j * d_stride + here
                multiply_lines(bend, at, delta, at, bend, at, width)
                multiply_lines(delta, at, stack, j * stride + gammas + here, delta, at, width)


@kernel
def tangents_forward(theta, plan, stack, place, directions, work, panels):
    """R z^l into work.weighted and R a^l = gamma^l ⊙ R z^l into work.tangent, of a block's panels; R a^0 lies in work.inputs."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas = place + (plan[depth, ROW] + plan[depth, WIDTH]) * lanes
    for l in range(1, depth + 1):
        width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
        here, shape = (plan[l, ROW] - plan[0, WIDTH]) * lanes, (width, before, panels)
        a = (plan[l, WEIGHT], before, 1, plan[l, BIAS])
        panel_product(directions.parameters, a, stack, (place + plan[l - 1, ROW] * lanes, stride),
                      work.weighted, (here, d_stride), stack, (0, 0), shape, (2, 0))
        if l > 1:
            below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
            panel_product(theta, a, work.tangent, (below, d_stride), work.weighted, (here, d_stride), stack, (0, 0), shape, (1, 0))
        elif directions.inputs.shape[0] > 0:
            panel_product(theta, a, work.inputs, (0, before * lanes), work.weighted, (here, d_stride), stack, (0, 0), shape, (1, 0))
        for j in range(panels):
            multiply_lines(work.weighted, j * d_stride + here, stack, gammas + here + j * stride,
                           work.tangent, j * d_stride + here, width)


@kernel
def errors_back(theta, back, plan, stack, terms, directions, block, work):
    """R delta^L … R delta^1 of the `block` = (first, count, panels) into the first panels of work.paired, and delta beside."""
    lanes = lanes_of(theta)
    first, count, panels = block
    depth, place = plan.shape[0] - 1, first * stack_lines(plan)
    n, stride, d_stride = plan[depth, WIDTH], stack_lines(plan) * lanes, delta_lines(plan) * lanes
    gammas, start = place + (plan[depth, ROW] + n) * lanes, first * delta_lines(plan)
    held = panels * d_stride
    source, target = terms.delta[start:start + held], work.paired[held:held + held]
    for i in range(held):
        target[i] = source[i]
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    curve(terms.lines, (first * curvature_lines(n, terms.rank), terms.rank), work.tangent, (top, d_stride),
          work.paired, (top, d_stride), (n, panels))
    if directions.source.shape[0] > 0:
        for s in range(count):
            for p in range(n):
                work.paired[s // lanes * d_stride + top + p * lanes + s % lanes] += directions.source[first + s, p]
    for l in range(depth, 0, -1):
        here, width = (plan[l, ROW] - plan[0, WIDTH]) * lanes, plan[l, WIDTH]
        if l < depth:
            above, shape = (plan[l + 1, ROW] - plan[0, WIDTH]) * lanes, (width, plan[l + 1, WIDTH], panels)
            a = weights_back(plan, l + 1)
            panel_product(directions.back, a, work.paired, (held + above, d_stride), work.paired, (here, d_stride), stack, (0, 0),
                          shape, (0, 0))
            panel_product(back, a, work.paired, (above, d_stride), work.paired, (here, d_stride), stack, (0, 0), shape, (1, 0))
        for j in range(panels):
            at = j * d_stride + here
            multiply_lines(work.paired, at, stack, gammas + here + j * stride, work.paired, at, width)
            fma_lines(terms.bend, (start + at, lanes), work.weighted, (at, lanes), work.paired, (at, lanes), width)


@kernel
def paired_gradient(plan, stack, place, inputs, block, work, out):
    """Sum over a block's samples of R delta^l ⊗ a^{l-1} + delta^l ⊗ R a^{l-1} and R delta^l, to out [P]: first every R delta^l,
    in the order of the samples, then every delta^l. R a^0 is 0 unless `inputs`."""
    lanes = lanes_of(out)
    _, count, panels = block
    stride, d_stride = stack_lines(plan) * lanes, delta_lines(plan) * lanes
    for l in range(1, plan.shape[0]):
        width, before = plan[l, WIDTH], plan[l - 1, WIDTH]
        twice = l > 1 or inputs
        held = (2 if twice else 1) * panels * lanes
        samples = panels * lanes + count if twice else count
        a, d = (place + plan[l - 1, ROW] * lanes, stride), ((plan[l, ROW] - plan[0, WIDTH]) * lanes, d_stride)
        lines = (max(width, before) + lanes - 1) // lanes
        tile = work.scratch[lines * lanes * held:]
        if not twice and inputs_as_rows(plan, l, lanes):
            pack(work.paired, d, width, count, work.scratch, 0, held)
            sample_product(stack, a, work.scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], 1, before),
                           (before, width, count))  # eq. 20
        else:
            pack(stack, a, before, count, work.scratch, 0, held)
            if l > 1:
                below = (plan[l - 1, ROW] - plan[0, WIDTH]) * lanes
                pack(work.tangent, (below, d_stride), before, count, work.scratch, panels * lanes * lanes, held)
            elif twice:
                pack(work.inputs, (0, before * lanes), before, count, work.scratch, panels * lanes * lanes, held)
            sample_product(work.paired, d, work.scratch, (0, held * lanes), tile, out, (plan[l, WEIGHT], before, 1),
                           (width, before, samples))  # eq. 20
        for p in range(width):
            out[plan[l, BIAS] + p] = sum_lines(work.paired, d[0] + p * lanes, d_stride, panels)  # eq. 20


@kernel
def input_errors(theta, plan, directions, block, work, out):
    """R D_X C of a block, rows of out [m, n_0]."""
    lanes = lanes_of(theta)
    first, count, panels = block
    d_stride, inputs, width = delta_lines(plan) * lanes, plan[0, WIDTH], plan[1, WIDTH]
    a, to = (plan[1, WEIGHT], 1, inputs, 0), (0, inputs * lanes)
    shape = (inputs, width, panels)
    panel_product(directions.parameters, a, work.paired, (panels * d_stride, d_stride), work.inputs, to, work.inputs, (0, 0),
                  shape, (0, 0))
    panel_product(theta, a, work.paired, (0, d_stride), work.inputs, to, work.inputs, (0, 0), shape, (1, 0))
    scatter(work.inputs, 0, inputs * lanes, first, count, out)


@kernel
def bent_work(theta, plan, samples, inputs, chunks):
    """What one thread needs for products with the Hessian of `samples` samples in `chunks` chunks."""
    lanes = lanes_of(theta)
    size, height = chunk_blocks((samples + BLOCK - 1) // BLOCK, chunks)
    held, slack, dtype = min(BLOCK, samples + lanes), lanes * lanes, theta.dtype
    lines = held * delta_lines(plan) + slack
    return BentWork(np.empty(lines, dtype), np.empty(lines, dtype), np.empty(2 * lines, dtype),
                    np.empty(held * plan[0, WIDTH] + slack if inputs else slack, dtype),
                    np.empty(2 * outer_scratch_size(plan, lanes), dtype),
                    np.empty((height if size > 1 else 0, theta.size), dtype), np.empty(0, np.int64))


@kernel
def hessian_product(theta, back, plan, stack, terms, directions, products, chunks):
    """products.partial[c] = D^2 C v of the blocks of chunk c, and their rows of products.inputs, for c in chunks[0] …
    chunks[1] - 1: chunks as `gradient` of the road back has them."""
    lanes = lanes_of(theta)
    m, partial = terms.samples, products.partial
    blocks = (m + BLOCK - 1) // BLOCK
    size, _ = chunk_blocks(blocks, partial.shape[0])
    given, wanted = directions.inputs.shape[0] > 0, products.inputs.shape[0] > 0
    work = bent_work(theta, plan, m, given or wanted, partial.shape[0])
    for c in range(chunks[0], chunks[1]):
        filled = 0
        for b in range(c * size, min((c + 1) * size, blocks)):
            first = b * BLOCK
            count = min(BLOCK, m - first)
            block = (first, count, (count + lanes - 1) // lanes)
            place = first * stack_lines(plan)
            if given:
                gather(directions.inputs, work.no_indices, first, count, work.inputs, 0, plan[0, WIDTH] * lanes)
            tangents_forward(theta, plan, stack, place, directions, work, block[2])
            errors_back(theta, back, plan, stack, terms, directions, block, work)
            paired_gradient(plan, stack, place, given, block, work, work.levels[filled] if size > 1 else partial[c])
            if wanted:
                input_errors(theta, plan, directions, block, work, products.inputs)
            if size > 1:
                filled = push_level(work.levels, filled, b - c * size)
        if size > 1:
            fold_levels_into(partial[c], work.levels, filled)
