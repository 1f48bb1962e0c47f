"""Checks of points that are drawn, and of the seed they are drawn with."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import checks
from .typing import Array

SEEDS = 1 << 128  # as many keys as Philox has


def seed(value: Any) -> int:
    """A key of a counting generator: a whole number of at most 128 bits."""
    number = checks.whole_number(value, "seed", 0)
    if number >= SEEDS:
        raise ValueError(f"seed must be below 2**128, but has {number.bit_length()} bits; secrets.randbits(128) gives one")
    return number


def points(values: Any, count: int, t: int) -> Array:
    """The points [count, n_0] of a batch step, finite, in float32 where they are that already, else float64."""
    found = np.ascontiguousarray(checks.float_array(values, "draw's points"))
    if found.ndim != 2 or len(found) != count:
        raise ValueError(f"draw must give [{count}, n_0] points, count={count} of them, but gave {list(found.shape)} at batch "
                         f"step {t}")
    if not np.isfinite(found).all():
        raise ValueError(f"draw must give finite points, but gave NaN or an infinity at batch step {t}")
    return found


def same_columns(found: Array, columns: int, t: int) -> Array:
    """Points of as many inputs as those of the first batch step."""
    if found.shape[1] != columns:
        raise ValueError(f"draw must give points of {columns} inputs as at batch step 0, but gave {found.shape[1]} at batch "
                         f"step {t}")
    return found


def same_steps(steps: list[int]) -> int:
    """The number of batch steps of sets of points that are drawn together."""
    if len(set(steps)) > 1:
        raise ValueError(f"sets of points that are drawn must have the same steps, but have {', '.join(map(str, steps))}; give "
                         "every Drawn the same")
    return steps[0]
