"""Rows of J of narrow networks, column by column with samples as the lanes, then turned over (eq. 8 and 19)."""

from .chain import cached_panels, chain_panels, chains_size
from .layout import ROW, WIDTH
from .lines_of_plan import chain_lines, stack_lines
from .linked import kernel
from .simd import copy_lines, lanes_of, line_products, transpose

HELD = 96  # columns that are made before they are turned over: 6 KiB


@kernel
def narrow_size(plan, lanes, itemsize):
    """Numbers of room that `narrow_dense` needs: chains, zeros, and columns."""
    widest = 0
    for l in range(plan.shape[0]):
        widest = max(widest, plan[l, WIDTH])
    return chains_size(plan, lanes, itemsize) + (3 * widest + HELD) * lanes


@kernel
def turn_columns(columns, held, flat, to, stride, some, whole_row):
    """Columns [held][lanes] to the rows of `some` samples, `stride` apart, from `to` on; unless they end a row, at least a line
    of them stays and moves to the front. How many went."""
    lanes = lanes_of(columns)
    count = held if whole_row else (held - lanes) // lanes * lanes
    if some < lanes or held < lanes:
        for s in range(some):
            for k in range(count):
                flat[to + s * stride + k] = columns[k * lanes + s]
    else:
        for k in range(0, count - lanes + 1, lanes):
            transpose(columns, (k * lanes, lanes), flat, (to + k, stride))
        if count % lanes > 0:
            transpose(columns, ((count - lanes) * lanes, lanes), flat, (to + count - lanes, stride))
    copy_lines(columns, count * lanes, columns, 0, held - count)
    return count


@kernel
def narrow_dense(theta, back, plan, stack, out, work, panels):
    """The rows of J of panels panels[0] … panels[1] - 1 into out [m * n, P]; row panels[2] of `work` is its room."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, stride, step = plan[depth, WIDTH], stack_lines(plan) * lanes, chain_lines(plan) * lanes
    together, start = cached_panels(plan, lanes, theta.itemsize), chains_size(plan, lanes, theta.itemsize)
    chain, zeros = work[panels[2]], work[panels[2], start:]
    wide = 0
    for l in range(depth + 1):
        wide = max(wide, plan[l, WIDTH])
    zeros[:wide * lanes] = 0
    columns = zeros[wide * lanes:]
    m, size, flat = out.shape[0] // n, out.shape[1], out.reshape(-1)
    gammas = (plan[depth, ROW] + n - plan[0, WIDTH]) * lanes
    for first in range(panels[0], panels[1], together):
        stop = min(first + together, panels[1])
        chain_panels(theta, back, plan, stack, chain, 0, (first, stop))
        for j in range(first, stop):
            some = min(lanes, m - j * lanes)
            for i in range(n):
                b = ((j - first) * n + i) * step
                gamma = j * stride + gammas + (plan[depth, ROW] + i) * lanes
                to, held = (j * lanes * n + i) * size, 0
                for l in range(1, depth + 1):
                    width, below, a = plan[l, WIDTH], plan[l - 1, WIDTH], j * stride + plan[l - 1, ROW] * lanes
                    here = b + (plan[l, ROW] - plan[0, WIDTH]) * lanes
                    for p in range(width):
                        if l < depth:
                            line_products(chain, here + p * lanes, stack, a, columns, held * lanes, below)  # eq. 8
                        elif p == i:
                            line_products(stack, gamma, stack, a, columns, held * lanes, below)  # eq. 8
                        else:
                            copy_lines(zeros, 0, columns, held * lanes, below)
                        held += below
                        if held >= HELD:
                            went = turn_columns(columns, held, flat, to, n * size, some, False)
                            to, held = to + went, held - went
                    if l < depth:
                        copy_lines(chain, here, columns, held * lanes, width)  # eq. 7
                    else:
                        copy_lines(zeros, 0, columns, held * lanes, width)
                        copy_lines(stack, gamma, columns, (held + i) * lanes, 1)  # eq. 7, l = L
                    held += width
                    if held >= HELD and l < depth:
                        went = turn_columns(columns, held, flat, to, n * size, some, False)
                        to, held = to + went, held - went
                turn_columns(columns, held, flat, to, n * size, some, True)
