"""φ of the losses and its derivatives by code (eq. 14 and 15)."""

import numpy as np

from .linked import kernel
from .power_means import mean_of, power_mean, tilted_mean
from .powers import power_of_two
from .simd import scale_by_power
from .sums import tree_sum

NAMES = ("mean", "sum", "weighted", "max", "log_sum_exp", "cvar", "quantile", "trimmed_mean", "power_mean", "mean_variance",
         "group_max")
CODES = {name: code for code, name in enumerate(NAMES)}
(MEAN, SUM, WEIGHTED, MAX, LOG_SUM_EXP, CVAR, QUANTILE, TRIMMED_MEAN, POWER_MEAN, MEAN_VARIANCE,
 GROUP_MAX) = range(len(NAMES))
CUSTOM = -1


@kernel
def known_gradient(code):
    """Whether ∇φ is known before the losses are."""
    return code == MEAN or code == SUM or code == WEIGHTED


@kernel
def constant_gradient(code, data, gradient):
    """∇φ [m] of a reduction whose gradient is known before the losses."""
    value = gradient.dtype.type(1 if code == SUM else np.nan)
    if code == MEAN:
        value = gradient.dtype.type(1) / gradient.dtype.type(gradient.size)
    for k in range(gradient.size):
        gradient[k] = data[k] if code == WEIGHTED else value


@kernel
def whole_if_near(x):
    """The whole number nearest to x >= 0 where it differs by no more than 8 ε x, else x: a share of 0.29 of 100 samples is 29 of
    them, though 0.29 * 100 is rounded to less. x is float64 whatever the losses are."""
    whole = float(int(x + 0.5))
    return whole if abs(x - whole) <= 8 * 2.220446049250313e-16 * x else x


@kernel
def ranked(code, parameter, losses, gradient):
    """The reductions that sort: cvar, quantile, trimmed_mean; the sort is stable, so ties go to the first in sample order."""
    m = losses.size
    zero, one = losses.dtype.type(0), losses.dtype.type(1)
    gradient[:] = zero
    if code == CVAR:
        order = np.argsort(-losses, kind="mergesort")
        tail = whole_if_near(parameter * m)
        if tail < 1:
            gradient[order[0]] = one
            return losses[order[0]]
        whole = min(int(tail), m)
        for i in range(whole):
            gradient[order[i]] = one
        if whole < m:
            gradient[order[whole]] = losses.dtype.type(tail - whole)
        value = tree_sum(gradient * losses) / losses.dtype.type(tail)
        for k in range(m):
            gradient[k] /= losses.dtype.type(tail)
    else:
        order = np.argsort(losses, kind="mergesort")
        if code == QUANTILE:
            place = whole_if_near(parameter * (m - 1))
            below = min(int(place), m - 1)
            above = min(below + 1, m - 1)
            part = losses.dtype.type(place - below)
            low, high = losses[order[below]], losses[order[above]]
            gradient[order[above]] += part
            gradient[order[below]] += one - part
            return low + (high - low) * part if part < losses.dtype.type(0.5) else high - (high - low) * (one - part)
        cut = min(int(whole_if_near(parameter * m)), (m - 1) // 2)
        share = one / losses.dtype.type(m - 2 * cut)
        for i in range(cut, m - cut):
            gradient[order[i]] = one
        value = tree_sum(gradient * losses) * share
        for k in range(m):
            gradient[k] *= share
    return value if value - value == zero else tree_sum(gradient * losses)  # the second where the sum overflowed


@kernel
def largest_group(data, losses, gradient):
    """The largest mean of a group, data[k] its number; of groups that tie, the one whose sample comes first."""
    m = losses.size
    groups = 0
    for k in range(m):
        groups = max(groups, int(data[k]) + 1)
    ends = np.zeros(groups + 1, np.int64)  # of the groups among members; ends[0] = 0
    for k in range(m):
        ends[int(data[k]) + 1] += 1
    for group in range(groups):
        ends[group + 1] += ends[group]
    filled = ends[:groups].copy()
    members = np.empty(m, losses.dtype)
    for k in range(m):
        group = int(data[k])
        members[filled[group]] = losses[k]
        filled[group] += 1
    best, chosen, size = losses[0], -1, 0
    for k in range(m):
        group = int(data[k])
        first, last = ends[group], ends[group + 1]
        if filled[group] < last:  # seen
            continue
        filled[group] = -1
        mean = mean_of(members[first:last])
        if chosen < 0 or mean > best or mean != mean:
            best, chosen, size = mean, group, last - first
    for k in range(m):
        gradient[k] = losses.dtype.type(1) / losses.dtype.type(size) if int(data[k]) == chosen else losses.dtype.type(0)
    return best


@kernel
def reduce_losses(code, parameter, data, losses, gradient):
    """φ(losses), and ∇φ [m] into gradient; both in the losses' dtype. m >= 1."""
    m = losses.size
    zero, one, count = losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(losses.size)
    scale = losses.dtype.type(parameter)
    if code == SUM or code == MEAN:
        constant_gradient(code, data, gradient)
        return tree_sum(losses) if code == SUM else mean_of(losses)
    if code == WEIGHTED:
        for k in range(m):
            gradient[k] = data[k] * losses[k]
        value = tree_sum(gradient)
        constant_gradient(code, data, gradient)
        return value
    if code == MAX:
        largest = 0
        for k in range(1, m):
            if losses[k] > losses[largest] or losses[k] != losses[k]:
                largest = k
        gradient[:] = zero
        gradient[largest] = one
        return losses[largest]
    if code == LOG_SUM_EXP:
        return tilted_mean(scale, losses, gradient)
    if code == MEAN_VARIANCE:
        mean, spread = mean_of(losses), zero
        for k in range(m):
            spread = max(spread, abs(losses[k] - mean))
        power = power_of_two(spread)  # a factor that keeps the squares from overflowing and changes no other bits
        for k in range(m):
            deviation = scale_by_power(losses[k] - mean, -power)
            gradient[k] = deviation * deviation
        variance = tree_sum(gradient) / count
        for k in range(m):
            gradient[k] = (one + (scale + scale) * (losses[k] - mean)) / count
        return mean + scale_by_power(scale_by_power(scale * variance, power), power)
    if code == POWER_MEAN:
        return power_mean(scale, losses, gradient)
    if code == GROUP_MAX:
        return largest_group(data, losses, gradient)
    if code == CVAR or code == QUANTILE or code == TRIMMED_MEAN:
        return ranked(code, parameter, losses, gradient)
    gradient[:] = np.nan
    return losses.dtype.type(np.nan)


@kernel
def linear(code):
    """Whether φ is linear in the losses, piece by piece, so that ∇²φ is 0."""
    return (code == MEAN or code == SUM or code == WEIGHTED or code == MAX or code == CVAR or code == QUANTILE
            or code == TRIMMED_MEAN or code == GROUP_MAX)


@kernel
def reduction_hessian_product(code, parameter, losses, direction, out):
    """∇²φ v [m] into out. That of log_sum_exp, t (diag(g) − g gᵀ) v with g = ∇φ, is taken of v less its entry where g is above 1/2,
    which changes nothing, for g sums to 1: no difference of 1 and a g that is nearly 1 is left."""
    zero, one, count = losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(losses.size)
    scale = losses.dtype.type(parameter)
    out[:] = zero if linear(code) else losses.dtype.type(np.nan)
    if code == MEAN_VARIANCE:
        mean = mean_of(direction)
        for k in range(losses.size):
            out[k] = (scale + scale) * (direction[k] - mean) / count
    elif code == LOG_SUM_EXP:
        gradient = np.empty_like(losses)
        tilted_mean(scale, losses, gradient)
        largest = 0
        for k in range(1, losses.size):
            if gradient[k] > gradient[largest]:
                largest = k
        moved = direction - (direction[largest] if gradient[largest] > losses.dtype.type(0.5) else zero)
        dot = tree_sum(gradient * moved)
        for k in range(losses.size):
            out[k] = scale * gradient[k] * (moved[k] - dot)
    elif code == POWER_MEAN:
        gradient = np.empty_like(losses)
        value = power_mean(scale, losses, gradient)
        dot = tree_sum(gradient * direction) / value if value > zero else zero
        for k in range(losses.size):
            share = gradient[k] / losses[k] * direction[k] if losses[k] > zero else zero
            out[k] = (scale - one) * (share - gradient[k] * dot) if scale != one else zero
