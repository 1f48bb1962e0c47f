"""Means of powers: the tilted mean (1/t) log mean e^(t L) and the power mean (mean L^p)^(1/p), without overflow for large t and p
and without cancellation for small ones."""

import numpy as np

from .elementary import exp, expm1, log, log1p
from .linked import kernel
from .simd import polynomial
from .sums import tree_sum

EPSILON = polynomial((2.220446049250313e-16,), (1.1920928955078125e-07,))
SMALLEST_NORMAL = polynomial((2.2250738585072014e-308,), (1.1754943508222875e-38,))
MODERATE = 32.0  # a power e^x up to which mean e^x - 1 is taken, and not from the largest


@kernel
def mean_of(values):
    """The mean of values [m], where their sum overflows too; m >= 1."""
    count = values.dtype.type(values.size)
    value = tree_sum(values) / count
    return value if value - value == values.dtype.type(0) else tree_sum(values / count)


@kernel
def log_mean_exp(x, powers):
    """log mean e^x for x [m], none above MODERATE; powers [m] is overwritten. It is log(1 + mean(e^x - 1)), whose terms do not
    cancel where they have one sign, down to a mean of 1/2, and below that the logarithm of the mean."""
    count, half = x.dtype.type(x.size), x.dtype.type(0.5)
    for k in range(x.size):
        powers[k] = expm1(x[k])
    z = tree_sum(powers) / count
    if z > -half:
        return log1p(z)
    for k in range(x.size):
        powers[k] = exp(x[k])
    return log(tree_sum(powers) / count)


@kernel
def tilted_mean(t, losses, gradient):
    """(1/t) log mean e^(t L), and its gradient [m], e^(t L_k) over the sum of them.

    With r the largest loss, or the smallest where t < 0, it is r + (1/t) log mean e^(t (L - r)), in which nothing overflows. Where
    t r is moderate and above 0 it is (1/t) log mean e^(t L) as it stands, so that the mean of losses of one sign is not made from
    the difference of r and what r exceeds it by. Where |t L| <= ε it is the mean itself, off by less than ε.
    """
    zero = losses.dtype.type(0)
    top, largest = losses[0], abs(losses[0])
    for k in range(1, losses.size):
        top = max(top, losses[k]) if t > zero else min(top, losses[k])
        largest = max(largest, abs(losses[k]))
    x = np.empty_like(losses)
    for k in range(losses.size):
        x[k] = t * (losses[k] - top)
        gradient[k] = exp(x[k])
    total = tree_sum(gradient)
    for k in range(losses.size):
        gradient[k] /= total
    if abs(t) * largest <= EPSILON(t):
        return mean_of(losses)
    powers, near = np.empty_like(losses), t * top
    if near > zero and near <= losses.dtype.type(MODERATE):
        for k in range(losses.size):
            x[k] = t * losses[k]
        return log_mean_exp(x, powers) / t
    return top + log_mean_exp(x, powers) / t


@kernel
def power_mean(p, losses, gradient):
    """(mean L^p)^(1/p) of losses >= 0, and its gradient [m], (L_k / mean)^(p - 1) / m, 0 where L_k = 0 and p is not 1.

    With r the largest loss it is r e^s, s = (1/p) log mean e^(p log(L / r)), in which nothing overflows; where |p log(L / r)| <= ε,
    s is the mean of the logarithms, off by less than ε.
    """
    zero, one, count = losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(losses.size)
    top = losses[0]
    for k in range(1, losses.size):
        top = max(top, losses[k])
    if p == one or not top > zero:
        gradient[:] = one / count if p == one else zero
        return mean_of(losses)
    logs, x, farthest = np.empty_like(losses), np.empty_like(losses), zero
    for k in range(losses.size):
        ratio = losses[k] / top
        lost = ratio < SMALLEST_NORMAL(ratio) and losses[k] > zero
        logs[k] = log(losses[k]) - log(top) if lost else log(ratio)
        x[k] = p * logs[k]
        farthest = max(farthest, -x[k])
    s = mean_of(logs) if farthest <= EPSILON(p) else log_mean_exp(x, gradient) / p
    for k in range(losses.size):
        gradient[k] = exp((p - one) * (logs[k] - s)) / count if losses[k] > zero else zero
    return top * exp(s)
