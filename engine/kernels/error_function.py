"""erf and the normal distribution by (a + c) e^(a^2) erfc(a), a polynomial of (a - c) / (a + c) (Shepherd & Laframboise 1981).

The coefficients are our own, by Remez exchange in 130 bits, the lowest ones rounded one after the other.
"""

import math

from .compiled import inlined
from .exponential import LOWERED, lifted_exp, lifted_product
from .simd import fma, horner_by_two, number, polynomial

# erf(a) / a in a^2, a <= 1: 1e-17 wide, 5e-8 narrow
erf_near = polynomial(
    (-7.612305995038269e-10, 1.3619173037919635e-08, -1.6184554341144693e-07, 1.6444219907326918e-06, -1.4924470691179206e-05,
     0.00012055280719869078, -0.000854832549088583, 0.005223977596822779, -0.02686617064196537, 0.11283791670936966,
     -0.37612638903183343, 1.1283791670955126),
    (-0.0005502988351508975, 0.004887470975518227, -0.02668687514960766, 0.11279378831386566, -0.3761223554611206,
     1.1283791065216064), horner_by_two)
# (a + 2) e^(a^2) erfc(a) in (a - 2) / (a + 2), to 3e-18 wide and 2e-9 narrow of the erf(a) that it makes: 1 <= a <= 6, or 4
erfc_scaled = polynomial(
    (4.585110448779085e-05, 0.00014649035745889258, 3.377240818721905e-05, -0.0006633798235075576, -0.0008373255402138374,
     0.003090618374079619, 0.006479186504254277, -0.02151066185951038, -0.03644223151858272, 0.2794720925553591,
     -0.6871606844138011, 1.0215827052420237),
    (-0.02546408772468567, -0.03744923323392868, 0.27937155961990356, -0.6871615648269653, 1.0215829610824585), horner_by_two)
# (1 + a) e^(a^2/2) Phi(-a) in (a - C) / (a + C) for a in [0, 40]: 7e-17 wide, 1e-8 narrow. The first coefficient is 5 times as
# large as the next, so that rounding the argument costs little; C is such that rounding the first costs little.
normal_scaled = polynomial(
    (-3.0485640843318064e-09, -8.116273645179329e-09, 1.8411937424662062e-08, 7.320702351947083e-08, -7.324107247946203e-08,
     -4.597289918230223e-07, 3.361068419154011e-07, 2.752373276991528e-06, -2.608450594598846e-06, -1.6581651843322875e-05,
     2.962158532849739e-05, 8.618732083782183e-05, -0.0003520244363573387, 1.9262164703297993e-05, 0.002993543045959057,
     -0.01099615602897823, 0.022859387132618227, -0.03012613356719574, 0.018190815646735692, 0.024491297709100475,
     -0.09424787256497752, 0.4660109065061955),
    (-6.679844227619469e-05, -6.472163659054786e-05, 0.000684810453094542, -0.00026128030731342733, -0.0051337978802621365,
     0.018089337274432182, -0.032191451638936996, 0.02836935967206955, 0.014266065321862698, -0.09666208177804947,
     0.47191178798675537), horner_by_two)
CENTRE = polynomial((4.5390625,), (4.01171875,))
HALF_ROOT_PI = 0.886226925452758
TWO_OVER_ROOT_PI, ONE_OVER_ROOT_TWO_PI = 1.1283791670955126, 0.3989422804014327


@inlined
def lifted_gaussian(x, factor):
    """e^(-factor x^2) as `lifted_exp` gives it, where factor is 1 or 1/2: x^2 with what rounding leaves out of it."""
    square = x * x
    return lifted_exp(-factor * square, factor * fma(x, x, -square))


@inlined
def erf_and_slope(x):
    """erf x, at most 3 ulp, and 2 / sqrt(pi) e^(-x^2), at most 3 ulp."""
    one, two = number(x, 1.0), number(x, 2.0)
    a = min(abs(x), number(x, 28.0))
    slope = lifted_product(number(x, TWO_OVER_ROOT_PI), lifted_gaussian(a, one)) * LOWERED(x)
    d = one / (a + two)
    far = fma(erfc_scaled(fma(number(x, -4.0), d, one)) * d * number(x, -HALF_ROOT_PI), slope, one)
    near = a * erf_near(a * a)
    return math.copysign(near if a < one else far, x), slope


@inlined
def erf(x):
    """The error function; at most 3 ulp."""
    return erf_and_slope(x)[0]


@inlined
def normal_tail(a):
    """e^(a^2/2) Phi(-a), a >= 0."""
    one, c = number(a, 1.0), CENTRE(a)
    return normal_scaled(fma(-(c + c), one / (a + c), one)) / (a + one)


@inlined
def lifted_normal(x):
    """2^LIFT times (Phi(x), phi(x)): the standard normal distribution function erfc(-x / sqrt 2) / 2 and its density."""
    a = min(abs(x), number(x, 40.0))
    e = lifted_gaussian(a, number(x, 0.5))
    tail = lifted_product(normal_tail(a), e)
    return (tail if x < number(x, 0.0) else number(x, 1.0) / LOWERED(x) - tail), lifted_product(number(x, ONE_OVER_ROOT_TWO_PI), e)


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
