"""Checks of what users hand to losses, reductions and costs."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import as_array, cast, contiguous, entry, finite, float_array, indexing, real_array, unmasked, whole_number
from .object_checks import shown
from .typing import Array, DType


def loss_name(name: Any, known: Collection[str]) -> str:
    """The name of a loss."""
    if not isinstance(name, str):
        raise TypeError(f"loss must be a name or an engine.Loss, but is {shown(name)}; names are {', '.join(known)}")
    if name not in known:
        raise ValueError(f"no loss is named {name!r}; there are {', '.join(known)}, or build an engine.Loss")
    return name


def reduction_name(name: Any, known: Collection[str]) -> str:
    """The name of a reduction."""
    if not isinstance(name, str):
        raise TypeError(f"reduction must be a name or an engine.Reduction, but is {shown(name)}; names are {', '.join(known)}")
    if name not in known:
        raise ValueError(f"no reduction is named {name!r}; there are {', '.join(known)} by name, those of engine.reductions that "
                         "take a number, such as engine.reductions.cvar(0.1), or build an engine.Reduction")
    return name


def sample_count(values: Any, name: str = "y") -> int:
    """m, the length of y or X."""
    try:
        return len(values)
    except Exception:  # whatever the object's own length raises
        raise TypeError(f"{name} must be an array with one entry a sample, but is {shown(values)}") from None


def outputs(A: Any, m: int) -> Array:
    """A as a finite contiguous [m, n] array of its own dtype, m ≥ 1."""
    array = float_array(A, "A")
    if m == 0 or array.size == 0:
        raise ValueError("a cost needs at least one sample, but A and y hold none")
    if array.ndim == 1 and array.size % m == 0:
        array = array.reshape(m, -1)
    if array.ndim != 2 or len(array) != m:
        raise ValueError(f"A must have shape [{m}, n] or [{m} n] to go with y's {m} samples, but has shape {list(array.shape)}")
    return finite(contiguous(array, array.dtype), "A")


def any_outputs(A: Any) -> Array:
    """A [m, n] as a finite array of its own dtype; m may be 0."""
    array = float_array(A, "A")
    if array.ndim != 2:
        raise ValueError(f"A must have shape [m, n], but has shape {list(array.shape)}; reshape one sample's outputs to [1, n]")
    return finite(contiguous(array, array.dtype), "A")


def targets(y: Any, shape: tuple[int, int], dtype: DType, kind: str, numbers: Any = None, shared: bool = False) -> Array:
    """y as the kernels take it: [m, n] of `dtype`, or [m, 1] with class numbers, or where outputs may share a target; `numbers`
    says which samples of a data set these are, for messages."""
    m, n = shape
    array = real_array(y, "y")
    if m == 0:
        raise ValueError("a cost needs at least one sample, but X holds none")
    if len(array.shape) == 0 or len(array) != m:
        raise ValueError(f"y must have one entry for each of the {m} samples, but has shape {list(array.shape)}")
    if kind == "classes" and array.ndim == 1:
        return _classes(array, n, dtype, numbers)
    if shared and (array.ndim == 1 or array.shape[1:] == (1,)):
        shape, n = (m, 1), 1
    if array.ndim == 1 and n == 1:
        array = array[:, None]
    if array.shape != shape:
        other = " of probabilities, or [m] of class numbers" if kind == "classes" else ""
        raise ValueError(f"y must have shape [{m}, {n}]{other}, but has shape {list(array.shape)}")
    array = cast(array, dtype, "y", numbers)
    if kind == "classes":
        _refuse(array, (array >= 0) & (array <= 1), "a probability in [0, 1]; give class numbers as an integer array [m]",
                numbers)
        rows = np.abs(array.sum(1) - 1) > 1e-3
        if rows.any():
            k = int(np.argmax(rows))
            raise ValueError(f"y's rows must sum to 1 as probabilities do, but row {entry((k,), numbers)} sums to "
                             f"{array[k].sum()}; divide by it")
    elif kind == "unit":
        _refuse(array, (array >= 0) & (array <= 1), "in [0, 1] for binary_cross_entropy; use 0 and 1 for the two classes",
                numbers)
    elif kind == "counts":
        _refuse(array, array >= 0, "at least 0 for poisson, a count", numbers)
    elif kind == "signs":
        _refuse(array, np.abs(array) == 1, "-1 or 1 for hinge; 2 * y - 1 makes them from 0 and 1", numbers)
    return array


def one_each(y: NDArray[Any], m: int) -> None:
    """Refuse targets that are not as many as the samples."""
    if sample_count(y) != m:
        raise ValueError(f"y must have one entry for each of the {m} samples, but has {len(y)}")


def _refuse(array: NDArray[Any], allowed: NDArray[np.bool_], expected: str, numbers: Any) -> None:
    if not allowed.all():
        place = np.unravel_index(np.argmin(allowed), array.shape)
        raise ValueError(f"y must be {expected}, but y[{entry(place, numbers)}] is {array[place]}")


def _classes(array: NDArray[Any], n: int, dtype: DType, numbers: Any) -> Array:
    if array.dtype.kind not in "biu":
        raise TypeError(f"y must hold integer class numbers 0 … {n - 1}, but has dtype {array.dtype}; y.astype(int) makes them, "
                        f"or give probabilities [{len(array)}, {n}]")
    classes = indexing(array, dtype)  # copied, then checked: kernels index by them
    wrong = ~((classes >= 0) & (classes < n))
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(f"y must hold class numbers 0 … {n - 1} for {n} outputs, but y[{entry((k,), numbers)}] is "
                         f"{int(classes[k])}; number the classes from 0, or widen the last layer")
    if n == 1:
        return np.ones((len(classes), 1), dtype)
    return classes[:, None]


def losses(values: Any, name: str, expected: int, least: float) -> Array:
    """losses [m] as a finite array, m ≥ 1, that goes with a reduction's per-sample data; none below `least`."""
    array = float_array(values, "losses")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"losses must have shape [m] with m at least 1, but has shape {list(array.shape)}")
    if expected and expected != len(array):
        raise ValueError(_other_samples(name, expected, len(array)))
    array = finite(contiguous(array, array.dtype), "losses")
    return array if least == -math.inf else at_least(least, array, name)


def per_sample_data(reduction: Any, m: int) -> None:
    """Refuse a reduction whose weights or groups are of other samples than m."""
    if reduction.data.size not in (0, m):
        raise ValueError(_other_samples(reduction.name, reduction.data.size, m))


TINY, MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
PARAMETERS = {"huber": "delta", "log_sum_exp": "t", "power_mean": "p", "mean_variance": "c", "ridge": "strength"}


def held_by(dtype: DType, *owners: Any) -> None:
    """Refuse a loss, a reduction or a penalty whose parameter or weights would become 0 or infinite in `dtype`."""
    for owner in owners if dtype.itemsize == 4 else ():
        if owner is None:
            continue
        for name, values in {} if (encoding := getattr(owner, "encoding", None)) is None else encoding.numbers.items():
            for size in values if isinstance(values, tuple) else (values,):
                if size != 0 and not TINY <= size <= MOST:
                    raise ValueError(f"{owner.name}'s {name} must hold numbers that float32 can hold, {TINY:.1e} to {MOST:.1e}, "
                                     f"but holds {size!r}; take another, or a network of float64")
        size, name = abs(owner.parameter), PARAMETERS.get(owner.name)
        if name is not None and size != 0 and not TINY <= size <= MOST:
            raise ValueError(f"{owner.name}'s {name} must be a number that float32 can hold, {TINY:.1e} to {MOST:.1e} in "
                             f"size, but is {owner.parameter!r}; take another, or a network of float64")
        if owner.name == "weighted" and not TINY <= (largest := np.abs(owner.data).max()) <= MOST and largest > 0:
            raise ValueError(f"weighted's w must hold numbers that float32 can hold, up to {MOST:.1e} in size and one at least of "
                             f"{TINY:.1e}, but the largest is {largest:g}; scale them, or take a network of float64")
        if owner.name == "weighted_mean" and ((owner.data > 0) & (owner.data < TINY)).any():
            raise ValueError("weighted_mean's w must not differ by more than float32 can hold, but the largest is "
                             f"{owner.data.max() / owner.data[owner.data > 0].min():.1e} times the least above 0; set such small "
                             "ones to 0, or take a network of float64")


def _other_samples(name: str, expected: int, m: int) -> str:
    return f"the reduction {name} has data for {expected} samples, but there are {m}; give one number for each sample"


def at_least(least: float, values: Array, name: str) -> Array:
    """Losses of at least what the reduction `name` is defined at."""
    if (values < least).any():
        k = int(np.argmax(values < least))
        raise ValueError(f"{name} needs losses of at least {least:g}, but loss {k} is {values[k]}; use log_sum_exp or another loss")
    return values


def sample_weights(w: Any) -> NDArray[np.float64]:
    """w [m], finite."""
    array = real_array(w, "w")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"w must have shape [m], one weight a sample, but has shape {list(array.shape)}")
    return np.asarray(finite(indexing(array, np.float64), "w"), np.float64)


def mean_weights(w: Any) -> NDArray[np.float64]:
    """w [m], at least 0 and not all 0, times the power of two that brings the largest to 1 … 2."""
    array = sample_weights(w)
    if (array < 0).any():
        k = int(np.argmax(array < 0))
        raise ValueError(f"w must hold weights of at least 0, but w[{k}] is {array[k]}; engine.reductions.weighted takes any")
    if not array.any():
        raise ValueError(f"w must hold a weight above 0, but all {len(array)} are 0; leave w out for the plain mean")
    return np.ldexp(array, 1 - int(np.frexp(array.max())[1]))


def weight_in_batch(weights: NDArray[Any], indices: Any) -> None:
    """Refuse samples whose mean has no weight."""
    if len(weights) and not weights.any():
        raise ValueError(f"weighted_mean needs a weight above 0 in each batch, but all {len(weights)} samples of one, sample "
                         f"{int(indices[0])} the first of them, have weight 0; leave such samples out, or take larger batches")


def weight_in_each_batch(weights: NDArray[Any], indices: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
    """Refuse batches, indices[offsets[i]:offsets[i + 1]], whose mean has no weight."""
    running = np.concatenate([[0], np.cumsum(weights[indices] > 0)])
    empty = (np.diff(running[offsets]) == 0) & (np.diff(offsets) > 0)
    if empty.any():
        batch = indices[slice(*offsets[int(np.argmax(empty)):][:2])]
        weight_in_batch(weights[batch], batch)


def group_numbers(groups: Any) -> NDArray[np.float64]:
    """groups [m] as numbers 0, 1, … in the order of the labels."""
    unmasked(groups, "groups")
    array = np.array(as_array(groups, "groups"))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"groups must have shape [m], one label a sample, but has shape {list(array.shape)}")
    try:
        return np.unique(array, return_inverse=True)[1].astype(np.float64)
    except TypeError as error:
        raise TypeError(f"groups must have labels of one kind, that can be put in order, but NumPy says: {error}") from None


def sample_number(k: Any, m: Any, n: Any) -> tuple[int, int, int]:
    """k in 0 … m − 1, m and n at least 1."""
    m, n, k = whole_number(m, "m", 1), whole_number(n, "n", 1), whole_number(k, "k", 0)
    if k >= m:
        raise ValueError(f"k must be a sample from 0 to {m - 1}, but is {k}")
    return k, m, n
