"""The kinds of arguments that a shared kernel may have, as its annotations name them.

``int`` is an int64, ``float`` a float64 and ``Pair``, ``Triple`` and ``Four`` are tuples of int64. Arrays are C-contiguous.
"""

from typing import Annotated, get_type_hints

import numpy as np
from numba.core import types

Line = Annotated[np.ndarray, "numbers", 1]  # an array of the kernel's dtype with one axis
Table = Annotated[np.ndarray, "numbers", 2]
Indices = Annotated[np.ndarray, "int64", 1]
Plan = Annotated[np.ndarray, "int64", 2]  # [L + 1, 5], see layout.py
Pair = tuple[int, int]
Triple = tuple[int, int, int]
Four = tuple[int, int, int, int]


def argument_types(function, real):
    """The Numba types of a kernel's arguments where its numbers have the type `real`."""
    hints = get_type_hints(function, include_extras=True)
    return [_argument_type(hints[name], real) for name in function.__code__.co_varnames[:function.__code__.co_argcount]]


def _argument_type(hint, real):
    if hint in (int, float):
        return types.int64 if hint is int else types.float64
    if hint in (Pair, Triple, Four):
        return types.UniTuple(types.int64, len(hint.__args__))
    dtype, axes = hint.__metadata__
    return types.Array(real if dtype == "numbers" else types.int64, axes, "C")
