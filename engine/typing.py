"""Names for the types in the annotations of `engine`."""

import os
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # float32 or float64
DType = np.dtype[np.floating[Any]]  # float32 or float64
Number = float | np.floating[Any]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]
Path = str | os.PathLike[str]
Rate = float | Callable[[int], float]  # η, or η of a batch time step
Row = dict[str, Any]  # of a history: the values of an epoch by name


class RowSource(Protocol):
    """What gives rows without being an array: a data set of an HDF5 file, a Zarr array."""

    def __len__(self) -> int:
        """Number of rows."""

    def __getitem__(self, where: Any, /) -> Any:
        """The rows of a slice or of an array of indices."""
