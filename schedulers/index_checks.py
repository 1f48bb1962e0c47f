"""Every check of the indices that users' schedules, orders and batch steps give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .checks import unmasked, whole_number
from .typing import Indices

UNSIGNED = np.dtype(np.uint64)


def batch_indices(values: Any, name: str) -> Indices:
    """Indices of samples as a contiguous array of int64 [m], a copy where they are not that already."""
    if type(values) is np.ndarray and values.dtype == np.int64 and values.ndim == 1 and values.flags.carray:
        return values
    array = unmasked(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must have shape [m], one index a sample step, but has shape {list(array.shape)}")
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind == "b":
        raise TypeError(f"{name} must be whole numbers, but are booleans; np.flatnonzero(mask) makes indices of a mask")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, but have dtype {array.dtype}; .astype(np.int64) makes them so")
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must be numbers of samples, but one is {array.max()}")
    return np.array(array, np.int64, order="C")


def _largest_unsigned(numbers: Indices) -> int:
    """The largest of int64 numbers read as unsigned ones: what is below 0 is larger than all others."""
    return int(np.maximum.reduce(numbers.view(UNSIGNED))) if len(numbers) else 0


def in_range(indices: Indices, samples: int, name: str) -> Indices:
    """Indices of int64, each one of `samples` samples."""
    if len(indices) and _largest_unsigned(indices) >= samples:
        s = int(np.argmax((indices < 0) | (indices >= samples)))
        raise ValueError(f"{name} must be from 0 to {samples - 1}, a sample of {samples}, but [{s}] is {indices[s]}")
    return indices


def not_below_zero(indices: Indices, name: str) -> Indices:
    """Indices of int64, each at least 0."""
    if len(indices) and indices.min() < 0:
        raise ValueError(f"{name} must be at least 0, but [{np.argmin(indices)}] is {indices.min()}")
    return indices


def step_indices(step: Any) -> Indices:
    """The indices of what stands for a BatchStep."""
    if not hasattr(step, "indices"):
        raise TypeError(f"step must be a schedulers.BatchStep, but is {step!r}")
    return not_below_zero(batch_indices(step.indices, "the step's indices"), "the step's indices")


def joined(found: Any, samples: int, name: str) -> tuple[Indices, Indices]:
    """(indices, offsets) of an epoch as kernels take them, in arrays that nobody else holds."""
    if not (isinstance(found, (tuple, list)) and len(found) == 2):
        raise TypeError(f"{name} must give its batch steps joined as a pair (indices, offsets), but gave {type(found).__name__}")
    indices = in_range(np.array(batch_indices(found[0], f"{name}'s indices")), samples, f"{name}'s indices")
    offsets = np.array(batch_indices(found[1], f"{name}'s offsets"))
    if not (len(offsets) and offsets[0] == 0 and offsets[-1] == len(indices)):
        raise ValueError(f"{name}'s offsets must begin with 0 and end with {len(indices)}, the number of its indices, but are "
                         f"{_ends(offsets)}")
    if _largest_unsigned(np.diff(offsets)) > len(indices):
        i = int(np.argmax(np.diff(offsets) < 0))
        raise ValueError(f"{name}'s offsets must not fall, but offset {i} is {offsets[i]} and the next is {offsets[i + 1]}")
    return indices, offsets


def _ends(offsets: Indices) -> str:
    return f"[{offsets[0]}, …, {offsets[-1]}]" if len(offsets) else "empty"


def all_batches(batches: Any, name: str) -> list[Indices]:
    """The batches [m] of an epoch, as a list of arrays of int64."""
    return [batch_indices(batch, f"{name}'s batch {i}") for i, batch in enumerate(iterable(batches, name))]


def iterable(batches: Any, name: str) -> Iterator[Any]:
    """What yields the batches of an epoch."""
    try:
        return iter(batches)
    except TypeError:
        raise TypeError(f"{name} must give an iterable of batches, each the indices of its samples, but gave {batches!r}") from None


def batch_count(count: int, steps: int, name: str) -> int:
    """The batches of an epoch, no more than the steps that it says it has: the next epoch's follow after those."""
    if count > steps:
        raise ValueError(f"{name} must give at most as many batches an epoch as its method steps says, {steps}, but gave {count}; "
                         "define steps(samples, batch_size, drop_last)")
    return count


def batch_steps(steps: Any, samples: int, name: str) -> tuple[int, Indices, Indices]:
    """(first time, indices, offsets) of the BatchSteps that a schedule of a user's own yields for an epoch."""
    try:
        steps = list(steps)
    except TypeError:
        raise TypeError(f"{name} must yield BatchSteps from epoch(samples, e), but gave {steps!r}") from None
    for i, step in enumerate(steps):
        if not (hasattr(step, "indices") and hasattr(step, "time")):
            raise TypeError(f"{name} must yield BatchSteps from epoch(samples, e), but step {i} is {step!r}")
        expected = steps[0].time + i
        if whole_number(step.time, f"the time of {name}'s step {i}", 0) != expected:
            raise ValueError(f"the batch time steps of {name} must follow each other, but step {i} has time {step.time} where "
                             f"{expected} is next")
    first = steps[0].time if steps else 0
    if first + len(steps) > np.iinfo(np.int64).max:
        raise ValueError(f"the batch time steps of {name} must be at most 2**63 - 1, but begin with {first}")
    batches = all_batches((step.indices for step in steps), name)
    return int(first), in_range(np.concatenate([np.empty(0, np.int64), *batches]), samples, f"{name}'s indices"), _offsets(batches)


def _offsets(batches: list[Indices]) -> Indices:
    """Where each batch begins and the last ends."""
    offsets = np.zeros(len(batches) + 1, np.int64)
    np.cumsum([len(batch) for batch in batches], out=offsets[1:])
    return offsets


def joined_batches(batches: Any, name: str) -> tuple[Indices, Indices]:
    """(indices, offsets) of batches that an order of a user's own gave one by one."""
    batches = all_batches(batches, name)
    return np.concatenate([np.empty(0, np.int64), *batches]), _offsets(batches)
