"""Weights transposed once a call for the pass back, where a layer is so wide that reading a column of it misses the cache."""

from .layout import places
from .linked import kernel
from .simd import lanes_of, transpose

FAR = 1024  # bytes between neighbours of a column from which on it pays: 512 x 512 f64, 7.6 ms down to 1.0


@kernel
def is_transposed(plan, l):
    """Whether `backward_weights` hold W^l transposed."""
    at = places(plan, l, 1)
    return at.width >= 64 and at.before >= FAR // 8


@kernel
def any_transposed(plan):
    """Whether any of W^2 … W^L is."""
    for l in range(2, plan.shape[0]):
        if is_transposed(plan, l):
            return True
    return False


@kernel
def weights_back(plan, l):
    """(W^l)^T as a product reads it from `backward_weights`: (offset, row stride, column stride, 0)."""
    at = places(plan, l, 1)
    if is_transposed(plan, l):
        return at.weight, at.width, 1, 0
    return at.weight, 1, at.before, 0


@kernel
def transpose_weights(theta, plan, backward_weights, span):
    """Weights of the neurons of `span`, counted through layers 1 … L, into backward_weights [P]: (W^l)^T where it is transposed,
    else W^l as it is."""
    lanes = lanes_of(theta)
    first_neuron, stop_neuron, _ = span
    for l in range(2, plan.shape[0]):
        at = places(plan, l, 1)
        first, stop = max(0, first_neuron - at.delta), min(at.width, stop_neuron - at.delta)
        if is_transposed(plan, l):
            transpose_rows_of(theta, backward_weights, at, first, stop, lanes)
        else:
            for i in range(at.weight + first * at.before, at.weight + max(first, stop) * at.before):
                backward_weights[i] = theta[i]


@kernel
def transpose_rows_of(theta, backward_weights, at, first, stop, lanes):
    """Rows `first` … `stop` - 1 of one W^l into the columns of its transpose: squares of lines, and single numbers at the edges."""
    p = first
    while p < stop:
        whole = at.before // lanes * lanes if p + lanes <= stop else 0
        count = lanes if whole > 0 else 1
        for q in range(0, whole, lanes):
            transpose(theta, (at.weight + p * at.before + q, at.before),
                      backward_weights, (at.weight + q * at.width + p, at.width))
        for i in range(p, p + count):
            for q in range(whole, at.before):
                backward_weights[at.weight + q * at.width + i] = theta[at.weight + i * at.before + q]
        p += count
