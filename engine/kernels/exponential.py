"""exp, expm1 and what is made of them: tanh, sigmoid. 2^k (e^r - 1) + (2^k - 1), with r = x - k ln 2 (Cody & Waite 1980)."""

import math

import numpy as np

from .compiled import inlined
from .simd import fma, half_power, nearest, number, polynomial, scale_by_power

LOWEST, HIGHEST = polynomial((-746.0,), (-105.0,)), polynomial((709.79,), (88.73,))  # beyond, e^x is 0 or infinite
LOG2_E = 1.4426950408889634
# together ln 2; the first has 32 bits, or 12
LN2_HIGH = polynomial((0.6931471804855391,), (0.693115234375,))
LN2_LOW = polynomial((7.440617110012397e-11,), (3.194618329871446e-05,))

# (e^r - 1 - r) / r^2 on |r| <= 0.35: 3e-18 wide, 1.3e-7 narrow
exponential_tail = polynomial(
    (2.0889667743629404e-9, 2.5106241517365395e-8, 2.7557350726259375e-7, 2.7557252925032842e-6, 2.4801587242449587e-5,
     0.00019841269876780309, 0.00138888888889203, 0.0083333333333255733, 0.041666666666666614, 0.16666666666666671, 0.5),
    (0.001390154317, 0.008363739511, 0.04166686081, 0.166665737, 0.4999999953))


@inlined
def remainder(x, k):
    """r = x - k ln 2."""
    return fma(-k, LN2_LOW(x), fma(-k, LN2_HIGH(x), x))


@inlined
def exp(x):
    """e^x; at most 2 ulp, subnormal results included."""
    v = min(max(x, LOWEST(x)), HIGHEST(x))
    k = nearest(v * number(x, LOG2_E))
    r = remainder(v, k)
    e = scale_by_power(fma(r * r, exponential_tail(r), r) + number(x, 1.0), k)
    return (e if v == x or v < number(x, 0.0) else number(x, np.inf)) if v == v else v


@inlined
def expm1(x):
    """e^x - 1; at most 2 ulp."""
    v = min(max(x, number(x, -60.0)), HIGHEST(x))
    k = nearest(v * number(x, LOG2_E))
    r = remainder(v, k)
    half = half_power(k)
    e = fma(half, fma(r * r, exponential_tail(r), r), half - number(x, 0.5))
    e = e + e if v == x or v < number(x, 0.0) else number(x, np.inf)
    return e if x != number(x, 0.0) and x == x else x


@inlined
def tanh(x):
    """The hyperbolic tangent, t / (t + 2) with t = e^(2|x|) - 1; at most 3 ulp."""
    half, two = number(x, 0.5), number(x, 2.0)
    a = min(abs(x), number(x, 22.0))
    z = a + a
    k = nearest(z * number(x, LOG2_E))
    r = remainder(z, k)
    power = half_power(k)
    e = fma(power, fma(r * r, exponential_tail(r), r), power - half)
    t = e + e
    return math.copysign(t / (t + two), x)


@inlined
def sigmoid(x):
    """1 / (1 + e^-x); at most 3 ulp."""
    one = number(x, 1.0)
    e = exp(-abs(x))
    return (one if x >= number(x, 0.0) else e) / (one + e)
