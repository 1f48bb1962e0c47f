"""J J'^T output by output, or summed over outputs, from the factors (eq. 8), never forming a row of J."""

import numpy as np

from .layout import ROW, WIDTH
from .lines_of_plan import chain_lines, stack_lines
from .linked import kernel
from .product import panel_product
from .simd import lanes_of

SQUARES = 16  # panels that a row of panels is multiplied with together


@kernel
def output_kernels(plan, stack, chain, other_stack, other_chain, out, symmetric, panels):
    """The rows of out [n, m, m'] of panels panels[0] … panels[1] - 1: out[i] = sum over l of (B^l_i · B'^l_i) (a^{l-1} · a'^{l-1}
    + 1), or out [1, m, m'] with their sum over i; where `symmetric`, only the columns of panels not before the row's, each written
    to its mirror place too."""
    lanes = lanes_of(stack)
    depth = plan.shape[0] - 1
    n, stride, step = plan[depth, WIDTH], stack_lines(plan) * lanes, chain_lines(plan) * lanes
    gammas = (2 * plan[depth, ROW] + n - plan[0, WIDTH]) * lanes
    tables, m, others = out.shape
    square = lanes * lanes
    inputs = np.empty((depth, SQUARES * square), stack.dtype)
    back, total = np.empty(SQUARES * square, stack.dtype), np.empty(SQUARES * square, stack.dtype)
    for j in range(panels[0], panels[1]):
        for k in range(j if symmetric else 0, (others + lanes - 1) // lanes, SQUARES):
            some = min(SQUARES, (others + lanes - 1) // lanes - k)
            inputs[:] = 1
            for l in range(1, depth + 1):
                a = plan[l - 1, ROW] * lanes
                panel_product(stack, (j * stride + a, 1, lanes, 0), other_stack, (k * stride + a, stride), inputs[l - 1],
                              (0, square), inputs[l - 1], (0, 0), (lanes, plan[l - 1, WIDTH], some), (1, 0))
            for i in range(n):
                if i == 0 or tables > 1:
                    total[:] = 0
                top = gammas + i * lanes
                panel_product(stack, (j * stride + top, 1, lanes, 0), other_stack, (k * stride + top, stride), back, (0, square),
                              back, (0, 0), (lanes, 1, some), (0, 0))
                for e in range(some * square):
                    total[e] += back[e] * inputs[depth - 1, e]
                for l in range(depth - 1, 0, -1):
                    line = i * step + (plan[l, ROW] - plan[0, WIDTH]) * lanes
                    panel_product(chain, (j * n * step + line, 1, lanes, 0), other_chain, (k * n * step + line, n * step),
                                  back, (0, square), back, (0, 0), (lanes, plan[l, WIDTH], some), (0, 0))
                    for e in range(some * square):
                        total[e] += back[e] * inputs[l - 1, e]
                if tables == 1 and i < n - 1:
                    continue
                table = out[i if tables > 1 else 0]
                for s in range(min(lanes, m - j * lanes)):
                    for t in range(min(some * lanes, others - k * lanes)):
                        value = total[t // lanes * square + s * lanes + t % lanes]
                        table[j * lanes + s, k * lanes + t] = value
                        if symmetric:
                            table[k * lanes + t, j * lanes + s] = value
