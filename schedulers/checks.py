"""Every check of users' input to the schedulers, once, at the public edge."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .typing import Indices


def whole_number(value: Any, name: str, least: int) -> int:
    """`value` as an int of at least `least`."""
    try:
        number = operator.index(value)
    except Exception:  # whatever the object's own conversion raises
        raise TypeError(f"{name} must be a whole number, but is {value!r}") from None
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {value!r}")
    return number


def _number(value: Any, name: str, expected: str) -> float:
    """`value` as a float; text, truth values and arrays with an axis are no numbers."""
    try:
        if isinstance(value, (str, bytes, bytearray, bool, np.bool_)) or np.ndim(value):
            raise TypeError
        number = float(value)
    except Exception:  # whatever the object's own conversion raises
        raise TypeError(f"{name} must be {expected}, but is {value!r}") from None
    return number


def positive(value: Any, name: str) -> float:
    """`value` as a finite float above 0."""
    number = _number(value, name, "a number above 0")
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be a finite number above 0, but is {value!r}")
    return number


def not_negative(value: Any, name: str) -> float:
    """`value` as a finite float of at least 0."""
    number = _number(value, name, "a number of at least 0")
    if not (number >= 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be a finite number of at least 0, but is {value!r}")
    return number


def probability(value: Any, name: str = "probability") -> float:
    """`value` as a float in (0, 1]."""
    number = _number(value, name, "a number in (0, 1]")
    if not 0 < number <= 1:
        raise ValueError(f"{name} must lie in (0, 1], but is {value!r}")
    return number


def rate_or_none(value: Any) -> Callable[[int], float] | None:
    """A callable of the batch time step, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"after must be a callable of the batch time step or None, but is {value!r}; "
                        "schedulers.rates.constant(rate) makes one of a number")
    return value


def weights(w: Any) -> NDArray[np.float64]:
    """w [samples], finite, at least 0, not all 0; a copy that cannot be written to."""
    given = unmasked(w, "w")
    if given.dtype.kind not in "biuf":
        raise TypeError(f"w must hold real numbers, but has dtype {given.dtype}")
    array = np.array(given, np.float64)
    if array.ndim != 1:
        raise ValueError(f"w must have shape [samples], but has shape {list(array.shape)}")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise ValueError(f"w must be finite and at least 0, but w[{bad[0]}] is {array[bad[0]]}")
    if len(array) and not array.any():
        raise ValueError("w must not be all 0: no sample could be drawn")
    with np.errstate(over="ignore"):
        total = array.sum()
    if not np.isfinite(total):
        array /= array.max()
    array.flags.writeable = False
    return array


def per_sample(w: NDArray[np.float64], samples: int, name: str) -> NDArray[np.float64]:
    """One number for each of `samples` samples."""
    if len(w) != samples:
        raise ValueError(f"{name} must have one number for each of the {samples} samples, but has {len(w)}")
    return w


def unmasked(values: Any, name: str) -> NDArray[Any]:
    """`values` as an array, none of it masked."""
    if np.ma.is_masked(values):
        masked = int(np.ma.getmaskarray(values).sum())
        raise ValueError(f"{name} must have no masked entries, but has {masked}; fill or drop them first")
    try:
        return np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:  # whatever the object's own conversion raises
        raise ValueError(f"{name} must be a rectangular array: {error}") from None


def label_numbers(labels: Any) -> Indices:
    """Numbers 0, 1, … [samples] for labels [samples], in the order of the labels where they have one, else as they first occur; all
    that is missing (NaN, None) is one label."""
    array = unmasked(labels, "labels")
    if array.ndim != 1:
        raise ValueError(f"labels must have shape [samples], but has shape {list(array.shape)}")
    if array.dtype.kind != "O":
        return np.unique(array, return_inverse=True)[1]
    missing = np.fromiter((label is None or not _is_itself(label) for label in array), bool, len(array))
    numbers = np.empty(len(array), np.int64)
    try:
        kinds, numbers[~missing] = np.unique(array[~missing], return_inverse=True)
        count = len(kinds)
    except TypeError:  # labels of several types have no order
        seen: dict[object, int] = {}
        try:
            numbers[~missing] = [seen.setdefault(label, len(seen)) for label in array[~missing]]
        except TypeError as error:
            raise TypeError(f"labels must be numbers, text or other hashable values: {error}") from None
        count = len(seen)
    numbers[missing] = count
    return numbers


def frozen_labels(labels: Any) -> NDArray[Any]:
    """A copy of labels [samples] that cannot be written to."""
    array = np.array(unmasked(labels, "labels"))
    array.flags.writeable = False
    return array


def _is_itself(label: Any) -> bool:
    """Whether a label equals itself, as NaN and other marks of missing values do not."""
    try:
        return bool(label == label)
    except (TypeError, ValueError):
        return False


def labels(numbers: Indices, samples: int) -> Indices:
    """One label for each of `samples` samples."""
    if numbers.shape != (samples,):
        raise ValueError(f"labels must have one label for each of the {samples} samples, but has shape {list(numbers.shape)}")
    return numbers


def whole_shard(shard: Any, block: int) -> int:
    """Samples of a shard, a whole number of blocks."""
    number = whole_number(shard, "shard", 1)
    if number % block:
        raise ValueError(f"shard must be a whole number of blocks of {block}, but is {number}")
    return number


def whole_blocks(batch_size: int, samples: int, block: int) -> None:
    """A batch of whole blocks, or one of every sample."""
    if batch_size % block and batch_size < samples:
        raise ValueError(f"batch_size must be a whole number of blocks of {block}, or hold all {samples} samples, for the order "
                         f"sharded, but is {batch_size}")


def order_name(order: Any, known: Collection[str]) -> str:
    """The name of an order."""
    if not isinstance(order, str) or order not in known:
        raise ValueError(f"order must be one of {', '.join(known)}, or one made by schedulers.orders, but is {order!r}")
    return order


def slab_size(each: int, most: int, unit: int) -> int:
    """The largest whole multiple of `unit` whose bytes fit in `most`."""
    size = most // (each * unit) * unit
    if size == 0:
        raise MemoryError(f"max_bytes is {most}, but the least that holds a block of {unit} is {each * unit}; allow at least that")
    return size


def rows(out: Any, m: int) -> int:
    """`m`, where `out` has a row for each sample step."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array [{m}, n], a row for each sample step, but is {type(out).__name__}")
    if out.ndim != 2 or len(out) != m:
        raise ValueError(f"out must have shape [{m}, n], a row for each sample step, but has shape {list(out.shape)}")
    return m
