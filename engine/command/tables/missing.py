"""What becomes of missing cells: refused, their lines left out, or filled by the means of the training samples."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from . import column_checks
from .table import Table


def without_missing(table: Table, features: Sequence[str], others: Collection[str], choice: str | None,
                    advice: str = "") -> tuple[Table, tuple[str, ...]]:
    """The lines of a table that stay, and what to tell about the rest.

    Parameters
    ----------
    table : Table
    features, others : sequence of str
        Columns that make features, and targets, weights and groups: these are never filled.
    choice : str, or None
        "drop" leaves out every line that lacks a cell, "mean" those that lack one of `others`, and None refuses both.
    advice : str
        What to do instead, where it is not the usual.
    """
    missing = {name: table.missing(name) for name in (*others, *features)}
    counts = {name: int(cells.sum()) for name, cells in missing.items() if cells.any()}
    if not counts:
        return table, ()
    if choice in (None, "refuse"):
        column_checks.missing_cells(table, counts, _whole(table, missing, counts), advice)
    for name in counts:
        _no_short_line(table, missing[name])
    decisive = {name: cells for name, cells in missing.items() if choice == "drop" or name in others}
    kept = ~np.any(list(decisive.values()), axis=0) if decisive else np.ones(len(table), bool)
    worst = max(counts, key=lambda name: counts[name])
    column_checks.lines_left(table, int(kept.sum()), worst, counts[worst])
    notes = []
    if not kept.all():
        lacking = [name for name in decisive if name in counts]
        notes.append(f"{len(table) - int(kept.sum())} of {len(table)} lines left out, which lack a cell in {_listed(lacking)}")
    if choice == "mean" and (filled := [name for name in features if name in counts and missing[name][kept].any()]):
        total = sum(int(missing[name][kept].sum()) for name in filled)
        notes.append(f"{total} missing cell{'s' if total > 1 else ''} filled by the column's mean in {_listed(filled)}")
    return table.take(kept), tuple(notes)


def whole_lines(table: Table, dropped: Collection[str] = ()) -> None:
    """Refuse lines that are too short to have all columns, except where the last one is `dropped`."""
    if (last := table.names[-1]) not in dropped:
        _no_short_line(table, table.missing(last))


def _whole(table: Table, missing: dict[str, NDArray[np.bool_]], counts: Collection[str]) -> int:
    return len(table) - int(np.any([missing[name] for name in counts], axis=0).sum())


def _no_short_line(table: Table, missing: NDArray[np.bool_]) -> None:
    for row in np.flatnonzero(missing):
        column_checks.short_line(table, int(row))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more columns" if len(names) > 6 else "")
