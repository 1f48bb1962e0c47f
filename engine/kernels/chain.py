"""The chains B^l = d a^L / d b^l of panels of samples (eq. 7), output by output: [n][n_1 + … + n_{L-1}][lanes]."""

from .forward import stack_lines
from .layout import ROW, WEIGHT, WIDTH
from .linked import kernel, shared
from .product import panel_product
from .simd import lanes_of
from .transposed import step_back


@kernel
def chain_lines(plan):
    """Lines of one output's chain: B^1 … B^{L-1}; B^L is the diagonal of gamma^L and is not stored."""
    return plan[plan.shape[0] - 1, ROW] - plan[0, WIDTH]


@shared("line line plan line line integer 2")
def chain_panels(theta, back, plan, stack, chain, place, panels):
    """The chains of panels panels[0] … panels[1] - 1, into chain from `place`."""
    lanes = lanes_of(theta)
    depth = plan.shape[0] - 1
    n, stride = plan[depth, WIDTH], stack_lines(plan) * lanes
    step = chain_lines(plan) * lanes
    first, count = panels[0] * stride, panels[1] - panels[0]
    gammas = first + (plan[depth, ROW] + n) * lanes
    if depth == 1:
        return
    before = plan[depth - 1, WIDTH]
    last = (plan[depth - 1, ROW] - plan[0, WIDTH]) * lanes
    top = gammas + (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    for i in range(n):
        panel_product(theta, (plan[depth, WEIGHT] + i * before, 1, 0, 0), stack, (top + i * lanes, stride),
                      chain, (place + i * step + last, n * step), stack, (gammas + last, stride),
                      (before, 1, count), (0, 1))  # eq. 7, l = L - 1
    for l in range(depth - 2, 0, -1):
        above = place + (plan[l + 1, ROW] - plan[0, WIDTH]) * lanes
        here = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        a = step_back(plan, l + 1)
        if n == 1:
            panel_product(back, a, chain, (above, step), chain, (place + here, step), stack, (gammas + here, stride),
                          (plan[l, WIDTH], plan[l + 1, WIDTH], count), (0, 1))  # eq. 7
        else:
            for j in range(count):
                skip = j * n * step
                panel_product(back, a, chain, (above + skip, step), chain, (place + here + skip, step),
                              stack, (gammas + j * stride + here, 0), (plan[l, WIDTH], plan[l + 1, WIDTH], n), (0, 1))  # eq. 7


@kernel
def chains(theta, back, plan, stack, chain, panels):
    """The chains of panels panels[0] … panels[1] - 1, each at its own place in `chain`."""
    n, step = plan[plan.shape[0] - 1, WIDTH], chain_lines(plan) * lanes_of(theta)
    for j in range(panels[0], panels[1], 8):
        chain_panels(theta, back, plan, stack, chain, j * n * step, (j, min(j + 8, panels[1])))
