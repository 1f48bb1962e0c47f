"""What the emitted functions of single numbers compute, in plain Python: what runs under NUMBA_DISABLE_JIT=1."""

import functools
import math

import numpy as np

MANTISSA, BIAS = {4: 23, 8: 52}, {4: 127, 8: 1023}
INTEGER: dict[int, type] = {4: np.int32, 8: np.int64}


def fma(a, b, c):
    """a * b + c, rounded once."""
    kind = np.result_type(a, b, c).type
    return kind(_fused(kind)(float(a), float(b), float(c)))


def fused_sum(a, b, total):
    """`total` after the fused multiply-adds of a [k] and b [k, .] in order of k, one chain a column."""
    kind = b.dtype.type
    fused, factors = _fused(kind), a.tolist()
    return np.array([functools.reduce(lambda sum, x: fused(x[0], x[1], sum), zip(factors, column), start)
                     for column, start in zip(b.T.tolist(), total.tolist())], kind)


def _fused(kind):
    return _fused_single if kind is np.float32 else _fused_double


def _fused_double(a, b, c):
    """For Python floats: by whole numbers, whose quotient Python rounds once."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    (m, p), (n, q), (k, r) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    exact = m * n * r + k * p * q
    if exact == 0:
        return a * b + c if a == 0 or b == 0 or c != 0 else math.copysign(0.0, a) * math.copysign(1.0, b)
    try:
        return exact / (p * q * r)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _fused_single(a, b, c):
    """For numbers of float32 as Python floats, where a * b is exact: the sum rounded to odd, then to 24 bits (Boldo & Melquiond
    2008)."""
    product = a * b
    total = product + c
    if not math.isfinite(total):
        return total
    rest = total - product
    lost = (product - (total - rest)) + (c - rest)
    if lost and not int(math.frexp(total)[0] * 2.0**53) & 1:
        total = math.nextafter(total, math.copysign(math.inf, lost))
    if abs(total) >= 2.0**128:
        return math.copysign(math.inf, total)
    return float(np.float32(total)) if abs(total) < 2.0**127 else _single_or_infinite(total)


def _single_or_infinite(x):
    with np.errstate(over="ignore"):
        return float(np.float32(x))


def bits_of(x):
    """The bits of a float as a signed integer of the same width."""
    return np.asarray(x).view(INTEGER[x.itemsize])[()]


def float_of(bits):
    """The float whose bits are a signed integer of the same width."""
    return np.asarray(bits).view({4: np.float32, 8: np.float64}[bits.itemsize])[()]


def number(like, value):
    """A constant in the dtype of `like`."""
    return np.asarray(like).dtype.type(value)


def negated_by_quadrant(x, bits):
    """x, or -x where the last bit but one of `bits` is set."""
    return -x if bits & 2 else x


def nearest(x):
    """The integer nearest to x, ties to even."""
    return np.rint(x)


def half_power(k):
    """2^(k - 1); NaN where k is no number."""
    return number(k, 2.0 ** (int(k) - 1)) if np.isfinite(k) else number(k, np.nan)


def scale_by_power(x, k):
    """x · 2^k by two exact factors; NaN where k is no number."""
    if not np.isfinite(k):
        return number(x, np.nan)
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


def horner(x, coefficients, fma, multiply):
    """A polynomial by one chain of fused multiply-adds."""
    total = coefficients[0]
    for coefficient in coefficients[1:]:
        total = fma(total, x, coefficient)
    return total


def horner_by_two(x, coefficients, fma, multiply):
    """By two chains in x^2 for all but the last two coefficients, which have the most to say about rounding."""
    square = multiply(x, x)
    high = coefficients[:-2]
    last, next_to_last = (horner(square, part, fma, multiply) for part in (high[-1::-2][::-1], high[-2::-2][::-1]))
    return horner(x, [fma(next_to_last, x, last), *coefficients[-2:]], fma, multiply)


def polynomial(wide, narrow, evaluate=horner):
    """A polynomial in fused multiply-adds, its coefficients from the highest down."""

    def evaluated(x):
        kind = np.asarray(x).dtype.type
        coefficients = [kind(c) for c in (np.asarray(narrow, np.float32) if kind is np.float32 else wide)]
        return evaluate(kind(x), coefficients, fma, lambda a, b: a * b)

    return evaluated
