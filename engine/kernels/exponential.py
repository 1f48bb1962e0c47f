"""exp, expm1 and what is made of them: tanh, sigmoid. 2^k (e^r - 1) + (2^k - 1), with r = x - k ln 2 (Cody & Waite 1980).

What vanishes far out, such as tanh′ and 1 - sigmoid, is made from e^-|x| and never by a subtraction of rounded numbers from 1.
"""

import math

import numpy as np

from .compiled import inlined
from .simd import fma, half_power, nearest, number, polynomial, scale_by_power

LOWEST, HIGHEST = polynomial((-746.0,), (-105.0,)), polynomial((709.79,), (88.73,))  # beyond, e^x is 0 or infinite
LOG2_E = 1.4426950408889634
TANH_END = polynomial((354.891356446692,), (44.3614196,))  # 512 ln 2 and 64 ln 2: beyond, tanh′ is below the least normal number
# powers of two that keep e^x a normal number, and how far down
LIFT, LOWERED, DEEPEST = polynomial((128.0,), (64.0,)), polynomial((2.0**-128,), (2.0**-64,)), polynomial((-780.0,), (-125.0,))
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
def lifted_exp(x, rest):
    """p and 2^(k + LIFT), where e^v = 2^k (1 + p) for v = x - rest <= 0, and rest is what rounding left out of x."""
    v = max(x, DEEPEST(x))
    k = nearest(v * number(x, LOG2_E))
    r = remainder(v, k) - rest
    return fma(r * r, exponential_tail(r), r), half_power(k + (LIFT(x) + number(x, 1.0)))


@inlined
def lifted_product(y, lifted):
    """2^LIFT y e^v with v as in `lifted_exp`: a normal number, so that the product with LOWERED alone is rounded to a subnormal."""
    p, power = lifted
    return power * fma(y, p, y)


@inlined
def tanh_and_slope(x):
    """tanh x = e / (e + 1) with e = (e^(2|x|) - 1) / 2, at most 3 ulp, and tanh′ x = (1 - |tanh x|) (1 + |tanh x|) with
    1 - |tanh x| = 1 / (e + 1), at most 4 ulp; 0 where that is below the least normal number."""
    zero, half, one = number(x, 0.0), number(x, 0.5), number(x, 1.0)
    a = abs(x)
    near = min(a, TANH_END(x))
    z = near + near
    k = nearest(near * number(x, 2.0 * LOG2_E))  # the bits of z log2 e, an addition sooner
    r = remainder(z, k)
    power = half_power(k)
    e = fma(power, fma(r * r, exponential_tail(r), r), power - half)
    # e / (e + 1) rather than e d: its bits, and the second division takes no time on Zen 3
    t, d = e / (e + one), one / (e + one)
    slope = fma(d, t, d)
    return math.copysign(t, x), (zero if a > TANH_END(x) else slope)


@inlined
def tanh(x):
    """The hyperbolic tangent; at most 3 ulp."""
    return tanh_and_slope(x)[0]


@inlined
def sigmoids(x):
    """1 / (1 + e^-x) and 1 / (1 + e^x), at most 3 ulp: both keep their digits in both tails."""
    one = number(x, 1.0)
    e = exp(-abs(x))
    low, high = (e, one) if x < number(x, 0.0) else (one, e)
    return low / (one + e), high / (one + e)


@inlined
def sigmoid(x):
    """1 / (1 + e^-x); at most 3 ulp."""
    return sigmoids(x)[0]


@inlined
def lifted_bell(x, rest):
    """2^LIFT s (1 - s) = 2^LIFT e / (1 + e)^2 and tanh(v / 2) = (1 - e) / (1 + e), with s = 1 / (1 + e^-v), e = e^-v and
    v = |x| + rest."""
    one = number(x, 1.0)
    p, power = lifted_exp(-abs(x), rest)
    lifted, low = lifted_product(one, (p, power)), power * LOWERED(x)
    d = one / (one + lifted * LOWERED(x))
    return lifted * d * d, -fma(low, p, low - one) * d


@inlined
def sigmoid_bend(x):
    """The second derivative of 1 / (1 + e^-x); at most 8 ulp."""
    bell, t = lifted_bell(x, number(x, 0.0))
    return -math.copysign(bell * t * LOWERED(x), x)


@inlined
def sigmoid_jerk(x):
    """The third derivative of 1 / (1 + e^-x), b (t^2 - 2 b) with b = s (1 - s) and t = tanh(|x| / 2)."""
    bell, t = lifted_bell(x, number(x, 0.0))
    return fma(t, t, number(x, -2.0) * (bell * LOWERED(x))) * bell * LOWERED(x)
