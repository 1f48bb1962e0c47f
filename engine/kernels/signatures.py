"""The kinds of arguments that a shared kernel may have, as its annotations name them.

``int`` is an int64, ``float`` a float64, ``Number`` one number of the kernel's dtype, and ``Pair``, ``Triple`` and ``Four`` are
tuples of int64. Arrays are C-contiguous. A ``typing.NamedTuple`` whose fields are annotated so is a kind too.
"""

from typing import Annotated, get_type_hints

import numpy as np
from numba import types

Number = Annotated[float, "numbers", 0]  # one number of the kernel's dtype
Line = Annotated[np.ndarray, "numbers", 1]  # an array of the kernel's dtype with one axis
Table = Annotated[np.ndarray, "numbers", 2]
Cube = Annotated[np.ndarray, "numbers", 3]
Indices = Annotated[np.ndarray, "int64", 1]
Doubles = Annotated[np.ndarray, "float64", 1]
Mask = Annotated[np.ndarray, "boolean", 1]
Plan = Annotated[np.ndarray, "int64", 2]  # [L + 1, 7], see layout.py
Pair = tuple[int, int]
Triple = tuple[int, int, int]
Four = tuple[int, int, int, int]


def signature_of(function, real):
    """The Numba signature of a kernel where its numbers have the type `real`; one without a return annotation gives nothing."""
    hints = get_type_hints(function, include_extras=True)
    names = function.__code__.co_varnames[:function.__code__.co_argcount]
    result = argument_type(hints["return"], real) if "return" in hints else types.none
    return result(*(argument_type(hints[name], real) for name in names))


def argument_type(hint, real):
    """The Numba type of what an annotation names, where a kernel's numbers have the type `real`."""
    if hint in (int, float):
        return types.int64 if hint is int else types.float64
    if hint in (Pair, Triple, Four):
        return types.UniTuple(types.int64, len(hint.__args__))
    if hasattr(hint, "_fields"):
        fields = get_type_hints(hint, include_extras=True)
        return types.BaseTuple.from_types([argument_type(fields[name], real) for name in hint._fields], hint)
    dtype, axes = hint.__metadata__
    number = real if dtype == "numbers" else getattr(types, dtype)
    return types.Array(number, axes, "C") if axes else number
