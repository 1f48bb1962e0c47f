"""Checks of what users hand to updates and to fit."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.updates import FORMS, GRADIENT_DESCENT
from ..object_checks import shown
from ..typing import Array, Number, Rate

DOUBLE, BOOLEAN = np.dtype(np.float64), np.dtype(np.bool_)
EVIDENT = ("mean", "sum", "weighted", "weighted_mean")
FLAT = ("absolute_error", "hinge", "quantile_loss")  # whose ∇²L is 0 almost everywhere
RATE = "a finite number of at least 0"

Kind = TypeVar("Kind")


def rate(value: Any) -> Rate:
    """A finite number above 0, or a callable of the batch time step."""
    if callable(value):
        return value
    _refuse_what_is_no_number(value, "rate", "a finite number above 0 or a callable of the batch time step")
    return checks.number_where(value, "rate", "a finite number above 0 or a callable of the batch time step",
                               lambda number: number > 0)


def rate_now(value: Any, time: int) -> float:
    """η of batch time step `time`, a finite number of at least 0: with 0 a step leaves θ as it is."""
    if type(value) is float and 0.0 <= value < math.inf:
        return value
    name = f"the rate at batch time step {time}"
    _refuse_what_is_no_number(value, name, RATE)
    return checks.number_where(value, name, RATE, lambda number: number >= 0)


def _refuse_what_is_no_number(value: Any, name: str, expected: str) -> None:
    """Refuse what float() would make a number of: text, truth values, arrays with an axis."""
    if isinstance(value, (str, bytes, bytearray, bool, np.bool_)):
        raise TypeError(f"{name} must be {expected}, but is {value!r}")
    shape = (len(value),) if isinstance(value, (list, tuple)) else getattr(value, "shape", ())
    if shape:
        raise TypeError(f"{name} must be {expected}, but has shape {list(shape)}; give one number")


def fraction(value: Any, name: str) -> float:
    """A number in [0, 1): a momentum or the decay of a running mean."""
    return checks.number_where(value, name, "a number in [0, 1)", lambda number: 0 <= number < 1)


def share(value: Any, name: str) -> float:
    """A number in [0, 1]."""
    return checks.number_where(value, name, "a number from 0 to 1", lambda number: 0 <= number <= 1)


def not_negative(value: Any, name: str) -> float:
    """A finite number of at least 0."""
    return checks.number_where(value, name, "a finite number of at least 0", lambda number: number >= 0)


def geodesic(value: Any) -> bool | str:
    """True, False or "auto"."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if not isinstance(value, str) or value != "auto":
        raise ValueError(f'geodesic must be True, False or "auto", but is {value!r}')
    return value


def adaptive(value: Any, damping: float) -> bool:
    """True or False; only a damping above 0 can grow and fall."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"adaptive must be True or False, but is {value!r}")
    if value and damping == 0:
        raise ValueError("adaptive needs a damping above 0 to begin with, but damping is 0; take 1e-3, for instance")
    return bool(value)


def of_kfac(solver: str, **settings: bool) -> None:
    """Refuse settings of the solver kfac with another solver."""
    for name, given in settings.items():
        if given and solver != "kfac":
            raise ValueError(f"{name} is for solver='kfac', but solver is {solver!r}; leave {name} out, or take solver='kfac'")


def nesterov(value: Any, momentum: float) -> bool:
    """Whether to look ahead along a velocity, which must then exist."""
    if value and momentum == 0:
        raise ValueError("nesterov needs a momentum above 0, but momentum is 0")
    return bool(value)


def update(value: Any, kind: type[Kind]) -> Kind:
    """An update, not a name or a rate."""
    if not isinstance(value, kind):
        raise TypeError(f"update must be an update such as engine.GradientDescent(0.1), but is {value!r}")
    return value


def made_by_kernels(value: Any, kind: Any) -> bool:
    """Whether an update's steps are the kernels' own, not a method of a user's."""
    return isinstance(value, kind) and type(value).step is kind.step and type(value).skip is kind.skip


def step_cost(value: Any, update: Any, time: int) -> Number:
    """The cost that an update's step gave, a number."""
    if isinstance(value, (float, np.floating)):
        return value
    if isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "fiu"):
        return float(value)
    raise TypeError(f"{type(update).__name__}.step must return the cost before it, a number, but returned {value!r} at batch time "
                    f"step {time}")


def kernel_arrays(update: Any, theta: Array, state: Any) -> tuple[NDArray[np.float64], Array]:
    """The settings and the rows of state of a first-order update, as its kernel trusts them."""
    code, settings, rows = update.code, update.settings, state.arrays.get("rows")
    if code in FORMS and type(settings) is type(rows) is np.ndarray and rows.ndim == 2:
        numbers, needed = FORMS[code]
        if (settings.shape == (numbers,) and settings.dtype is DOUBLE and settings.flags.carray and rows.shape[1] == theta.size
                and rows.dtype is theta.dtype and rows.flags.carray
                and (len(rows) >= needed or (code == GRADIENT_DESCENT and settings.item(0) == 0))):
            return settings, rows
    name = type(update).__name__
    if code not in FORMS:
        raise ValueError(f"{name}.code must be one of engine.kernels.updates, {list(FORMS)}, but is {code!r}")
    numbers, needed = FORMS[code]
    checks.kernel_array(settings, DOUBLE, (numbers,), f"{name}.settings")
    count = max(needed, len(rows)) if type(rows) is np.ndarray and rows.ndim else needed
    return settings, checks.kernel_array(rows, theta.dtype, (count, theta.size), f'the state "rows" of {name}')


def step_gradient(theta: Any, gradient: Any, mask: Any) -> Array:
    """D_θ C as the kernel may overwrite it, where θ and the trainable mask of the step are as it trusts them."""
    if (type(theta) is type(gradient) is type(mask) is np.ndarray and theta.shape == gradient.shape == (theta.size,)
            and theta.dtype is gradient.dtype and mask.dtype is BOOLEAN and (mask.size == 0 or mask.shape == theta.shape)
            and mask.ndim == 1 and theta.flags.carray and mask.flags.carray):
        return gradient if gradient.flags.carray else gradient.copy()
    dtype, size = (theta.dtype, theta.size) if isinstance(theta, np.ndarray) else (DOUBLE, np.size(theta))
    checks.kernel_array(theta, dtype, (size,), "theta")
    checks.kernel_array(mask, BOOLEAN, (size if np.size(mask) else 0,), "trainable")
    return checks.kernel_array(gradient, dtype, (size,), "the gradient")


def first_state(update: Any, network: Any, kind: Any) -> Any:
    """The state with which an update begins: arrays by name that a checkpoint can hold."""
    state, name = update.begin(network), f"{type(update).__name__}.begin(network)"
    if not (isinstance(state, kind) and isinstance(state.arrays, dict)):
        raise TypeError(f"{name} must return an engine.updates.UpdateState, whose arrays are a dict, but returned {state!r}")
    return _arrays(state, name)


def _arrays(state: Any, name: str) -> Any:
    """A copy of a state whose arrays have names, and numbers or text in them."""
    for key, value in state.arrays.items():
        if not isinstance(key, str):
            raise TypeError(f"{name} must name its arrays by text, but one is named {key!r}")
        if not isinstance(value, (np.ndarray, np.generic)) or value.dtype.kind not in "biufcUS":
            raise TypeError(f"{name} must hold arrays of numbers or text, but its {key!r} is "
                            f"{f'of dtype {value.dtype}' if hasattr(value, 'dtype') else repr(value)}")
    return state.copy()


def state_like(state: Any, first: Any) -> Any:
    """A copy of an earlier result's state, which must be like the one that the update begins with."""
    if not isinstance(state, type(first)):
        raise TypeError(f"state must be the state of an earlier result, result.state, but is {type(state).__name__}")
    state, wanted = _arrays(state, "state"), first.arrays
    if set(state.arrays) != set(wanted):
        raise ValueError(f"state must hold {_named(wanted)}, as this update's does, but holds {_named(state.arrays)}; "
                         "it is the state of another update")
    for name, array in state.arrays.items():
        if array.shape != wanted[name].shape or array.dtype != wanted[name].dtype:
            raise ValueError(f"state's {name} must have shape {list(wanted[name].shape)} and dtype {wanted[name].dtype} for this "
                             f"update and network, but has shape {list(array.shape)} and dtype {array.dtype}")
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise ValueError(f"state's {name} must be finite, but holds {array[~np.isfinite(array)][0]}; take the state of an "
                             "earlier epoch")
    for name in ("steps", "noise_steps"):
        if name in wanted and wanted[name].shape == () and state.arrays[name] < 0:
            raise ValueError(f"state's {name} must be at least 0, but is {state.arrays[name]}")
    return state


def _named(arrays: Collection[str]) -> str:
    return ", ".join(sorted(arrays)) or "no arrays"


def validation_pair(value: Any) -> Sequence[Any] | None:
    """(X, y), or None."""
    if value is not None and not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise TypeError(f"validation must be a pair (X, y), but is {type(value).__name__}")
    return value


def callables(values: Any) -> tuple[Any, ...]:
    """Callbacks, each called with the epoch's history row and the network."""
    try:
        values = tuple(values)
    except TypeError:
        raise TypeError(f"callbacks must be a sequence of callables, but is {values!r}; give one as (callback,)") from None
    checks.user_functions("fit", **{f"callbacks[{i}]": value for i, value in enumerate(values)})
    return values


def schedule(value: Any) -> Any:
    """What yields batch steps by epoch."""
    if not callable(getattr(value, "epoch", None)):
        raise TypeError("schedule must be a schedulers.BatchSchedule, or have a method epoch(samples, e) that yields BatchSteps, "
                        f"but is {value!r}")
    return value


def resumable(resume: Any, checkpoint: Any) -> bool:
    """A run can only go on from somewhere."""
    if resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint=, the path to go on from, but checkpoint is None")
    return bool(resume)


def likelihood(loss: Any, known: Collection[str]) -> None:
    """A loss that is the negative logarithm of a density, up to a constant."""
    if loss.name not in known or loss.weighted:
        raise ValueError(f"NaturalGradient needs a loss that is a negative log-likelihood ({', '.join(known)}), but the cost's is "
                         f"{loss if loss.weighted else loss.name}; use GaussNewton or LevenbergMarquardt, which take its Hessian")


def evidence(cost: Any) -> None:
    """A cost whose samples have a likelihood: a sum of losses, or their mean, of a loss that is a negative log-likelihood with
    curvature; and no penalty, which the update chooses."""
    if cost.loss.weighted:
        raise ValueError(f"BayesianRegularization needs a loss that is a negative log-likelihood, but {cost.loss!r} weighs "
                         f"classes; take {cost.loss.name} without weights, and the reduction weighted_mean(w) with the weight of "
                         "each sample's class")
    if cost.loss.name in FLAT:
        raise ValueError("BayesianRegularization needs a loss with curvature, which says how much the samples determine, but that "
                         f"of {cost.loss!r} is 0 almost everywhere; use huber or log_cosh, or for classes binary_cross_entropy")
    if hasattr(cost.loss, "residuals"):
        raise ValueError("cost must be one of outputs for BayesianRegularization, to which residuals of equations are no "
                         f"measurements with noise, but is {shown(cost)}; use LevenbergMarquardt, with a penalty of the cost "
                         "where θ needs one")
    if cost.penalty is not None:
        raise ValueError(f"cost must have no penalty for BayesianRegularization, which chooses its own, but has {cost.penalty!r}; "
                         "leave it out, or use LevenbergMarquardt")
    if cost.reduction.name not in EVIDENT:
        raise ValueError(f"reduction must be one of {', '.join(EVIDENT)} for BayesianRegularization, to which a sum of losses is "
                         f"a negative log-likelihood, but is {cost.reduction!r}; use LevenbergMarquardt with a penalty")


def available_solver(name: str, known: Collection[str]) -> str:
    """A solver that can work where the samples are, and with what their cost is made of."""
    if name not in known:
        reason = ("a cost of residuals, whose Jacobian has no Kronecker factors" if "kernel" in known else
                  "samples on workers, for the others need every row of J in one place")
        raise ValueError(f"solver must be auto or one of {', '.join(known)} for {reason}, but is {name!r}")
    return name
