"""Reductions φ: from the m losses to the cost (paper §4, eq. 14). Any differentiable φ will do; a mean is only one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, cost_checks
from .kernels.reductions import CODES, CONSTANT, CUSTOM, LINEAR, ReductionCode, reduce_losses, reduction_hessian_product
from .typing import Array, Indices, Number

PARAMETRIC = ("log_sum_exp", "cvar", "quantile", "trimmed_mean", "power_mean", "mean_variance")
NO_DATA = np.empty(0)
LEAST = {"power_mean": 0.0}  # the least loss at which a reduction is defined, where not at all


@dataclass(frozen=True, eq=False)
class Reduction:
    """A reduction of one's own, φ: R^m → R (paper §4–5, eq. 14 and 15).

    Parameters
    ----------
    value : callable
        value(losses), a number, for losses [m].
    gradient : callable
        gradient(losses) = ∇φ [m].
    hessian_product : callable, optional
        hessian_product(losses, v) = ∇²φ v [m]; only second-order methods need it.

    See Also
    --------
    Loss : What gives each sample a number.
    Cost : Both together.
    check_derivatives : Whether its derivatives agree with differences.

    Examples
    --------
    >>> from engine import Cost, Reduction
    >>> root = Reduction(lambda L: (L @ L)**0.5, lambda L: L / (L @ L)**0.5)
    >>> float(Cost("absolute_error", root).value([[3.0], [4.0]], [[0.0], [0.0]]))
    5.0
    """

    value: Callable[[Any], Any]
    gradient: Callable[[Any], Array]
    hessian_product: Callable[[Any, Any], Array] | None = None
    name: str = field(default="a user's own", init=False)
    code: int = field(default=CUSTOM, init=False)
    parameter: float = field(default=0.0, init=False)
    data: NDArray[Any] = field(default_factory=lambda: NO_DATA, init=False)
    least: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        checks.user_functions("Reduction", value=self.value, gradient=self.gradient)

    def __repr__(self) -> str:
        if self.code < 0:
            return f"Reduction({checks.function_name(self.value)}, {checks.function_name(self.gradient)})"
        if self.data.size:
            return f"{self.name}({self.data.size} samples)"
        return f"{self.name}({self.parameter!r})" if self.name in PARAMETRIC else self.name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reduction):
            return NotImplemented
        return self._functions() == other._functions() and np.array_equal(self.data, other.data)

    def __hash__(self) -> int:
        return hash((*self._functions(), self.data.size))

    def _functions(self) -> tuple[Any, ...]:
        """What it is but for its per-sample data."""
        own = (self.value, self.gradient, self.hessian_product) if self.code < 0 else ()
        return self.name, self.code, self.parameter, *own

    def at(self, indices: Indices) -> Reduction:
        """The reduction with its per-sample data (weights, groups) taken at `indices`."""
        if self.data.size == 0:
            return self
        data = self.data[indices]
        if self.code == ReductionCode.WEIGHTED_MEAN:
            cost_checks.weight_in_batch(data, indices)
        return _built_in(self.name, self.parameter, data)

    @property
    def linear(self) -> bool:
        """Whether ∇φ is the same whatever the losses are: of mean, sum, weighted and weighted_mean."""
        return self.code in CONSTANT

    @property
    def everywhere(self) -> bool:
        """Whether φ is defined at all losses."""
        return self.least == -math.inf

    def defined_at(self, losses: Array) -> bool:
        """Whether φ is defined at losses [m]: none of them is below `least`, 0 for power_mean."""
        return self.everywhere or not bool((losses < self.least).any())

    def __reduce__(self) -> tuple[Any, ...]:
        if self.code < 0:
            return type(self), (self.value, self.gradient, self.hessian_product)
        return _built_in, (self.name, self.parameter, self.data)


class _BuiltIn:
    """The value (order 0), gradient (1) or Hessian product (2) of a kernel's code, in the losses' dtype."""

    def __init__(self, name: str, parameter: float, data: NDArray[Any], order: int) -> None:
        self.name, self.parameter, self.data, self.order = name, parameter, data, order

    def __call__(self, losses: ArrayLike, v: ArrayLike | None = None) -> Any:
        losses = cost_checks.losses(losses, self.name, self.data.size, LEAST.get(self.name, -math.inf))
        cost_checks.held_by(losses.dtype, self)
        out = np.empty_like(losses)
        if self.order == 2:
            v = checks.vector(v, losses.size, losses.dtype, "v", "one number a loss")
            reduction_hessian_product(CODES[self.name], self.parameter, losses, v, out)
            return out
        value = reduce_losses(CODES[self.name], self.parameter, self.data.astype(losses.dtype), losses, out)
        return losses.dtype.type(value) if self.order == 0 else out


def _built_in(name: str, parameter: float = 0.0, data: NDArray[Any] = NO_DATA) -> Reduction:
    """A reduction that kernels know. Its per-sample data, whose numbers they index by, can no longer be written to."""
    data.flags.writeable = False
    data = data.view()
    reduction = Reduction(*(_BuiltIn(name, parameter, data, order) for order in range(3)))
    for attribute, value in (("name", name), ("code", CODES[name]), ("parameter", parameter), ("data", data),
                             ("least", LEAST.get(name, -math.inf))):
        object.__setattr__(reduction, attribute, value)
    return reduction


class ReductionHessian(NamedTuple):
    """∇²φ = diag(d) − c r rᵀ: a diagonal, which adds to single samples, and a rank-one part, which joins them."""

    diagonal: Array  # d [m]
    scale: Number  # c
    vector: Array  # r [m]


def reduction_hessian(reduction: Reduction, losses: Array, gradient: Array) -> ReductionHessian | None:
    """The ReductionHessian at losses [m] with ∇φ [m], or None where ∇²φ is 0. A code that has no branch here gives NaN."""
    m, parameter, dtype = len(losses), reduction.parameter, losses.dtype
    if reduction.code == ReductionCode.LOG_SUM_EXP:
        return ReductionHessian(dtype.type(parameter) * gradient, dtype.type(parameter), gradient)
    if reduction.code == ReductionCode.MEAN_VARIANCE:
        return ReductionHessian(np.full(m, 2 * parameter / m, dtype), dtype.type(2 * parameter / m**2), np.ones(m, dtype))
    if reduction.code == ReductionCode.POWER_MEAN:
        scale, value = dtype.type(parameter - 1), reduction.value(losses)
        d = scale * np.divide(gradient, losses, out=np.zeros_like(losses), where=losses > 0)
        return None if parameter == 1 else ReductionHessian(d, scale / value if value > 0 else dtype.type(0), gradient)
    return None if reduction.code in LINEAR else ReductionHessian(np.full(m, np.nan, dtype), dtype.type(np.nan), gradient)


mean = _built_in("mean")
"""(1/m) Σ L_k."""
sum = _built_in("sum")
"""Σ L_k."""
max = _built_in("max")
"""The largest loss; of equal ones the first in sample order takes the subgradient."""
NAMED = {"mean": mean, "sum": sum, "max": max}


def weighted(w: ArrayLike) -> Reduction:
    """Σ w_k L_k, with w [m] one weight for each sample of the data set.

    See Also
    --------
    weighted_mean : Divided by the weights of the batch.
    """
    return _built_in("weighted", data=cost_checks.sample_weights(w))


def weighted_mean(w: ArrayLike) -> Reduction:
    """Σ w_k L_k / Σ w_k, the sums over the samples at hand: in a batch, over those of the batch.

    Parameters
    ----------
    w : array_like [m]
        One weight of at least 0 for each sample of the data set, not all of them 0. Only their ratios count.

    Returns
    -------
    Reduction
        Its gradient is w_k / Σ w; equal weights give the mean.

    Raises
    ------
    ValueError
        Where a weight is negative, not finite, or all of them are 0; in `fit`, where all samples of a batch have weight 0.

    Examples
    --------
    >>> from engine import Cost
    >>> from engine.reductions import weighted_mean
    >>> float(Cost("squared_error", weighted_mean([3.0, 1.0])).value([[2.0], [4.0]], [[0.0], [0.0]]))
    3.5
    """
    return _built_in("weighted_mean", data=cost_checks.mean_weights(w))


def weighted_by(w: Array) -> Reduction:
    """`weighted` for weights [m] that were checked before, in any dtype. They are not copied, and can no longer be written to."""
    return _built_in("weighted", data=w)


def log_sum_exp(t: float) -> Reduction:
    """(1/t) log mean exp(t L), t ≠ 0: near 0 the mean, large the maximum (tilted risk, Li et al. 2021).

    Of small t it is the mean and t/2 times the variance, and nothing overflows for large ones: for losses of one sign it is within
    (20 + log₂ m) ε, and what the rounding of t L_k makes of it. In float32 a t that float32 cannot hold is refused.

    See Also
    --------
    power_mean : A mean of powers, which scales with the losses.
    cvar : The mean of the worst share.
    """
    return _built_in("log_sum_exp", checks.not_zero(t, "t"))


def cvar(alpha: float) -> Reduction:
    """The mean of the worst share α of the losses (Rockafellar & Uryasev 2000), 0 < α ≤ 1.

    The sum of the ⌊αm⌋ largest and (αm − ⌊αm⌋) times the next, over αm; ties go to the first in sample order. An αm within 8 ε of a
    whole number, relative to it, counts as that number: 0.29 of 100 samples is 29, though 0.29 · 100 is rounded to less.

    See Also
    --------
    quantile : The loss at which the worst share begins.
    log_sum_exp : A smooth step from the mean to the largest.
    """
    return _built_in("cvar", checks.share(alpha, "alpha"))


def quantile(q: float) -> Reduction:
    """The q-quantile of the losses, 0 ≤ q ≤ 1, as NumPy's "linear"; its one or two samples take the subgradient.

    It lies at place q (m − 1) among the sorted losses; within 8 ε of a whole number, relative to it, that is one sample.

    See Also
    --------
    cvar : The mean of what lies beyond.
    """
    return _built_in("quantile", checks.between(q, "q", 0.0, 1.0))


def trimmed_mean(fraction: float) -> Reduction:
    """The mean without the ⌊fraction · m⌋ smallest and as many largest, 0 ≤ fraction < 0.5.

    fraction · m counts as a whole number where it is within 8 ε of one, relative to it: 0.29 of 100 drops 29 from each end.
    """
    return _built_in("trimmed_mean", checks.below_half(fraction, "fraction"))


def power_mean(p: float) -> Reduction:
    """(mean L^p)^(1/p), p > 0, for losses ≥ 0 (a ValueError otherwise); where L_k = 0 and p ≠ 1 the subgradient is 0.

    Near 0 the geometric mean, large the maximum: no power overflows or vanishes. It is the largest loss r times e^s with
    s = (1/p) log mean e^(p log(L/r)), within (20 + log₂ m + 4 |s|) ε.

    See Also
    --------
    log_sum_exp : Also for losses below 0.
    """
    return _built_in("power_mean", checks.positive(p, "p"))


def mean_variance(c: float) -> Reduction:
    """mean + c · variance, the variance over m; squares are taken of scaled losses, so that they overflow only where it does."""
    return _built_in("mean_variance", checks.finite_number(c, "c"))


def group_max(groups: ArrayLike) -> Reduction:
    """The largest mean of a group (Sagawa et al. 2020), with groups [m] one label for each sample of the data set.

    In a batch, of the groups that occur there; of groups that tie, the one whose sample comes first takes the subgradient.

    See Also
    --------
    cvar : Without groups.
    """
    return _built_in("group_max", data=cost_checks.group_numbers(groups))


def named(reduction: str | Reduction) -> Reduction:
    """The Reduction of a name; a Reduction comes back unchanged."""
    return reduction if isinstance(reduction, Reduction) else NAMED[cost_checks.reduction_name(reduction, NAMED)]
