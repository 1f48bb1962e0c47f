"""The chains B^l = d a^L / d b^l of panels of samples (eq. 7), output by output: [n][n_1 + … + n_{L-1}][lanes]."""

from .compiled import kernel
from .forward import stack_lines
from .layout import LINE, ROW, WEIGHT, WIDTH
from .product import panel_product


@kernel
def chain_lines(plan):
    """Lines of one output's chain: B^1 … B^{L-1}; B^L is the diagonal of gamma^L and is not stored."""
    return plan[plan.shape[0] - 1, ROW] - plan[0, WIDTH]


@kernel
def chain_panels(theta, plan, stack, chain, place, panels):
    """The chains of panels panels[0] … panels[1] - 1, into chain from `place`."""
    lanes = LINE // theta.itemsize
    depth = plan.shape[0] - 1
    n, stride = plan[depth, WIDTH], stack_lines(plan) * lanes
    step = chain_lines(plan) * lanes
    gammas = (plan[depth, ROW] + n) * lanes
    if depth == 1:
        return
    before = plan[depth - 1, WIDTH]
    last = (plan[depth - 1, ROW] - plan[0, WIDTH]) * lanes
    for j in range(panels[0], panels[1]):
        to = place + (j - panels[0]) * n * step + last
        gamma_top = j * stride + gammas + (plan[depth, ROW] - plan[0, WIDTH]) * lanes
        gamma = j * stride + gammas + last
        for i in range(n):
            for q in range(before):
                w = theta[plan[depth, WEIGHT] + i * before + q]
                for s in range(lanes):
                    top = stack[gamma_top + i * lanes + s] * w
                    chain[to + i * step + q * lanes + s] = top * stack[gamma + q * lanes + s]  # eq. 7, l = L - 1
    for l in range(depth - 2, 0, -1):
        above = place + (plan[l + 1, ROW] - plan[0, WIDTH]) * lanes
        here = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        a = (plan[l + 1, WEIGHT], 1, plan[l, WIDTH], 0)
        if n == 1:
            panel_product(theta, a, chain, (above, step), chain, (place + here, step),
                          stack, (panels[0] * stride + gammas + here, stride),
                          (plan[l, WIDTH], plan[l + 1, WIDTH], panels[1] - panels[0]), (0, 1))  # eq. 7
        else:
            for j in range(panels[0], panels[1]):
                skip = (j - panels[0]) * n * step
                panel_product(theta, a, chain, (above + skip, step), chain, (place + here + skip, step),
                              stack, (j * stride + gammas + here, 0),
                              (plan[l, WIDTH], plan[l + 1, WIDTH], n), (0, 1))  # eq. 7


@kernel
def chains(theta, plan, stack, chain, panels):
    """The chains of panels panels[0] … panels[1] - 1, each at its own place in `chain`."""
    lanes = LINE // theta.itemsize
    n, step = plan[plan.shape[0] - 1, WIDTH], chain_lines(plan) * lanes
    for j in range(panels[0], panels[1], 8):
        chain_panels(theta, plan, stack, chain, j * n * step, (j, min(j + 8, panels[1])))
