"""Checks of the names of activations and of their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from .checks import number_where

LEAST, MOST = 1e-8, 1e8  # sizes of a parameter that every kernel can work with, in float32 too

Made = TypeVar("Made")


def made_by_name(name: Any, known: Mapping[str, Made], parametric: Mapping[str, Callable[..., Made]]) -> Made:
    """What a name such as "tanh", or one with parameters such as "leaky_relu(0.2)", stands for."""
    if any(name is function for function in parametric.values()):
        raise TypeError(f"an activation with a parameter must be made first, {name.__name__}(…), or called {name.__name__!r}")
    if not isinstance(name, str):
        raise TypeError(f"an activation must be a name or an engine.Activation, but is {name!r}")
    if name in known:
        return known[name]
    written = re.fullmatch(r"(\w+)\((.*)\)", name)
    if written is None or written[1] not in parametric:
        raise ValueError(f"no activation is named {name!r}; there are {', '.join(known)}, with a number those of "
                         "engine.activations, such as 'leaky_relu(0.2)', or build an engine.Activation")
    try:
        numbers = [float(part) for part in written[2].split(",")]
        return parametric[written[1]](*numbers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the activation {name!r} must be written like 'leaky_relu(0.2)' or 'hard_tanh(-1.0, 1.0)': "
                         f"{error}") from None


def parameter(value: Any, name: str) -> float:
    """A number that is 0 or has a size that kernels can work with."""
    return number_where(value, name, f"0 or a number of {LEAST:g} to {MOST:g} in size",
                        lambda number: number == 0 or LEAST <= abs(number) <= MOST)


def steepness(value: Any, name: str) -> float:
    """A number above 0, of a size that kernels can work with."""
    return number_where(value, name, f"a number from {LEAST:g} to {MOST:g}", lambda number: LEAST <= number <= MOST)


def borders(low: Any, high: Any) -> tuple[float, float]:
    """low < high, in float32 too."""
    low, high = parameter(low, "low"), parameter(high, "high")
    if not np.float32(low) < np.float32(high):
        raise ValueError(f"low must be less than high, in float32 too, but they are {low!r} and {high!r}")
    return low, high
