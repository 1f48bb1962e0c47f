"""φ of the losses and its derivatives by code (eq. 14 and 15)."""

import numpy as np

from .elementary import exp, log
from .linked import kernel
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
    value = gradient.dtype.type(1)
    if code == MEAN:
        value /= gradient.dtype.type(gradient.size)
    for k in range(gradient.size):
        gradient[k] = data[k] if code == WEIGHTED else value


@kernel
def ranked(code, parameter, losses, gradient):
    """The reductions that sort: cvar, quantile, trimmed_mean; the sort is stable, so ties go to the first in sample order."""
    m = losses.size
    one = losses.dtype.type(1)
    gradient[:] = 0
    if code == CVAR:
        order = np.argsort(-losses, kind="mergesort")
        tail = parameter * m
        whole = min(int(tail), m)
        for i in range(whole):
            gradient[order[i]] = one
        if whole < m:
            gradient[order[whole]] = losses.dtype.type(tail - whole)
        value = tree_sum(gradient * losses) / losses.dtype.type(tail)
        for k in range(m):
            gradient[k] /= losses.dtype.type(tail)
        return value
    order = np.argsort(losses, kind="mergesort")
    if code == QUANTILE:
        place = parameter * (m - 1)
        below = min(int(place), m - 1)
        above = min(below + 1, m - 1)
        part = losses.dtype.type(place - below)
        low, high = losses[order[below]], losses[order[above]]
        gradient[order[above]] += part
        gradient[order[below]] += one - part
        return low + (high - low) * part if part < losses.dtype.type(0.5) else high - (high - low) * (one - part)
    cut = int(parameter * m)
    share = one / losses.dtype.type(m - 2 * cut)
    for i in range(cut, m - cut):
        gradient[order[i]] = one
    value = tree_sum(gradient * losses) * share
    for k in range(m):
        gradient[k] *= share
    return value


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
        mean = tree_sum(members[first:last]) / losses.dtype.type(last - first)
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
        return tree_sum(losses) / (count if code == MEAN else one)
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
        top = scale * losses[0]
        for k in range(1, m):
            top = max(top, scale * losses[k])
        for k in range(m):
            gradient[k] = exp(scale * losses[k] - top)
        total = tree_sum(gradient)
        for k in range(m):
            gradient[k] /= total
        return (top + log(total / count)) / scale
    if code == MEAN_VARIANCE:
        mean = tree_sum(losses) / count
        for k in range(m):
            gradient[k] = (losses[k] - mean) * (losses[k] - mean)
        value = mean + scale * (tree_sum(gradient) / count)
        for k in range(m):
            gradient[k] = (one + (scale + scale) * (losses[k] - mean)) / count
        return value
    if code == POWER_MEAN:
        top = losses[0]
        for k in range(1, m):
            top = max(top, losses[k])
        if not top > zero:
            gradient[:] = one / count if scale == one else zero
            return top
        for k in range(m):
            gradient[k] = exp(scale * log(losses[k] / top))
        mean = tree_sum(gradient) / count
        value = top * exp(log(mean) / scale)
        for k in range(m):
            gradient[k] = exp((scale - one) * log(losses[k] / value)) / count if losses[k] > zero else zero
            if losses[k] == zero and scale == one:
                gradient[k] = one / count
        return value
    if code == GROUP_MAX:
        return largest_group(data, losses, gradient)
    return ranked(code, parameter, losses, gradient)


@kernel
def reduction_hessian_product(code, parameter, losses, direction, out):
    """∇²φ v [m] into out: zero for what is linear in the losses piece by piece."""
    zero, one, count = losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(losses.size)
    scale = losses.dtype.type(parameter)
    out[:] = zero
    if code == MEAN_VARIANCE:
        mean = tree_sum(direction) / count
        for k in range(losses.size):
            out[k] = (scale + scale) * (direction[k] - mean) / count
    elif code == LOG_SUM_EXP or code == POWER_MEAN:
        gradient = np.empty_like(losses)
        value = reduce_losses(code, parameter, losses, losses, gradient)
        dot = tree_sum(gradient * direction)
        for k in range(losses.size):
            if code == LOG_SUM_EXP:
                out[k] = scale * gradient[k] * (direction[k] - dot)
            elif losses[k] > zero:
                out[k] = (scale - one) * gradient[k] * (direction[k] / losses[k] - dot / value)
