"""Rows of J = D_theta A from the factors (B^l, a^{l-1}) (eq. 8 and 19)."""

import numpy as np

from .chain import chain_lines, chain_panels
from .forward import read_lines, stack_lines
from .layout import ROW, WEIGHT, WIDTH
from .linked import kernel
from .panels import scatter
from .product import panel_product
from .simd import address_of, lanes_of, outer_lines, stream

PIECE = 4096  # numbers that are built in the first-level cache before they are streamed


@kernel
def dense_numbers(plan, lanes):
    """Numbers of room that `dense` needs: a panel's chain, the same sample by sample, its inputs, and a piece of rows."""
    depth = plan.shape[0] - 1
    n, inputs = plan[depth, WIDTH], plan[depth, ROW]
    return lanes * (2 * n * chain_lines(plan) + inputs + lanes) + PIECE + inputs + n + lanes


@kernel
def flush(piece, held, out, o):
    """Stream the first `held` numbers of a piece to out from o on, up to a line's end; how many went. Those that stay move to the
    front."""
    count = held - (address_of(out) // out.itemsize + o + held) % lanes_of(out)
    stream(piece, 0, out, o, count)
    for k in range(held - count):
        piece[k] = piece[count + k]
    return count


@kernel
def dense(theta, back, plan, stack, out, work, streaming, panels):
    """The rows of J of panels panels[0] … panels[1] - 1 into out [m * n, P], past the cache where `streaming`; row panels[2] of
    `work` is its room."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, stride, step = plan[depth, WIDTH], stack_lines(plan) * lanes, chain_lines(plan)
    inputs, room = plan[depth, ROW], work[panels[2]]
    m, before, end = out.shape[0] // n, plan[depth - 1, WIDTH], n * step * lanes
    chain, rows = room[:end], room[end:2 * end]
    a, piece = room[2 * end:2 * end + lanes * inputs], room[2 * end + lanes * inputs:]
    gammas = (inputs + n + inputs - plan[0, WIDTH]) * lanes
    flat, one = out.reshape(-1), piece[piece.size - 1:]  # of length 1, for biases
    one[0] = 1
    target = piece if streaming else flat
    gone = panels[0] * lanes * n * out.shape[1]  # numbers of out that are written
    held = 0 if streaming else gone  # where the next number goes in `target`
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        scatter(stack, j * stride, 0, 0, lanes, a.reshape((lanes, inputs)))
        if step > 0:
            scatter(chain, 0, 0, 0, lanes, rows.reshape((lanes, n * step)))
        for s in range(min(lanes, m - j * lanes)):
            for i in range(n):
                gamma = j * stride + gammas + i * lanes + s
                for l in range(1, depth + 1):
                    width, below, p = plan[l, WIDTH], plan[l - 1, WIDTH], 0
                    b, x = (s * n + i) * step + plan[l, ROW] - plan[0, WIDTH], s * inputs + plan[l - 1, ROW]
                    while p < width:
                        some = width - p
                        if streaming:
                            if held + below > PIECE and held > lanes:
                                went = flush(piece, held, flat, gone)
                                gone, held = gone + went, held - went
                            some = max(1, min(some, (PIECE - held) // below))
                        if l < depth:
                            outer_lines(rows, b + p, some, a, x, below, target, held)  # eq. 8
                        else:
                            if some > 1 or p != i:
                                target[held:held + some * below] = 0
                            if p <= i < p + some:
                                outer_lines(stack, gamma, 1, a, x, before, target, held + (i - p) * before)  # eq. 8
                        held, p = held + some * below, p + some
                    if streaming and held + width >= piece.size:
                        went = flush(piece, held, flat, gone)
                        gone, held = gone + went, held - went
                    if l < depth:
                        outer_lines(one, 0, 1, rows, b, width, target, held)  # eq. 7
                    else:
                        target[held:held + width] = 0
                        target[held + i] = stack[gamma]  # eq. 7, l = L
                    held += width
    if streaming:
        stream(piece, 0, flat, gone, held)


@kernel
def read_chain(theta, plan, l, chain, out, panels):
    """B^l of l < L as out [m * n, n_l], a row an output of a sample."""
    lanes = lanes_of(theta)
    n, step = plan[plan.shape[0] - 1, WIDTH], chain_lines(plan) * lanes
    line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
    for j in range(panels[0], panels[1]):
        for s in range(min(lanes, out.shape[0] // n - j * lanes)):
            for i in range(n):
                at = (j * n + i) * step + line + s
                for p in range(plan[l, WIDTH]):
                    out[(j * lanes + s) * n + i, p] = chain[at + p * lanes]


@kernel
def input_jacobian(theta, plan, stack, chain, out, panels):
    """d a^L / d x = B^1 W^1 as out [m * n, n_0]."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, inputs = plan[depth, WIDTH], plan[0, WIDTH]
    step = chain_lines(plan) * lanes
    gammas = (plan[depth, ROW] + n) * lanes
    line = np.empty(inputs * lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        for i in range(n):
            if depth == 1:
                gamma = j * stack_lines(plan) * lanes + gammas + i * lanes
                for q in range(inputs):
                    for s in range(lanes):
                        line[q * lanes + s] = stack[gamma + s] * theta[plan[1, WEIGHT] + i * inputs + q]
            else:
                panel_product(theta, (plan[1, WEIGHT], 1, inputs, 0), chain, ((j * n + i) * step, 0),
                              line, (0, 0), line, (0, 0), (inputs, plan[1, WIDTH], 1), (0, 0))
            for s in range(min(lanes, out.shape[0] // n - j * lanes)):
                for q in range(inputs):
                    out[(j * lanes + s) * n + i, q] = line[q * lanes + s]


@kernel
def row_norms(theta, back, plan, stack, out, panels):
    """The Euclidean norm of each row of J, as out [m, n]: a row's square is the sum over l of |B^l_i|^2 (|a^{l-1}|^2 + 1)."""
    lanes = lanes_of(theta)
    one = theta.dtype.type(1)
    depth = plan.shape[0] - 1
    n, stride = plan[depth, WIDTH], stack_lines(plan) * lanes
    step = chain_lines(plan) * lanes
    chain = np.empty(n * step, theta.dtype)
    inputs, norm, square = np.empty(depth * lanes, theta.dtype), np.empty(lanes, theta.dtype), np.empty(lanes, theta.dtype)
    for j in range(panels[0], panels[1]):
        chain_panels(theta, back, plan, stack, chain, 0, (j, j + 1))
        for l in range(1, depth + 1):
            total = inputs[(l - 1) * lanes:l * lanes]
            total[:] = one
            for q in range(plan[l - 1, WIDTH]):
                at = j * stride + (plan[l - 1, ROW] + q) * lanes
                for s in range(lanes):
                    total[s] += stack[at + s] * stack[at + s]
        for i in range(n):
            top = j * stride + (2 * plan[depth, ROW] + n - plan[0, WIDTH] + i) * lanes
            for s in range(lanes):
                norm[s] = stack[top + s] * stack[top + s] * inputs[(depth - 1) * lanes + s]
            for l in range(depth - 1, 0, -1):
                square[:] = 0
                for p in range(plan[l, WIDTH]):
                    at = i * step + (plan[l, ROW] - plan[0, WIDTH] + p) * lanes
                    for s in range(lanes):
                        square[s] += chain[at + s] * chain[at + s]
                for s in range(lanes):
                    norm[s] += square[s] * inputs[(l - 1) * lanes + s]
            for s in range(min(lanes, out.shape[0] - j * lanes)):
                out[j * lanes + s, i] = np.sqrt(norm[s])


@kernel
def read_layer(theta, plan, line, stack, out, panels):
    """The lines from `line` on of every panel's stack as out [m, width]."""
    read_lines(stack, stack_lines(plan) * (lanes_of(theta)), line, out, panels)
