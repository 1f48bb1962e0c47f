"""Checks of what users hand to updates and to fit."""

import numpy as np

from .. import checks


def rate(value):
    """A finite number above 0, or a callable of the batch time step."""
    if callable(value):
        return value
    return checks.number_where(value, "rate", "a finite number above 0 or a callable of the batch time step",
                               lambda number: number > 0)


def fraction(value, name):
    """A number in [0, 1): a momentum or the decay of a running mean."""
    return checks.number_where(value, name, "a number in [0, 1)", lambda number: 0 <= number < 1)


def not_negative(value, name):
    """A finite number of at least 0."""
    return checks.number_where(value, name, "a finite number of at least 0", lambda number: number >= 0)


def nesterov(value, momentum):
    """Whether to look ahead along a velocity, which must then exist."""
    if value and momentum == 0:
        raise ValueError("nesterov needs a momentum above 0, but momentum is 0")
    return bool(value)


def update(value, kind):
    """An update, not a name or a rate."""
    if not isinstance(value, kind):
        raise TypeError(f"update must be an update such as engine.GradientDescent(0.1), but is {value!r}")
    return value


def trainable(mask, size):
    """A boolean mask [P] over θ; empty where every number may change."""
    if mask is None:
        return np.empty(0, np.bool_)
    array = np.array(mask)
    if array.dtype != np.bool_ or array.shape != (size,):
        raise ValueError(f"trainable must be a boolean mask of shape [{size}] over θ, but has shape {list(array.shape)} and dtype "
                         f"{array.dtype}")
    return array


def validation_pair(value):
    """(X, y), or None."""
    if value is not None and not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise TypeError(f"validation must be a pair (X, y), but is {type(value).__name__}")
    return value


def callables(values):
    """Callbacks, each called with the epoch's history row and the network."""
    values = tuple(values)
    checks.user_functions("fit", **{f"callbacks[{i}]": value for i, value in enumerate(values)})
    return values


def schedule(value):
    """What yields batch steps by epoch."""
    if not callable(getattr(value, "epoch", None)):
        raise TypeError(f"schedule must be a schedulers.BatchSchedule, but is {value!r}")
    return value


def resumable(resume, checkpoint):
    """A run can only go on from somewhere."""
    if resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint=, the path to go on from, but checkpoint is None")
    return bool(resume)


def likelihood(loss, known):
    """A loss that is the negative logarithm of a density, up to a constant."""
    if loss.name not in known:
        raise ValueError(f"NaturalGradient needs a loss that is a negative log-likelihood ({', '.join(known)}), but the cost's is "
                         f"{loss.name}; use GaussNewton or LevenbergMarquardt, which take its Hessian")


def available_solver(name, known):
    """A solver that can work where the samples are."""
    if name not in known:
        raise ValueError(f"solver must be auto or one of {', '.join(known)} for samples on workers, for the others need every row "
                         f"of J in one place, but is {name!r}")
    return name
