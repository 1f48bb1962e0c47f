"""Reductions that rank the losses: the largest, tails, quantiles, the largest group. Members are as in reductions.py."""

import numpy as np

from .linked import kernel, shared
from .power_means import mean_of
from .signatures import Line, Number
from .sums import tree_sum


@shared
def max_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """The largest loss; of equal ones the first takes the subgradient."""
    largest = 0
    for k in range(1, losses.size):
        if losses[k] > losses[largest] or losses[k] != losses[k]:
            largest = k
    for k in range(losses.size):
        gradient[k] = 0
    gradient[largest] = 1
    return losses[largest]


@kernel
def whole_if_near(x):
    """The whole number nearest to x >= 0 where it differs by no more than 8 ε x, else x: a share of 0.29 of 100 samples is 29 of
    them, though 0.29 * 100 is rounded to less. x is float64 whatever the losses are."""
    whole = float(int(x + 0.5))
    return whole if abs(x - whole) <= 8 * 2.220446049250313e-16 * x else x


@shared
def cvar_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """The mean of the largest losses, a share `parameter` of them; the sort is stable, so ties go to the first in sample order."""
    m, zero, one = losses.size, losses.dtype.type(0), losses.dtype.type(1)
    gradient[:] = zero
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
    return value if value - value == zero else tree_sum(gradient * losses)  # the second where the sum overflowed


@shared
def quantile_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """The quantile at `parameter`, between the two nearest losses in proportion."""
    m, one = losses.size, losses.dtype.type(1)
    gradient[:] = losses.dtype.type(0)
    order = np.argsort(losses, kind="mergesort")
    rank = whole_if_near(parameter * (m - 1))
    below = min(int(rank), m - 1)
    above = min(below + 1, m - 1)
    part = losses.dtype.type(rank - below)
    low, high = losses[order[below]], losses[order[above]]
    gradient[order[above]] += part
    gradient[order[below]] += one - part
    return low + (high - low) * part if part < losses.dtype.type(0.5) else high - (high - low) * (one - part)


@shared
def trimmed_mean_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """The mean without a share `parameter` of the losses at either end."""
    m, zero, one = losses.size, losses.dtype.type(0), losses.dtype.type(1)
    gradient[:] = zero
    order = np.argsort(losses, kind="mergesort")
    cut = min(int(whole_if_near(parameter * m)), (m - 1) // 2)
    share = one / losses.dtype.type(m - 2 * cut)
    for i in range(cut, m - cut):
        gradient[order[i]] = one
    value = tree_sum(gradient * losses) * share
    for k in range(m):
        gradient[k] *= share
    return value if value - value == zero else tree_sum(gradient * losses)  # the second where the sum overflowed


@shared
def group_max_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
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
