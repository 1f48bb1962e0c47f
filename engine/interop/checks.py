"""Refusals of what is no dense network: each names the place in what was given, what stands there, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

from .. import checks
from ..activations import Activation, named
from ..object_checks import shown
from ..typing import DType


def refuse(name: str, where: str, problem: str, error: type[Exception] = ValueError) -> NoReturn:
    """Raise `error`: the argument `name` cannot become a Network, for the `problem` at `where`."""
    raise error(f"{name} cannot become a Network: {where}: {problem}") from None


def no_mapping(name: str, expected: str, value: Any) -> NoReturn:
    """Refuse an argument of another kind than `expected`."""
    raise TypeError(f"{name} must be {expected}, but is {shown(value)}")


def optional_dtype(dtype: Any) -> DType | None:
    """float32, float64, or None for that of the numbers given."""
    return None if dtype is None else checks.float_dtype(dtype)


def known_activation(form: tuple[str, tuple[float, ...]] | None, l: int, name: str, partner: str) -> tuple[str, tuple[float, ...]]:
    """The form of layer l's activation; a user's own, which has none, is refused."""
    if form is None:
        raise ValueError(f"network's layer {l} has the activation {name!r}, a user's own, which {partner} cannot hold; replace it "
                         "by one with a name, or build that layer by hand")
    return form


def finite_parameters(values: Sequence[Any], names: Sequence[str]) -> tuple[float, ...]:
    """Parameters of an activation as finite floats."""
    numbers = []
    for value, name in zip(values, names):
        try:
            number = float(value)
        except Exception:  # whatever the object's own conversion raises
            raise TypeError(f"{name} must be a finite number, but is {shown(value)}") from None
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a finite number, but is {number}")
        numbers.append(number)
    return tuple(numbers)


def spread_activations(values: Any, output: Any, depth: int) -> list[Activation]:
    """One activation a layer: those given, or a single one for the hidden layers and `output` for the last."""
    if not isinstance(values, (tuple, list)):
        values = (values,) * (depth - 1) + (output,)
    return [named(activation) for activation in checks.layer_activations(values, depth)]
