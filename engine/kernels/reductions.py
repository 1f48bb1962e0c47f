"""φ of the losses and its derivatives by code (eq. 14 and 15).

A member ``…_reduction`` gives φ of the losses [m], m >= 1, and writes ∇φ to gradient [m]; `data` [m], or empty, holds weights or
group numbers. A member ``…_curvature`` writes ∇²φ v to out [m]. All in the losses' dtype.
"""

from enum import IntEnum

import numpy as np

from .linked import family, shared
from .power_means import mean_of, power_mean, tilted_mean
from .powers import power_of_two
from .ranked_reductions import (
    cvar_reduction,
    group_max_reduction,
    max_reduction,
    quantile_reduction,
    trimmed_mean_reduction,
)
from .signatures import Line, Number
from .simd import scale_by_power
from .sums import tree_sum

CUSTOM = -1


class ReductionCode(IntEnum):
    """What kernels know a reduction by."""

    MEAN = 0
    SUM = 1
    WEIGHTED = 2
    MAX = 3
    LOG_SUM_EXP = 4
    CVAR = 5
    QUANTILE = 6
    TRIMMED_MEAN = 7
    POWER_MEAN = 8
    MEAN_VARIANCE = 9
    GROUP_MAX = 10
    WEIGHTED_MEAN = 11


NAMES = tuple(code.name.lower() for code in ReductionCode)
CODES = {code.name.lower(): code.value for code in ReductionCode}
CONSTANT = frozenset({ReductionCode.MEAN, ReductionCode.SUM, ReductionCode.WEIGHTED,
                      ReductionCode.WEIGHTED_MEAN})  # ∇φ is known before the losses are


@shared
def mean_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """(1/m) sum L_k."""
    share = losses.dtype.type(1) / losses.dtype.type(losses.size)
    for k in range(losses.size):
        gradient[k] = share
    return mean_of(losses)


@shared
def sum_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """sum L_k."""
    for k in range(losses.size):
        gradient[k] = 1
    return tree_sum(losses)


@shared
def weighted_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """sum w_k L_k, w = data."""
    for k in range(losses.size):
        gradient[k] = data[k] * losses[k]
    value = tree_sum(gradient)
    for k in range(losses.size):
        gradient[k] = data[k]
    return value


@shared
def weighted_mean_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """sum w_k L_k / sum w_k, w = data, each at least 0 and below 2."""
    total = tree_sum(data)
    for k in range(losses.size):
        gradient[k] = data[k] / total * losses[k]
    value = tree_sum(gradient)
    for k in range(losses.size):
        gradient[k] = data[k] / total
    return value


@shared
def log_sum_exp_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """(1/t) log mean e^(t L_k), t = parameter."""
    return tilted_mean(losses.dtype.type(parameter), losses, gradient)


@shared
def power_mean_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """(mean L_k^p)^(1/p), p = parameter, of losses >= 0."""
    return power_mean(losses.dtype.type(parameter), losses, gradient)


@shared
def mean_variance_reduction(parameter: float, data: Line, losses: Line, gradient: Line) -> Number:
    """The mean, and `parameter` times the variance."""
    m, zero, one, count = losses.size, losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(losses.size)
    scale = losses.dtype.type(parameter)
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


@shared
def no_curvature(parameter: float, losses: Line, direction: Line, out: Line):
    """0: φ is linear in the losses, piece by piece."""
    for k in range(out.size):
        out[k] = 0


@shared
def mean_variance_curvature(parameter: float, losses: Line, direction: Line, out: Line):
    """2 c (v - mean v) / m, c = parameter."""
    count, scale = losses.dtype.type(losses.size), losses.dtype.type(parameter)
    mean = mean_of(direction)
    for k in range(losses.size):
        out[k] = (scale + scale) * (direction[k] - mean) / count


@shared
def log_sum_exp_curvature(parameter: float, losses: Line, direction: Line, out: Line):
    """t (diag(g) − g gᵀ) v with g = ∇φ, taken of v less its entry where g is above 1/2, which changes nothing, for g sums to 1: no
    difference of 1 and a g that is nearly 1 is left."""
    zero, scale = losses.dtype.type(0), losses.dtype.type(parameter)
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


@shared
def power_mean_curvature(parameter: float, losses: Line, direction: Line, out: Line):
    """(p - 1) (g_k v_k / L_k - g_k (g · v) / φ) with g = ∇φ; 0 for p = 1."""
    zero, one, scale = losses.dtype.type(0), losses.dtype.type(1), losses.dtype.type(parameter)
    gradient = np.empty_like(losses)
    value = power_mean(scale, losses, gradient)
    dot = tree_sum(gradient * direction) / value if value > zero else zero
    for k in range(losses.size):
        share = gradient[k] / losses[k] * direction[k] if losses[k] > zero else zero
        out[k] = (scale - one) * (share - gradient[k] * dot) if scale != one else zero


# reduce_losses(code, parameter, data, losses, gradient): φ(losses), and ∇φ [m] into gradient
reduce_losses, prepare_reductions = family("reduce_losses", {
    ReductionCode.MEAN: mean_reduction,
    ReductionCode.SUM: sum_reduction,
    ReductionCode.WEIGHTED: weighted_reduction,
    ReductionCode.MAX: max_reduction,
    ReductionCode.LOG_SUM_EXP: log_sum_exp_reduction,
    ReductionCode.CVAR: cvar_reduction,
    ReductionCode.QUANTILE: quantile_reduction,
    ReductionCode.TRIMMED_MEAN: trimmed_mean_reduction,
    ReductionCode.POWER_MEAN: power_mean_reduction,
    ReductionCode.MEAN_VARIANCE: mean_variance_reduction,
    ReductionCode.GROUP_MAX: group_max_reduction,
    ReductionCode.WEIGHTED_MEAN: weighted_mean_reduction,
})

CURVATURES = {
    ReductionCode.MEAN: no_curvature,
    ReductionCode.SUM: no_curvature,
    ReductionCode.WEIGHTED: no_curvature,
    ReductionCode.MAX: no_curvature,
    ReductionCode.LOG_SUM_EXP: log_sum_exp_curvature,
    ReductionCode.CVAR: no_curvature,
    ReductionCode.QUANTILE: no_curvature,
    ReductionCode.TRIMMED_MEAN: no_curvature,
    ReductionCode.POWER_MEAN: power_mean_curvature,
    ReductionCode.MEAN_VARIANCE: mean_variance_curvature,
    ReductionCode.GROUP_MAX: no_curvature,
    ReductionCode.WEIGHTED_MEAN: no_curvature,
}
LINEAR = frozenset(code for code, member in CURVATURES.items() if member is no_curvature)  # piece by piece, so that ∇²φ is 0

# reduction_hessian_product(code, parameter, losses, direction, out): ∇²φ v [m] into out
reduction_hessian_product, _ = family("reduction_hessian_product", CURVATURES)
