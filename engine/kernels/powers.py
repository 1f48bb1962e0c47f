"""The power of two that a number is next to: to scale by it changes no bits."""

import numpy as np

from .compiled import inlined
from .simd import binary_exponent, number

SUBNORMAL_SCALE = 18014398509481984.0  # 2^54


@inlined
def power_of_two(x):
    """k as a float, where x / 2^k lies in [sqrt(1/2), sqrt(2)) for a positive finite x; 0 for others."""
    zero = number(x, 0.0)
    small = x < number(x, 1e-30)
    v = x * number(x, SUBNORMAL_SCALE) if small else x
    k = binary_exponent(v) - (number(x, 54.0) if small else zero)
    return k if x > zero and x < number(x, np.inf) else zero
