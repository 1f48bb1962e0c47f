"""One pass over an array for what a check wants to know."""

import numpy as np

from .linked import kernel
from .simd import bits_of


@kernel
def first_not_finite(values):
    """The first place in a flat array that holds NaN or an infinity, or -1."""
    top = bits_of(values.dtype.type(np.inf))
    found = 0
    for i in range(values.size):
        found |= (bits_of(values[i]) & top) == top
    if not found:
        return -1
    for i in range(values.size):
        if bits_of(values[i]) & top == top:
            return i
    return -1
