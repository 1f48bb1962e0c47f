"""Checks of the parameters of losses, and of whether they fit the number of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .checks import finite, number_where, positive, real_array


def label_smoothing(value: Any) -> float:
    """A number from 0 to 1."""
    return number_where(value, "label_smoothing", "a number from 0 to 1", lambda number: 0 <= number <= 1)


def class_weights(values: Any) -> tuple[float, ...] | None:
    """None, or a finite number of at least 0 for each class, not all of them 0."""
    if values is None:
        return None
    found = _numbers(values, "class_weights", "class")
    if min(found) < 0:
        k = int(np.argmin(found))
        raise ValueError(f"class_weights must hold numbers of at least 0, but class_weights[{k}] is {found[k]}")
    if max(found) == 0:
        raise ValueError(f"class_weights must hold a number above 0, but all {len(found)} are 0; leave class_weights out to weigh "
                         "classes alike")
    return found


def pos_weight(value: Any) -> float | tuple[float, ...]:
    """A finite number above 0, or one for each output."""
    if np.ndim(value) == 0:
        return positive(value, "pos_weight")
    found = _numbers(value, "pos_weight", "output")
    if min(found) <= 0:
        k = int(np.argmin(found))
        raise ValueError(f"pos_weight must hold numbers above 0, but pos_weight[{k}] is {found[k]}")
    return found


def levels(value: Any) -> float | tuple[float, ...]:
    """A number between 0 and 1, or one for each output."""
    if np.ndim(value) == 0:
        return number_where(value, "q", "a number between 0 and 1, or one for each output", lambda number: 0 < number < 1)
    found = _numbers(value, "q", "output")
    for k, number in enumerate(found):
        if not 0 < number < 1:
            raise ValueError(f"q must hold numbers between 0 and 1, but q[{k}] is {number}")
    return found


def _numbers(values: Any, name: str, each: str) -> tuple[float, ...]:
    """A finite float for each class or output."""
    array = real_array(values, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must hold one number for each {each}, shape [n], but has shape {list(array.shape)}")
    return tuple(finite(array.astype(np.float64), name).tolist())


def one_each_output(values: tuple[float, ...], name: str, n: int) -> None:
    """Refuse parameters of another number of outputs."""
    if len(values) != n:
        raise ValueError(f"{name} must hold one number for each of the {n} outputs, but holds {len(values)}; give {n}, or give "
                         f"the network's last layer {len(values)} neurons")


def means_and_variances(n: int) -> None:
    """Refuse an odd number of outputs."""
    if n % 2:
        raise ValueError(f"gaussian_nll needs an even number of outputs, the means and then their log variances, but there are "
                         f"{n}; give the last layer two neurons for each target")
