"""What a cost adds for θ itself: a penalty on its numbers, and the penalty's gradient."""

from enum import IntEnum

import numpy as np

from .linked import family, shared
from .signatures import Indices, Line, Number
from .simd import fma, lanes_of


class PenaltyCode(IntEnum):
    """What kernels know a penalty by."""

    RIDGE = 0


@shared
def add_ridge(theta: Line, spans: Indices, strength: float, gradient: Line) -> Number:
    """(strength / 2) sum w^2 over the numbers of theta in theta[spans[0]:spans[1]], theta[spans[2]:spans[3]] …, whose gradient,
    strength w, is added to gradient [P]. Each lane sums its own numbers in order, then the lanes are summed in order."""
    lanes, half, scale = lanes_of(theta), theta.dtype.type(0.5), theta.dtype.type(strength)
    sums = np.zeros(lanes, theta.dtype)
    for i in range(0, spans.size, 2):
        first, stop = spans[i], spans[i + 1]
        whole = first + (stop - first) // lanes * lanes
        for j in range(first, whole, lanes):
            w, g = theta[j:j + lanes], gradient[j:j + lanes]
            for s in range(lanes):
                sums[s] = fma(w[s], w[s], sums[s])
                g[s] = fma(scale, w[s], g[s])
        for j in range(whole, stop):
            sums[j - whole] = fma(theta[j], theta[j], sums[j - whole])
            gradient[j] = fma(scale, theta[j], gradient[j])
    total = sums[0]
    for s in range(1, lanes):
        total += sums[s]
    return half * scale * total


# add_penalty(code, theta, spans, strength, gradient): the penalty, whose gradient is added to gradient [P]
add_penalty, prepare_penalties = family("add_penalty", {PenaltyCode.RIDGE: add_ridge})
