"""sin and cos: x - k pi/2 in three parts up to MODERATE (Cody & Waite 1980), by the bits of 2/pi beyond (Payne & Hanek 1983).

The coefficients are our own, by Remez exchange in 200 bits, rounded one after the other.
"""

import numpy as np

from .compiled import inlined
from .linked import kernel
from .simd import bits_of, fma, negated_by_quadrant, number, polynomial

TWO_OVER_PI = 0.6366197723675814
# together pi/2: each rounded down, so that -0 keeps its sign on the way
HALF_PI_HIGH = polynomial((1.5707963267948966,), (1.570796251296997,))
HALF_PI_MIDDLE = polynomial((6.123233995736765e-17,), (7.549789415861596e-08,))
HALF_PI_LOW = polynomial((1.0828566739219139e-32,), (5.390302529957765e-15,))
MODERATE = polynomial((1e6,), (1e5,))  # up to here the three parts of pi/2 suffice
NEAREST = polynomial((6755399441055744.0,), (12582912.0,))  # 1.5 2^52 and 1.5 2^23: what is added to it is rounded to an integer
TWO_OVER_PI_BITS = np.array([
    2734261102, 1313084713, 4230436817, 4113882560, 3680671129, 1011060801, 4266746795, 3736847713, 3072618042, 1112396512,
    105459434, 164729372, 4263373596, 2972297022, 3900847605, 784024708, 3919343654, 3026157121, 965858873, 2203269620,
    2625920907, 3187222587, 536385535, 3724908559, 4012839307, 1510632735, 1832287951, 667617719, 1330003814, 2657085997,
    1965537991, 3957715323, 1023883767, 2320667370, 1811636145, 529358088, 1443049542, 4235946923, 4040145952, 2599695901,
], np.uint64)  # 32 bits each

# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 in r^2: 4e-18 and 6e-20 of sin r and cos r wide, |r| <= 0.7855; 7e-9 and 2e-10
# narrow, |r| <= 0.84
sine_tail = polynomial((1.589543357611966e-10, -2.505073439250936e-08, 2.7557313538525745e-06, -0.00019841269829358541,
                        0.00833333333332184, -0.1666666666666663),
                       (-0.00019471060659270734, 0.008331825956702232, -0.16666649281978607))
cosine_tail = polynomial((-1.1358732668858915e-11, 2.0875705113386223e-09, -2.7557314215291056e-07, 2.4801587288997468e-05,
                          -0.0013888888888873338, 0.041666666666666595),
                         (2.43769318331033e-05, -0.001388679607771337, 0.04166663438081741))


@inlined
def quarter_waves(r, quadrant):
    """sin v and cos v for v = r + k pi/2, |r| <= pi/4: the last two bits of the float `quadrant` are those of the integer k."""
    zero, one = number(r, 0.0), number(r, 1.0)
    z = r * r
    sine = fma(r, fma(z, sine_tail(z), zero), r)  # r + r 0, not r - r 0: -0 for -0
    cosine = fma(z * z, cosine_tail(z), fma(z, number(r, -0.5), one))
    here, after = bits_of(quadrant), bits_of(quadrant + one)
    odd = here & 1 != 0
    return negated_by_quadrant(cosine if odd else sine, here), negated_by_quadrant(sine if odd else cosine, after)


@inlined
def waves_moderate(x, shift):
    """sin v and cos v for v = x + shift pi/2, |x| <= MODERATE."""
    quadrant = fma(x, number(x, TWO_OVER_PI), NEAREST(x))
    k = quadrant - NEAREST(x)
    r = fma(-k, HALF_PI_LOW(x), fma(-k, HALF_PI_MIDDLE(x), fma(-k, HALF_PI_HIGH(x), x)))
    return quarter_waves(r, quadrant + number(x, shift))


@kernel
def waves_huge(x, shift):
    """sin v and cos v for v = x + shift pi/2, x float64 and finite, |x| > 1e5: the fraction of |x| 2/pi from 192 bits of 2/pi."""
    bits = bits_of(abs(x))
    exponent = (bits >> 52) - 1075
    mantissa = np.uint64((bits & 0xFFFFFFFFFFFFF) | 0x10000000000000)
    first = max(0, (exponent - 2) // 32)
    limbs = np.zeros(9, np.uint64)  # the product, 32 bits each, lowest first
    mask, bit32 = np.uint64(0xFFFFFFFF), np.uint64(32)
    for part in range(2):
        factor = (mantissa >> bit32) if part else (mantissa & mask)
        carry = np.uint64(0)
        for i in range(6):
            total = limbs[i + part] + factor * TWO_OVER_PI_BITS[first + 5 - i] + carry
            limbs[i + part] = total & mask
            carry = total >> bit32
        limbs[6 + part] += carry
    point = 32 * (first + 6) - exponent  # bits after the binary point
    whole = point // 32
    shift_bits = np.uint64(point % 32)
    up = np.uint64(32) - shift_bits
    # the 96 bits after the point, and the two before it
    words = np.zeros(4, np.uint64)
    for i in range(4):
        low, high = limbs[whole - 3 + i], limbs[whole - 2 + i]
        words[i] = ((low >> shift_bits) | (high << up)) & mask
    quadrant = float(words[3] & np.uint64(3))
    high, middle, low = words[2], words[1], words[0]
    sign = 1.0
    if high >= np.uint64(0x80000000):
        low, middle, high = mask - low, mask - middle, mask - high
        sign, quadrant = -1.0, quadrant + 1.0
    fraction = (float(high) * 2.0**-32 + float(middle) * 2.0**-64) + float(low) * 2.0**-96
    r = sign * fraction * HALF_PI_HIGH(x)
    if x < 0.0:
        r, quadrant = -r, -quadrant
    return quarter_waves(r, NEAREST(x) + (quadrant + shift))


@inlined
def waves(x, shift):
    """sin v and cos v for v = x + shift pi/2; NaN for what is not finite."""
    if abs(x) <= MODERATE(x):
        return waves_moderate(x, shift)
    if abs(x) < np.inf:
        sine, cosine = waves_huge(np.float64(x), shift)
        return number(x, sine), number(x, cosine)
    return number(x, np.nan), number(x, np.nan)


@inlined
def sin(x):
    """The sine; at most 3 ulp, 2 up to 1e6."""
    return waves(x, 0.0)[0]


@inlined
def cos(x):
    """The cosine; at most 3 ulp, 2 up to 1e6."""
    return waves(x, 0.0)[1]


@kernel
def any_huge(x):
    """Whether a number of x is NaN or beyond MODERATE: such ones are rare, and a loop over the others is one of vectors."""
    limit = bits_of(MODERATE(x.dtype.type(0)))
    largest = limit
    for i in range(x.size):
        largest = max(largest, bits_of(abs(x[i])))
    return largest > limit
