"""The chains B^l = d a^L / d b^l of panels of samples (eq. 7), output by output: [n][n_1 + … + n_{L-1}][lanes]."""

from .forward import stack_lines
from .layout import ROW, WEIGHT, WIDTH
from .linked import kernel, shared
from .product import group_product
from .simd import lanes_of, scale_lines, stream
from .transposed import step_back

CACHED = 20 << 10  # bytes of chains that stay in the first-level cache


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
    top = (plan[depth, ROW] - plan[0, WIDTH]) * lanes
    for j in range(count):
        at, to = gammas + j * stride, place + j * n * step + last
        for i in range(n):
            scale_lines(theta, plan[depth, WEIGHT] + i * before, stack, at + top + i * lanes, stack, at + last,
                        chain, to + i * step, before)  # eq. 7, l = L - 1
    for l in range(depth - 2, 0, -1):
        above = place + (plan[l + 1, ROW] - plan[0, WIDTH]) * lanes
        here = (plan[l, ROW] - plan[0, WIDTH]) * lanes
        b, c, m = (above, step, n * step), (place + here, step, n * step), (gammas + here, 0, stride)
        outputs, groups = n, count
        if n == 1:
            m, outputs, groups = (gammas + here, stride, 0), count, 1
        group_product(back, step_back(plan, l + 1), chain, b, chain, c, stack, m,
                      (plan[l, WIDTH], plan[l + 1, WIDTH], outputs, groups), (0, 1))  # eq. 7


@kernel
def panels_together(plan, lanes, itemsize):
    """How many panels' chains are made together: what the first-level cache holds, at least eight with one output."""
    n = plan[plan.shape[0] - 1, WIDTH]
    return max(8 if n == 1 else 1, min(32, CACHED // max(1, n * chain_lines(plan) * lanes * itemsize)))


@kernel
def chains_numbers(plan, lanes, itemsize):
    """Numbers of room that `chains` needs to write past the cache."""
    return panels_together(plan, lanes, itemsize) * plan[plan.shape[0] - 1, WIDTH] * chain_lines(plan) * lanes


@kernel
def chains(theta, back, plan, stack, chain, work, streaming, panels):
    """The chains of panels panels[0] … panels[1] - 1, each at its own place in `chain`; through row panels[2] of `work` and past
    the cache where `streaming`."""
    lanes = lanes_of(theta)
    together = panels_together(plan, lanes, theta.itemsize)
    size = plan[plan.shape[0] - 1, WIDTH] * chain_lines(plan) * lanes
    room = work[panels[2]]
    for j in range(panels[0], panels[1], together):
        stop = min(j + together, panels[1])
        chain_panels(theta, back, plan, stack, room if streaming else chain, 0 if streaming else j * size, (j, stop))
        if streaming:
            stream(room, 0, chain, j * size, (stop - j) * size)
