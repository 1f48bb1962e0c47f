"""J J'^T from the factors: sum over l of (B^l B'^l^T) times (a^{l-1} · a'^{l-1} + 1), never forming a row of J (eq. 8)."""

import numpy as np

from .chain import chain_lines
from .forward import stack_lines
from .layout import ROW, WIDTH
from .linked import kernel
from .product import panel_product
from .simd import lanes_of


@kernel
def gram(plan, stack, chain, other_stack, other_chain, out, symmetric, panels):
    """The rows of out [m * n, m' * n] of panels panels[0] … panels[1] - 1 of the first; where `symmetric`, only the columns
    of panels not before the row's, each written to its mirror place too."""
    lanes = lanes_of(stack)
    depth = plan.shape[0] - 1
    n, stride, step = plan[depth, WIDTH], stack_lines(plan) * lanes, chain_lines(plan) * lanes
    gammas = (2 * plan[depth, ROW] + n - plan[0, WIDTH]) * lanes
    m, others = out.shape[0] // n, out.shape[1] // n
    inputs = np.empty((depth, lanes * lanes), stack.dtype)
    tile = np.empty(n * lanes * lanes, stack.dtype)
    total = np.empty(n * lanes * lanes, stack.dtype)
    for j in range(panels[0], panels[1]):
        for k in range(j if symmetric else 0, (others + lanes - 1) // lanes):
            for l in range(1, depth + 1):
                factor = inputs[l - 1]
                factor[:] = 1
                panel_product(stack, (j * stride + plan[l - 1, ROW] * lanes, 1, lanes, 0),
                              other_stack, (k * stride + plan[l - 1, ROW] * lanes, 0), factor, (0, 0), factor, (0, 0),
                              (lanes, plan[l - 1, WIDTH], 1), (1, 0))
            for i in range(n):
                total[:] = 0
                for s in range(lanes):
                    b = stack[j * stride + gammas + i * lanes + s]
                    for t in range(lanes):
                        c = other_stack[k * stride + gammas + i * lanes + t]
                        total[(i * lanes + s) * lanes + t] = b * c * inputs[depth - 1, s * lanes + t]
                for l in range(depth - 1, 0, -1):
                    line = (plan[l, ROW] - plan[0, WIDTH]) * lanes
                    panel_product(chain, ((j * n + i) * step + line, 1, lanes, 0),
                                  other_chain, (k * n * step + line, step), tile, (0, lanes * lanes), tile, (0, 0),
                                  (lanes, plan[l, WIDTH], n), (0, 0))
                    factor = inputs[l - 1]
                    for o in range(n):
                        for e in range(lanes * lanes):
                            total[o * lanes * lanes + e] += tile[o * lanes * lanes + e] * factor[e]
                for s in range(min(lanes, m - j * lanes)):
                    row = (j * lanes + s) * n + i
                    for t in range(min(lanes, others - k * lanes)):
                        column = (k * lanes + t) * n
                        for o in range(n):
                            value = total[(o * lanes + s) * lanes + t]
                            out[row, column + o] = value
                            if symmetric:
                                out[column + o, row] = value
