"""erf and the normal distribution: (1 + 2 a) e^(a^2) erfc(a) as a polynomial of (a - 3.75) / (a + 3.75)
(Shepherd & Laframboise 1981, coefficients our own)."""

import math

from .compiled import inlined
from .exponential import LOWERED, lifted_exp, lifted_product
from .simd import fma, number, polynomial

# erf(x) / x in x^2 on [0, 1]: 1e-19 wide, 4e-8 narrow
erf_near = polynomial(
    (5.9452576939415425e-11, -1.1365663136628493e-9, 1.4657878989888879e-8, -1.6350025076223881e-7, 1.6460972801190718e-6,
     -1.4925593505766363e-5, 0.00012055331036846668, -0.00085483269787405676, 0.0052239776247808347, -0.026866170645072891,
     0.11283791670954857, -0.37612638903183748, 1.1283791670955126),
    (-0.0005631396339, 0.004917545583, -0.02671130708, 0.1128018002, -0.3761232619, 1.128379123))
# (1 + 2 a) e^(a^2) erfc(a) for a in [0, 32]: 5e-19 wide, 1.4e-9 narrow
erfc_scaled = polynomial(
    (3.417150664720663e-10, 4.5514165488437469e-11, -5.1348603579440263e-9, -2.8412940141283766e-9, 3.9173802157796157e-8,
     2.1967513746577792e-8, -2.5981099613299429e-7, -5.6209137459918307e-8, 1.7528364168484332e-6, -9.740091362639103e-7,
     -1.1444883549836811e-5, 2.2384343577742804e-5, 5.164938404780491e-5, -0.00029015408545772763, 0.00029371359536505425,
     0.0017556258493168607, -0.009746579547281349, 0.028362277419862625, -0.058693398590595368, 0.092304321160288668,
     -0.10880393014170504, 0.082276738490148736, 0.0035854154854636493, -0.140240598585547, 1.2375126308378276),
    (-6.350333388e-6, -0.0002567185231, 0.0003837097055, 0.001738458548, -0.009808002075, 0.0283652159, -0.05867304576,
     0.09230442795, -0.1088070614, 0.08227668537, 0.003585594526, -0.1402405968, 1.237512629))
SQRT_HALF = 0.7071067811865476
TWO_OVER_ROOT_PI, ONE_OVER_ROOT_TWO_PI = 1.1283791670955126, 0.3989422804014327


@inlined
def erfc_tail(a, c, slope):
    """e^(b^2) erfc(b) for b = a slope / 2 >= 0, where c = 7.5 / slope."""
    return erfc_scaled((a - c) / (a + c)) / fma(slope, a, number(a, 1.0))


@inlined
def lifted_gaussian(x, factor):
    """e^(-factor x^2) as `lifted_exp` gives it, where factor is 1 or 1/2: x^2 with what rounding leaves out of it."""
    square = x * x
    return lifted_exp(-factor * square, factor * fma(x, x, -square))


@inlined
def erf_and_slope(x):
    """erf x, at most 3 ulp, and 2 / sqrt(pi) e^(-x^2), at most 3 ulp."""
    one = number(x, 1.0)
    a = min(abs(x), number(x, 28.0))
    e = lifted_gaussian(a, one)
    near = a * erf_near(a * a)
    far = one - lifted_product(erfc_tail(a, number(x, 3.75), number(x, 2.0)), e) * LOWERED(x)
    return math.copysign(near if a < one else far, x), lifted_product(number(x, TWO_OVER_ROOT_PI), e) * LOWERED(x)


@inlined
def erf(x):
    """The error function; at most 3 ulp."""
    return erf_and_slope(x)[0]


@inlined
def lifted_normal(x):
    """2^LIFT times (Phi(x), phi(x)): the standard normal distribution function erfc(-x / sqrt 2) / 2 and its density."""
    half, one = number(x, 0.5), number(x, 1.0)
    a = min(abs(x), number(x, 40.0))
    e = lifted_gaussian(a, half)
    unit = one / LOWERED(x)
    near = fma(a * number(x, -0.5 * SQRT_HALF), erf_near(half * (a * a)), half) * unit
    scaled = erfc_tail(a, number(x, 7.5 * SQRT_HALF), number(x, 2.0 * SQRT_HALF))
    far = half * lifted_product(scaled, e)
    tail = near if a < number(x, 0.95) else far
    return (tail if x < number(x, 0.0) else unit - tail), lifted_product(number(x, ONE_OVER_ROOT_TWO_PI), e)


@inlined
def normal_cdf(x):
    """The standard normal distribution function erfc(-x / sqrt 2) / 2; at most 4 ulp, in the lower tail too."""
    return lifted_normal(x)[0] * LOWERED(x)


@inlined
def gelu_and_slope(x):
    """x Phi(x), at most 4 ulp, and Phi(x) + x phi(x), at most 4 ulp of Phi(x) + |x| phi(x)."""
    near = min(max(x, number(x, -40.0)), number(x, 40.0))
    cdf, density = lifted_normal(x)
    g = near * cdf * LOWERED(x) if x < number(x, 0.0) else x * (cdf * LOWERED(x))
    return g, fma(near, density, cdf) * LOWERED(x)
