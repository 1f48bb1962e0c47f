"""What the emitted functions of single numbers compute, in plain Python: what runs under NUMBA_DISABLE_JIT=1."""

from fractions import Fraction

import numpy as np

MANTISSA, BIAS = {4: 23, 8: 52}, {4: 127, 8: 1023}
INTEGER = {4: np.int32, 8: np.int64}


def fma(a, b, c):
    """a * b + c, rounded once."""
    kind = np.result_type(a, b, c).type
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return kind(a * b + c)
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if exact == 0:
        return kind(a * b + c)
    if kind is np.float64:
        try:
            return np.float64(exact.numerator / exact.denominator)
        except OverflowError:
            return np.float64(np.inf if exact > 0 else -np.inf)
    return _to_single(exact)


def _to_single(exact):
    """A fraction rounded once to float32: to 24 bits, or to a multiple of 2^-149."""
    magnitude, sign = abs(exact), -1 if exact < 0 else 1
    power = magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 24
    power += magnitude >= Fraction(2) ** (power + 24)
    unit = Fraction(2) ** max(power, -149)
    with np.errstate(over="ignore"):
        return np.float32(sign * float(round(magnitude / unit) * unit))


def bits_of(x):
    """The bits of a float as a signed integer of the same width."""
    return np.asarray(x).view(INTEGER[x.itemsize])[()]


def float_of(bits):
    """The float whose bits are a signed integer of the same width."""
    return np.asarray(bits).view({4: np.float32, 8: np.float64}[bits.itemsize])[()]


def number(like, value):
    """A constant in the dtype of `like`."""
    return np.asarray(like).dtype.type(value)


def nearest(x):
    """The integer nearest to x, ties to even."""
    return np.rint(x)


def scale_by_power(x, k):
    """x · 2^k by two exact factors."""
    power = int(k)
    half = power >> 1
    return x * number(x, 2.0**half) * number(x, 2.0 ** (power - half))


def _exponent(x):
    root = INTEGER[x.itemsize](0x3FE6A09E00000000 if x.itemsize == 8 else 0x3F3504F3)
    return (int(bits_of(x)) - int(root)) >> MANTISSA[x.itemsize]


def binary_exponent(x):
    """k as a float, where x / 2^k lies in [sqrt(1/2), sqrt(2))."""
    return number(x, _exponent(x))


def binary_fraction(x):
    """x / 2^k in [sqrt(1/2), sqrt(2))."""
    return float_of(INTEGER[x.itemsize](int(bits_of(x)) - (_exponent(x) << MANTISSA[x.itemsize])))


def polynomial(wide, narrow):
    """A polynomial in fused multiply-adds, its coefficients from the highest down."""

    def evaluate(x):
        kind = np.asarray(x).dtype.type
        coefficients = [kind(c) for c in (np.float32(narrow) if kind is np.float32 else wide)]
        total = coefficients[0]
        for coefficient in coefficients[1:]:
            total = fma(total, kind(x), coefficient)
        return total

    return evaluate
