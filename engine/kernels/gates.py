"""x times a gate, a number in (0, 1) that grows with x: silu, gelu_tanh and mish, and their derivatives up to the third.

A gate is made from e^-|w|, so that it keeps its digits in both tails. Where w is not x but a cubic of x, `rest` is what rounding
left out of w: an error of w makes one |w| times as large in e^w.
"""

import math

from .compiled import inlined
from .exponential import DEEPEST, LOWERED, lifted_bell, lifted_exp, lifted_product
from .simd import fma, number, polynomial

# A = 2 sqrt(2 / pi) and B = 0.044715 A (Hendrycks & Gimpel 2016), each as the nearest number and what that leaves
LINEAR = polynomial((1.5957691216057308,), (1.5957691669464111,))
LINEAR_REST = polynomial((-9.96930880911092e-17,), (-4.534068054340423e-8,))
CUBIC = polynomial((0.07135481627260025,), (0.07135481387376785,))
CUBIC_REST = polynomial((-6.175149918155315e-19,), (2.39883246599959e-9,))


@inlined
def gate_and_slope(x, near, w, rest, t):
    """x s and s + s (1 - s) t, where s = 1 / (1 + e^-v), v has the sign of x, |v| = |w| + rest, and near is x within the range of
    e^x."""
    zero, one = number(x, 0.0), number(x, 1.0)
    lifted = lifted_product(one, lifted_exp(-abs(w), rest))
    e = lifted * LOWERED(x)
    low = (one if x >= zero else lifted) / (one + e)  # s, lifted below 0
    right = fma(t, e * low, one)
    left = fma(t, one - low * LOWERED(x), one)
    return (x * low if x >= zero else near * low * LOWERED(x)), (low * right if x >= zero else low * left * LOWERED(x))


@inlined
def silu_and_slope(x):
    """x s, at most 4 ulp, and s (1 + x (1 - s)), at most 4 ulp of s + |x| s (1 - s), with s = 1 / (1 + e^-x)."""
    near = min(max(x, DEEPEST(x)), -DEEPEST(x))
    return gate_and_slope(x, near, x, number(x, 0.0), near)


@inlined
def silu_bend(x):
    """The second derivative of x / (1 + e^-x), s (1 - s) (2 - |x| tanh(|x| / 2)) with s = 1 / (1 + e^-x)."""
    bell, t = lifted_bell(x, number(x, 0.0))
    return fma(-min(abs(x), -DEEPEST(x)), t, number(x, 2.0)) * bell * LOWERED(x)


@inlined
def silu_jerk(x):
    """The third derivative of x / (1 + e^-x), b (x (t^2 - 2 b) - 3 t) with b = s (1 - s), s = 1 / (1 + e^-x), t = tanh(x / 2)."""
    bell, t = lifted_bell(x, number(x, 0.0))
    curved = fma(t, t, number(x, -2.0) * (bell * LOWERED(x)))
    return fma(min(abs(x), -DEEPEST(x)), curved, number(x, -3.0) * t) * math.copysign(bell, x) * LOWERED(x)


@inlined
def cubic(x):
    """x within ±30, beyond which the gate is 0 or 1; w = A x + B x^3, and the rest of |w|; B x^2."""
    near = min(max(x, number(x, -30.0)), number(x, 30.0))
    square = near * near
    curved = CUBIC(x) * square
    curved_rest = fma(CUBIC(x), fma(near, near, -square), fma(CUBIC(x), square, -curved)) + CUBIC_REST(x) * square
    total = LINEAR(x) + curved
    added = total - LINEAR(x)
    total_rest = (LINEAR(x) - (total - added)) + (curved - added) + (curved_rest + LINEAR_REST(x))
    w = near * total
    rest = fma(near, total_rest, fma(near, total, -w))
    return near, w, (rest if near >= number(x, 0.0) else -rest), curved


@inlined
def gelu_tanh_and_slope(x):
    """x s, at most 4 ulp, and s + x w′ s (1 - s), at most 5 ulp of s + |x| w′ s (1 - s): s = 1 / (1 + e^-w) with w = A x + B x^3
    is (1 + tanh(w / 2)) / 2."""
    near, w, rest, curved = cubic(x)
    return gate_and_slope(x, near, w, rest, near * fma(number(x, 3.0), curved, LINEAR(x)))


@inlined
def gelu_tanh_bend(x):
    """The second derivative of x s: s (1 - s) (2 A + 12 B x^2 - |x| w′^2 tanh(|w| / 2))."""
    near, w, rest, curved = cubic(x)
    bell, t = lifted_bell(w, rest)
    slope = fma(number(x, 3.0), curved, LINEAR(x))
    return fma(-abs(near) * slope * slope, t, fma(number(x, 12.0), curved, number(x, 2.0) * LINEAR(x))) * bell * LOWERED(x)


@inlined
def gelu_tanh_jerk(x):
    """The third derivative of x s: b (x (24 B + w′^3 (t^2 - 2 b)) - 3 t w′ (A + 9 B x^2)) with b = s (1 - s), t = tanh(w / 2)."""
    near, w, rest, curved = cubic(x)
    bell, t = lifted_bell(w, rest)
    slope = fma(number(x, 3.0), curved, LINEAR(x))
    gate = fma(t, t, number(x, -2.0) * (bell * LOWERED(x)))
    inner = fma(slope * slope * slope, gate, number(x, 24.0) * CUBIC(x))
    outer = number(x, -3.0) * t * slope * fma(number(x, 9.0), curved, LINEAR(x))
    return fma(abs(near), inner, outer) * math.copysign(bell, x) * LOWERED(x)


@inlined
def mish_and_slope(x):
    """x t, at most 4 ulp, and t + x t′, at most 6 ulp of t + |x| t′, with t = tanh(log(1 + e^x)).

    With e = e^-|x|, t = (1 + 2 e) / q, q = 1 + 2 e + 2 e^2, and t′ / t = 4 e^2 (1 + e) / (q (1 + 2 e)) above 0;
    t = e (2 + e) / q, q = 2 + 2 e + e^2, and t′ / t = 4 (1 + e) / (q (2 + e)) below.
    """
    zero, one, two, four = number(x, 0.0), number(x, 1.0), number(x, 2.0), number(x, 4.0)
    near = min(max(x, DEEPEST(x)), -DEEPEST(x))
    lifted = lifted_product(one, lifted_exp(-abs(x), zero))
    e = lifted * LOWERED(x)
    factor = fma(two, e, one) if x >= zero else two + e
    q = fma(two * e, one + e, one) if x >= zero else fma(e, factor, two)
    low = (factor if x >= zero else lifted * factor) / q  # t, lifted below 0
    ratio = four * (one + e) * (e * e if x >= zero else one) / (q * factor)
    slope = low * fma(near, ratio, one)
    return (x * low if x >= zero else near * low * LOWERED(x)), (slope if x >= zero else slope * LOWERED(x))


@inlined
def mish_bend(x):
    """The second derivative of x tanh(log(1 + e^x)); with e and q as in `mish_and_slope`
    4 e^2 (2 (1 + e) q - x (2 + 3 e - 2 e^2 - 2 e^3)) / q^3 above 0, 4 e (2 (1 + e) q + x (2 + 2 e - 3 e^2 - 2 e^3)) / q^3 below."""
    zero, one, two, three = number(x, 0.0), number(x, 1.0), number(x, 2.0), number(x, 3.0)
    near = min(abs(x), -DEEPEST(x))
    lifted = lifted_product(one, lifted_exp(-abs(x), zero))
    e = lifted * LOWERED(x)
    q = fma(two * e, one + e, one) if x >= zero else fma(e, two + e, two)
    above = fma(fma(fma(-two, e, -two), e, three), e, two)
    below = fma(fma(fma(-two, e, -three), e, two), e, two)
    terms = fma(-near, above if x >= zero else below, two * (one + e) * q)
    return number(x, 4.0) * terms * (lifted * e if x >= zero else lifted) / (q * q * q) * LOWERED(x)


@inlined
def mish_jerk(x):
    """The third derivative of x tanh(log(1 + e^x)); with e and q as in `mish_and_slope`
    4 e^2 (x (4 + 5 e - 24 e^2 - 32 e^3 + 4 e^5) - 3 (2 + 3 e - 2 e^2 - 2 e^3) q) / q^4 above 0,
    4 e (x (4 - 32 e^2 - 24 e^3 + 5 e^4 + 4 e^5) + 3 (2 + 2 e - 3 e^2 - 2 e^3) q) / q^4 below."""
    zero, one, two, three = number(x, 0.0), number(x, 1.0), number(x, 2.0), number(x, 3.0)
    four, five, large, larger = number(x, 4.0), number(x, 5.0), number(x, -24.0), number(x, -32.0)
    near = min(max(x, DEEPEST(x)), -DEEPEST(x))
    lifted = lifted_product(one, lifted_exp(-abs(x), zero))
    e = lifted * LOWERED(x)
    q = fma(two * e, one + e, one) if x >= zero else fma(e, two + e, two)
    second_above = -fma(fma(fma(-two, e, -two), e, three), e, two)
    second_below = fma(fma(fma(-two, e, -three), e, two), e, two)
    third_above = fma(fma(fma(fma(four * e, e, larger), e, large), e, five), e, four)
    third_below = fma(fma(fma(fma(four, e, five), e, large), e, larger), e * e, four)
    terms = fma(near, third_above if x >= zero else third_below, three * (second_above if x >= zero else second_below) * q)
    return four * terms * (lifted * e if x >= zero else lifted) / (q * q * (q * q)) * LOWERED(x)
