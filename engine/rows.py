"""X and y in memory, or read row by row in the network's dtype: memmaps, HDF5, Zarr, anything that gives rows for indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks, cost_checks
from .cost import Cost
from .network import NO_INDICES
from .typing import Array, DType, Indices

PART = 1 << 16  # samples that are checked at a time


class Rows:
    """An array [m, k] of which only what is indexed is in memory, checked and in the network's dtype.

    Parameters
    ----------
    source : array_like, or an object with __len__ and __getitem__ over slices and index arrays
        Index arrays are asked for without repeats and ascending, as HDF5 wants them; rows that follow each other by a slice.
    check : callable
        ``check(values, indices)``, the rows as kernels take them, or an error that names one of `indices`.
    name : str
        Of the argument, for errors.

    Attributes
    ----------
    shape : (int, int)
    outside : bool
        Whether `source` lies outside memory.
    """

    def __init__(self, source: Any, check: Callable[[Any, Any], Array], name: str) -> None:
        self._source, self._check, self._name = source, check, name
        self._count, self.outside = cost_checks.sample_count(source, name), not checks.lies_in_memory(source)
        self.shape = self._count, self[0:1].shape[1]

    def __repr__(self) -> str:
        return f"Rows({self.shape[0]} × {self.shape[1]} of {self._name})"

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, indices: Any) -> Array:
        if isinstance(indices, slice):
            indices = np.arange(*indices.indices(len(self)))
        return self._check(self._read(indices), indices)

    def _read(self, indices: Any) -> NDArray[Any]:
        """The rows in the order of `indices`, repeats included."""
        if len(indices) and indices[-1] - indices[0] == len(indices) - 1 and (np.diff(indices) == 1).all():
            return self._given(slice(int(indices[0]), int(indices[-1]) + 1), len(indices))
        if isinstance(self._source, np.ndarray):
            return self._source[indices]
        wanted, place = np.unique(indices, return_inverse=True)
        if len(wanted) and wanted[-1] - wanted[0] == len(wanted) - 1:
            return self._given(slice(int(wanted[0]), int(wanted[-1]) + 1), len(wanted))[place]
        return self._given(wanted, len(wanted))[place]

    def _given(self, where: Any, count: int) -> NDArray[Any]:
        return checks.rows_given(self._source[where], count, self._name)


def _read_or_whole(values: Any, check: Callable[[Any, Any], Array], name: str, bounded: bool, dtype: DType,
                   as_given: bool = True) -> Array | Rows:
    """`values` checked whole, or Rows of them where they lie outside memory or would have to be copied though the copy is too much;
    what kernels take is never as given where a loss encodes its targets."""
    if not checks.lies_in_memory(values):
        return Rows(values, check, name)
    if not bounded:
        return check(values, None)
    array = checks.real_array(values, name)
    if array.ndim == 0 or len(array) == 0:
        return check(array, None)
    if not as_given or not checks.as_it_lies(array, dtype) or check(array[:1], np.arange(1)).dtype != dtype:
        return Rows(array, check, name)
    for first in range(0, len(array), PART):
        part = array[first:first + PART]
        check(part, np.arange(first, first + len(part)))
    return checks.contiguous(array.reshape(len(array), -1), dtype)


def samples(X: Any, width: int, dtype: DType, *, name: str = "X", bounded: bool = False) -> Array | Rows:
    """X [m, width], or Rows of it.

    Parameters
    ----------
    X : array_like, or an object that gives rows
    width : int
    dtype : dtype
        The network's.
    bounded : bool
        Whether a copy of X is too much.
    """
    if not checks.lies_in_memory(X) and cost_checks.sample_count(X, name) == 0:
        return np.empty((0, width), dtype)
    return _read_or_whole(X, lambda values, rows: checks.samples(values, width, dtype, name, rows), name, bounded, dtype)


def read_targets(y: Any, m: int, n: int, network_dtype: DType, cost: Cost, *, bounded: bool = False) -> Array | Rows:
    """y as kernels take it: [m, n], or [m, 1] with class numbers, or as the loss encodes it, or Rows of it.

    Parameters
    ----------
    y : array_like, or an object that gives rows
    m, n : int
        Samples and outputs.
    network_dtype : dtype
    cost : Cost
    bounded : bool
        Whether a copy of y is too much.
    """
    def check(values: Any, numbers: Any) -> Array:
        count = m if numbers is None else len(numbers)
        return cost.loss.targets(values, (count, n), network_dtype, numbers)

    cost_checks.per_sample_data(cost.reduction, m)
    cost_checks.held_by(network_dtype, cost.loss, cost.reduction, cost.penalty)
    if m and (bounded or type(y) is not np.ndarray and not checks.lies_in_memory(y)):
        cost_checks.one_each(y, m)
    bounded = bounded and m > 0
    return _read_or_whole(y, check, "y", bounded, network_dtype, as_given=cost.loss.encoding is None)


def samples_and_targets(X: Any, y: Any, widths: tuple[int, ...], dtype: DType, cost: Cost, *,
                        bounded: bool) -> tuple[Array | Rows, Array | Rows]:
    """X as `samples` and y as `read_targets` take them, for a network of these widths and dtype."""
    X = samples(X, widths[0], dtype, bounded=bounded)
    return X, read_targets(y, len(X), widths[-1], dtype, cost, bounded=bounded)


def in_memory(X: Array | Rows, targets: Array | Rows) -> bool:
    """Whether both are arrays that kernels can gather from."""
    return isinstance(X, np.ndarray) and isinstance(targets, np.ndarray)


def gathered(X: Array | Rows, targets: Array | Rows, indices: Indices) -> tuple[Array, Array, Indices]:
    """X, targets and indices for kernels: arrays unchanged. What is read row by row is read here, and then there are no indices."""
    if isinstance(X, np.ndarray) and isinstance(targets, np.ndarray):
        return X, targets, indices
    return X[indices], targets[indices], NO_INDICES


def gathered_rows(X: Array | Rows, indices: Indices) -> tuple[Array, Indices]:
    """X and indices for kernels: an array unchanged. What is read row by row is read here, and then there are no indices."""
    return (X, indices) if isinstance(X, np.ndarray) else (X[indices], NO_INDICES)


def as_given(targets: Array, kind: str, n: int) -> NDArray[Any]:
    """Targets as `Cost.encoded` takes them, from those that kernels take: [m, n], [m] class numbers, or as a loss encodes them."""
    return targets[:, 0].astype(np.int64) if kind == "classes" and targets.shape[1] != n else targets
