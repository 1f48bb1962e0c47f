"""Weights turned over once a call for the road back, where a layer is so wide that reading a column of it misses the cache."""

from .layout import ROW, WEIGHT, WIDTH
from .linked import kernel
from .simd import lanes_of, transpose

FAR = 1024  # bytes between neighbours of a column from which on turning over pays: 512 x 512 f64, 7.6 ms down to 1.0


@kernel
def turned(plan, l):
    """Whether W^l is turned over."""
    return plan[l, WIDTH] >= 64 and plan[l - 1, WIDTH] >= FAR // 8


@kernel
def any_turned(plan):
    """Whether any of W^2 … W^L is."""
    for l in range(2, plan.shape[0]):
        if turned(plan, l):
            return True
    return False


@kernel
def step_back(plan, l):
    """Where a product finds (W^l)^T: (first, row stride, column stride, start)."""
    if turned(plan, l):
        return plan[l, WEIGHT], plan[l, WIDTH], 1, 0
    return plan[l, WEIGHT], 1, plan[l - 1, WIDTH], 0


@kernel
def turn_over(theta, plan, back, neurons):
    """Weights of the neurons neurons[0] … neurons[1] - 1, counted through layers 1 … L, into back [P]: (W^l)^T where it is
    turned over, else W^l as it is."""
    lanes = lanes_of(theta)
    for l in range(2, plan.shape[0]):
        width, before, first = plan[l, WIDTH], plan[l - 1, WIDTH], plan[l, WEIGHT]
        row = plan[l, ROW] - plan[0, WIDTH]
        start, stop = max(0, neurons[0] - row), min(width, neurons[1] - row)
        if not turned(plan, l):
            for i in range(first + max(0, start) * before, first + max(start, stop) * before):
                back[i] = theta[i]
            continue
        p = start
        while p < stop:
            whole = before // lanes * lanes if p + lanes <= stop else 0
            some = lanes if whole > 0 else 1
            for q in range(0, whole, lanes):
                transpose(theta, (first + p * before + q, before), back, (first + q * width + p, width))
            for i in range(p, p + some):
                for q in range(whole, before):
                    back[first + q * width + i] = theta[first + i * before + q]
            p += some
