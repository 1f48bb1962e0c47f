"""Rows that differ in some settings alone, such as the seed, as one: mean, standard deviation and count of what they returned."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from .results import SweepResult, is_finite
from .typing import Row
from .values import to_text


def grouped(rows: Sequence[Row], settings: Sequence[str], by: Sequence[str]) -> SweepResult:
    """A row for each combination of the settings `by`, in the order in which they come.

    Parameters
    ----------
    rows : sequence of dict
    settings : sequence of str
        The names of all settings.
    by : sequence of str
        Those that are kept.
    """
    metrics = list(dict.fromkeys(name for row in rows for name, value in row.items()
                                 if name not in settings and name != "error" and isinstance(value, numbers.Real)))
    groups: dict[tuple[str | None, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_mark(row[name]) if name in row else None for name in by), []).append(row)
    return SweepResult((_summary(group, metrics, by) for group in groups.values()), by)


def _mark(value: Any) -> str:
    """A text that is the same for equal values of equal types."""
    try:
        return to_text(value, "a setting", sort_keys=True)
    except TypeError:
        return repr(value)


def _summary(rows: Sequence[Row], metrics: Sequence[str], by: Sequence[str]) -> Row:
    found: Row = {name: rows[0][name] for name in by if name in rows[0]}
    for metric in metrics:
        values = np.array([row[metric] for row in rows if is_finite(row.get(metric))], float)
        with np.errstate(over="ignore", invalid="ignore"):
            found[f"{metric}_mean"] = float(values.mean()) if len(values) else float("nan")
            found[f"{metric}_std"] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
        found[f"{metric}_count"] = len(values)
    errors = [row["error"] for row in rows]
    return {**found, "error": None if None in errors else errors[0]}
