"""log, log1p and softplus, of any steepness: log(1 + f) by s = f / (2 + f), after FreeBSD's msun (Ng 1993)."""

import math

import numpy as np

from .compiled import inlined
from .exponential import DEEPEST, LN2_HIGH, LN2_LOW, LOWERED, lifted_bell, lifted_exp, lifted_product
from .simd import binary_exponent, binary_fraction, fma, number, polynomial

# (log((1 + s) / (1 - s)) - 2 s) / s^3 in z = s^2 <= 0.0295: 5e-16 wide, 3e-7 narrow, of a term that is at most 0.02 of the whole
logarithm_tail = polynomial(
    (0.14617457950899468, 0.15331636955795329, 0.18182891782527958, 0.22222211096481635, 0.28571428626223858,
     0.39999999999898922, 0.66666666666666697),
    (0.2958096757, 0.3998875411, 0.6666668512))

# (2 atanh s - 2 s) / s^3 in z = s^2 <= 1/9, by Remez exchange in 130 bits: 1e-18 wide, 4e-9 narrow of atanh s
inverse_tanh_tail = polynomial(
    (0.1701568177471004, 0.08341803710029995, 0.1210566315675266, 0.13301031482568204, 0.15386555161651677, 0.1818174416598937,
     0.22222223962337623, 0.28571428547983646, 0.4000000000015609, 0.6666666666666631),
    (0.2800665497779846, 0.28003036975860596, 0.40021437406539917, 0.666664183139801))

SUBNORMAL_SCALE = 18014398509481984.0  # 2^54


@inlined
def log(x):
    """The natural logarithm; at most 1 ulp. -inf at 0, NaN below."""
    zero, half, two = number(x, 0.0), number(x, 0.5), number(x, 2.0)
    small = x < number(x, 1e-30)
    v = x * number(x, SUBNORMAL_SCALE) if small else x
    k = binary_exponent(v) - (number(x, 54.0) if small else zero)
    f = binary_fraction(v) - number(x, 1.0)
    s = f / (two + f)
    z = s * s
    square = half * f * f
    tail = fma(s, fma(z, logarithm_tail(z), square), k * LN2_LOW(x))
    y = fma(k, LN2_HIGH(x), f - (square - tail))
    if x == number(x, np.inf):
        y = x
    if x == zero:
        y = -number(x, np.inf)
    return y if x >= zero else number(x, np.nan)


@inlined
def log1p(x):
    """log(1 + x); at most 2 ulp. -inf at -1, NaN below."""
    one = number(x, 1.0)
    u = one + x
    lost = x - (u - one) if x < one else one - (u - x)
    y = log(u) + (lost / u if u > number(x, 0.0) and u < number(x, np.inf) else number(x, 0.0))
    return y if x != number(x, 0.0) else x


@inlined
def log1p_small(e):
    """log(1 + e) for 0 <= e <= 1: e + s (2 atanh(s) - 2 s - s e) / s with s = e / (2 + e)."""
    s = e / (number(e, 2.0) + e)
    z = s * s
    return fma(s, fma(z, inverse_tanh_tail(z), -e), e)


@inlined
def softplus_and_slope(x):
    """log(1 + e^x), at most 2 ulp, and 1 / (1 + e^-x), at most 3 ulp."""
    zero, one = number(x, 0.0), number(x, 1.0)
    e = lifted_product(one, lifted_exp(-abs(x), zero)) * LOWERED(x)
    return (x if x > zero else zero) + log1p_small(e), (one if x >= zero else e) / (one + e)


@inlined
def softplus(x):
    """log(1 + e^x); at most 2 ulp."""
    return softplus_and_slope(x)[0]


@inlined
def steep_argument(x, beta, beta_rest):
    """y = beta x, and what makes |y| + rest that of (beta + beta_rest) x; |y| is cut off where e^-|y| is 0."""
    limit = -DEEPEST(x) / beta
    near = min(max(x, -limit), limit)
    y = beta * near
    rest = fma(beta_rest, near, fma(beta, near, -y))
    return y, (rest if y >= number(x, 0.0) else -rest)


@inlined
def steep_softplus(x, beta, beta_rest):
    """log(1 + e^y) / beta and 1 / (1 + e^-y), y = (beta + beta_rest) x, beta > 0; at most 4 ulp and 3 ulp."""
    zero, one = number(x, 0.0), number(x, 1.0)
    y, rest = steep_argument(x, beta, beta_rest)
    lifted = lifted_product(one, lifted_exp(-abs(y), rest))
    e = lifted * LOWERED(x)
    u = one + e
    near = (x if x > zero else zero) + log1p_small(e) / beta
    slope = (one if x >= zero else lifted) / u
    return (lifted / beta * LOWERED(x) if y < number(x, -40.0) else near), (slope if x >= zero else slope * LOWERED(x))


@inlined
def steep_softplus_bend(x, beta, beta_rest):
    """beta s (1 - s), s = 1 / (1 + e^-y)."""
    y, rest = steep_argument(x, beta, beta_rest)
    bell, _ = lifted_bell(y, rest)
    return beta * bell * LOWERED(x)


@inlined
def steep_softplus_jerk(x, beta, beta_rest):
    """beta^2 s (1 - s) (1 - 2 s), s = 1 / (1 + e^-y)."""
    y, rest = steep_argument(x, beta, beta_rest)
    bell, t = lifted_bell(y, rest)
    return -math.copysign(beta * beta * bell * t * LOWERED(x), x)
