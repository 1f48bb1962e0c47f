"""Names for the types in the annotations of `schedulers`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]  # numbers of samples
Floats = NDArray[np.floating[Any]]
Settings = dict[str, Any]  # of a run: its keyword arguments
Row = dict[str, Any]  # of a sweep's result: the settings, what the run returned, and its error
Outcome = tuple[Any, str | None]  # of a run: what it returned, or its text in a store, and its traceback; one of them is None
