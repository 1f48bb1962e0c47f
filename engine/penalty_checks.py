"""Checks of what users hand to penalties, and of the penalties of costs."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from .checks import number_where
from .object_checks import shown

Kind = TypeVar("Kind")


def strength(value: Any) -> float:
    """A finite number of at least 0."""
    return number_where(value, "strength", "a finite number of at least 0", lambda number: number >= 0)


def truth(value: Any, name: str) -> bool:
    """A truth value."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but is {shown(value)}")
    return bool(value)


def penalty(value: Any, kind: type[Kind]) -> Kind | None:
    """A penalty, or None."""
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"penalty must be None or a penalty such as engine.penalties.ridge(1e-4), but is {shown(value)}")
    return value
