"""Checks of what users hand to private training and to the accountant of its privacy."""

from __future__ import annotations

from typing import Any, TypeVar

from schedulers import BatchSchedule, orders

from .checks import number_where, one_of, whole_number
from .object_checks import shown

Kind = TypeVar("Kind")
REDUCTIONS = ("mean", "sum")
ACCOUNTANTS = ("rdp", "pld")


def first_order(value: Any, kind: type[Kind]) -> Kind:
    """A first-order update."""
    if not isinstance(value, kind):
        raise TypeError("update must be a first-order update such as engine.Adam(1e-3), which sees the noisy gradient alone, but "
                        f"is {shown(value)}; an update by curvature looks at single samples beside it")
    return value


def reduction(cost: Any) -> str:
    """The reduction of a cost of outputs whose gradient is a sum over samples in which all of them count alike: mean or sum."""
    if hasattr(cost.loss, "residuals"):
        raise ValueError("cost must be one of outputs for Private, which cannot clip the gradients of residuals yet, but is "
                         f"{shown(cost)}; use its first-order update alone, without privacy")
    if cost.reduction.name not in REDUCTIONS:
        raise ValueError("Private needs the reduction mean or sum, in which every sample counts alike, so that clip_norm bounds "
                         f"what one of them changes, but the cost's is {shown(cost.reduction)}")
    return str(cost.reduction.name)


def expected_batch(schedule: Any, samples: int) -> float:
    """How many samples a batch step is expected to hold."""
    if type(schedule) is BatchSchedule:
        if type(schedule.order) is orders.PoissonSampling:
            return schedule.order.probability * samples
        if type(schedule.order) in orders.BUILT_IN:
            return float(min(schedule.batch_size, samples))
    raise ValueError("the reduction mean divides by the number of samples that a batch is expected to hold, which a schedule or an "
                     f"order of one's own does not say: {shown(schedule)}; use the reduction sum, and a smaller rate")


def sampling_probability(schedule: Any) -> float:
    """The probability of Poisson sampling, without which the accountants' bounds do not hold."""
    order = getattr(schedule, "order", None)
    if type(schedule) is not BatchSchedule or type(order) is not orders.PoissonSampling:
        raise ValueError("the privacy that is accounted for needs batches by Poisson sampling, BatchSchedule(batch_size, order="
                         f"schedulers.orders.poisson_sampling(probability)), but schedule is {shown(schedule)}")
    return order.probability


def probability(value: Any) -> float:
    """A number in (0, 1]."""
    return number_where(value, "probability", "a number in (0, 1]", lambda number: 0 < number <= 1)


def delta(value: Any) -> float:
    """A number in (0, 1)."""
    return number_where(value, "delta", "a number in (0, 1), less than one over the number of samples",
                        lambda number: 0 < number < 1)


def noise_multiplier(value: Any) -> float:
    """A finite number of at least 0."""
    return number_where(value, "noise_multiplier", "a finite number of at least 0", lambda number: number >= 0)


def steps(value: Any) -> int:
    """A number of batch steps."""
    return whole_number(value, "steps", 0)


def accountant(value: Any) -> str:
    """The name of an accountant."""
    return one_of(value, "accountant", ACCOUNTANTS)


def inside_fit() -> None:
    """Refuse a step of settings that no fit has bound to its schedule."""
    raise TypeError("Private makes its steps inside engine.fit, which tells it how many samples a batch is expected to hold; call "
                    "Private.within(cost, schedule, samples).step for steps of one's own")


def on_one_machine(value: Any, private: tuple[type, ...]) -> None:
    """Refuse private training of samples on workers."""
    if isinstance(value, private):
        raise ValueError("update must not be Private where samples are on workers, which send sums of gradients that are not "
                         "clipped; use engine.fit on one machine")
