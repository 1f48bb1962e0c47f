"""sin and cos: x - k pi/2 in three parts up to 2^30 (Cody & Waite 1980), by the bits of 2/pi beyond (Payne & Hanek 1983)."""

import numpy as np

from .compiled import inlined
from .linked import kernel
from .simd import bits_of, fma, nearest, number, polynomial

TWO_OVER_PI = 0.6366197723675814
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
MODERATE = 1e6  # up to here the three parts of pi/2 suffice and `nearest` is exact
TWO_OVER_PI_BITS = np.array([
    2734261102, 1313084713, 4230436817, 4113882560, 3680671129, 1011060801, 4266746795, 3736847713, 3072618042, 1112396512,
    105459434, 164729372, 4263373596, 2972297022, 3900847605, 784024708, 3919343654, 3026157121, 965858873, 2203269620,
    2625920907, 3187222587, 536385535, 3724908559, 4012839307, 1510632735, 1832287951, 667617719, 1330003814, 2657085997,
    1965537991, 3957715323, 1023883767, 2320667370, 1811636145, 529358088, 1443049542, 4235946923, 4040145952, 2599695901,
], np.uint64)  # 32 bits each

# (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 in r^2, |r| <= 0.8: 8e-20, 3e-17
sine_tail = polynomial((-7.5854214434092104e-13, 1.6058509646970072e-10, -2.5052106091557263e-8, 2.7557319218926376e-6,
                        -0.00019841269841264524, 0.0083333333333333312, -0.16666666666666667), (0.0,))
cosine_tail = polynomial((-1.1380797372430414e-11, 2.0876120420909962e-9, -2.7557317145730843e-7, 2.480158729851852e-5,
                          -0.0013888888888887231, 0.041666666666666665), (0.0,))


@inlined
def quarter_wave(r, quadrant):
    """sin(r + quadrant pi/2) for |r| <= 0.8; quadrant is an integral float."""
    z = r * r
    sine = fma(r * z, sine_tail(z), r)
    cosine = fma(z * z, cosine_tail(z), fma(z, -0.5, 1.0))
    half = quadrant * 0.5
    odd = half - np.floor(half) != 0.0
    quarter = quadrant * 0.25
    part = quarter - np.floor(quarter)
    value = cosine if odd else sine
    return -value if part >= 0.5 else value


@inlined
def wave_moderate(x, shift):
    """sin(x + shift pi/2) for |x| <= MODERATE, float64."""
    k = nearest(x * TWO_OVER_PI)
    r = fma(-k, HALF_PI[2], fma(-k, HALF_PI[1], fma(-k, HALF_PI[0], x)))
    return quarter_wave(r, k + shift)


@kernel
def wave_huge(x, shift):
    """sin(x + shift pi/2) for finite |x| > MODERATE, float64: the fraction of |x| 2/pi from 192 bits of 2/pi."""
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
    r = sign * fraction * HALF_PI[0]
    if x < 0.0:
        return quarter_wave(-r, shift - quadrant)
    return quarter_wave(r, shift + quadrant)


@inlined
def wave(x, shift):
    """sin(x + shift pi/2), float64; NaN for what is not finite."""
    if abs(x) <= MODERATE:
        return wave_moderate(x, shift)
    if abs(x) < np.inf:
        return wave_huge(x, shift)
    return np.nan


@inlined
def sin(x):
    """The sine; at most 3 ulp, 2 up to 1e6."""
    return number(x, wave(np.float64(x), 0.0)) if x != number(x, 0.0) else x


@inlined
def cos(x):
    """The cosine; at most 3 ulp, 2 up to 1e6."""
    return number(x, wave(np.float64(x), 1.0))
