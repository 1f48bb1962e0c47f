"""Checks of what users hand to callbacks, and of callbacks that go with a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .checks import number_where
from .object_checks import shown


def tolerance(value: Any) -> float:
    """A finite number of at least 0."""
    return number_where(value, "tolerance", "a finite number of at least 0", lambda number: number >= 0)


def monitor(value: Any) -> str:
    """The name of a column of the history."""
    if not isinstance(value, str):
        raise TypeError("monitor must be the name of a column of the history, such as 'validation_cost' or 'cost', but is "
                        f"{shown(value)}")
    return value


def monitored(row: Mapping[str, Any], name: str) -> float:
    """The number that a row of the history has in the column `name`."""
    if name not in row:
        raise ValueError(f"EarlyStopping's monitor must be a column of the history, {', '.join(row)}, but is {name!r}; a callback "
                         "before it in callbacks may put it there")
    value = row[name]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"EarlyStopping's monitor must be a column of numbers, but {name!r} of epoch {row['epoch']} is "
                        f"{shown(value)}")
    return float(value)


def stopping(found: Sequence[Any], validated: bool, resume: bool) -> None:
    """Refuse EarlyStopping callbacks that cannot do what they are for in a run: without `validation`, or resumed."""
    if not validated and any(callback.monitor == "validation_cost" for callback in found):
        raise ValueError("EarlyStopping monitors validation_cost, which needs validation, but fit has none; give fit "
                         "validation=(X, y), or EarlyStopping monitor='cost'")
    restoring = [callback for callback in found if callback.restore_best]
    if len(restoring) > 1:
        raise ValueError(f"only one EarlyStopping can restore its best weights, but {len(restoring)} have restore_best=True; give "
                         "the others restore_best=False")
    if restoring and resume:
        raise ValueError("resume=True needs an EarlyStopping with restore_best=False, for a checkpoint does not hold the weights "
                         "of the best epoch, but restore_best is True; pass restore_best=False, or begin anew without resume")
