"""Every check of users' input to the schedulers, once, at the public edge."""

import math
import operator

import numpy as np


def whole_number(value, name, least):
    """`value` as an int of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, but is {value!r}") from None
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {value!r}")
    return number


def _number(value, name, expected):
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {expected}, but is {value!r}") from None
    return number


def positive(value, name):
    """`value` as a finite float above 0."""
    number = _number(value, name, "a number above 0")
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be a finite number above 0, but is {value!r}")
    return number


def not_negative(value, name):
    """`value` as a finite float of at least 0."""
    number = _number(value, name, "a number of at least 0")
    if not (number >= 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be a finite number of at least 0, but is {value!r}")
    return number


def probability(value, name="probability"):
    """`value` as a float in (0, 1]."""
    number = _number(value, name, "a number in (0, 1]")
    if not 0 < number <= 1:
        raise ValueError(f"{name} must lie in (0, 1], but is {value!r}")
    return number


def rate_or_none(value):
    """A callable of the batch time step, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"after must be a callable of the batch time step or None, but is {value!r}; "
                        "schedulers.rates.constant(rate) makes one of a number")
    return value


def weights(w):
    """w [samples], finite, at least 0, not all 0."""
    array = np.array(w, np.float64)
    if array.ndim != 1:
        raise ValueError(f"w must have shape [samples], but has shape {list(array.shape)}")
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise ValueError(f"w must be finite and at least 0, but w[{bad[0]}] is {array[bad[0]]}")
    if len(array) and not array.sum() > 0:
        raise ValueError("w must not be all 0: no sample could be drawn")
    return array


def per_sample(w, samples, name):
    """One number for each of `samples` samples."""
    if len(w) != samples:
        raise ValueError(f"{name} must have one number for each of the {samples} samples, but has {len(w)}")
    return w


def labels(values, samples):
    """One label for each of `samples` samples."""
    if values.shape != (samples,):
        raise ValueError(f"labels must have one label for each of the {samples} samples, but has shape {list(values.shape)}")
    return values


def whole_shard(shard, block):
    """Samples of a shard, a whole number of blocks."""
    number = whole_number(shard, "shard", 1)
    if number % block:
        raise ValueError(f"shard must be a whole number of blocks of {block}, but is {number}")
    return number


def whole_blocks(batch_size, samples, block):
    """A batch of whole blocks, or one of every sample."""
    if batch_size % block and batch_size < samples:
        raise ValueError(f"batch_size must be a whole number of blocks of {block}, or hold all {samples} samples, for the order "
                         f"sharded, but is {batch_size}")


def order_name(order, known):
    """The name of an order."""
    if not isinstance(order, str) or order not in known:
        raise ValueError(f"order must be one of {', '.join(known)}, or one made by schedulers.orders, but is {order!r}")
    return order


def slab_size(each, most, unit):
    """The largest whole multiple of `unit` whose bytes fit in `most`."""
    size = most // (each * unit) * unit
    if size == 0:
        raise MemoryError(f"max_bytes is {most}, but the least that holds a block of {unit} is {each * unit}; allow at least that")
    return size


def rows(out, m):
    """`m`, where `out` has a row for each sample step."""
    if out.ndim != 2 or len(out) != m:
        raise ValueError(f"out must have shape [{m}, n], a row for each sample step, but has shape {list(out.shape)}")
    return m
