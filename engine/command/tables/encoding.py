"""The columns of a table made features: which encoding each gets in training, and how another table gets the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from . import column_checks
from .cells import beside_numbers
from .columns import Columns, Encoding
from .row_numbers import numbers_lines
from .table import Table
from .table_checks import shortened

MOST_CATEGORIES = 20  # of a column of text that is made features unasked


def encodings_of(table: Table, names: Sequence[str], categories: str | None = None,
                 keep: Collection[str] = (), filled: bool = False) -> tuple[Encoding, ...]:
    """An Encoding for each of the columns `names` of a table that a network is to be trained on.

    Numbers stay numbers; text becomes categories, as `categories` says: "one-hot", "drop", or None, where up to 20 of them, each
    met twice and more on the average, are made features and other columns of text are refused. A column that holds one value alone
    is dropped unless it is in `keep`; its missing cells count as another value, except where they are `filled`.
    """
    found = [_encoding(table, name, categories, keep, filled) for name in names]
    column_checks.encodable(table, [one for one in found if not isinstance(one, Encoding)])
    return tuple(one for one in found if isinstance(one, Encoding))


def _encoding(table: Table, name: str, categories: str | None, keep: Collection[str],
              filled: bool) -> Encoding | tuple[str, str, str]:
    """A column's Encoding; or its name, what it holds, and what to do about it, where it can have none."""
    if table.all_missing(name):
        return Encoding(name, "dropped", reason="holds no cell")
    kind: Encoding | tuple[str, str, str] = Encoding(name)
    if table.holds_booleans(name):
        kind = Encoding(name, "boolean")
    elif table.is_text(name):
        kind = _of_text(table, name, categories, name in keep)
    elif name not in keep and table.holds_days(name):
        cell = f"{np.nanmin(table.columns[name]):.0f}"
        return (name, f"dates, such as {cell!r}", "a date is no number: put days since some day in its place, or leave the column "
                f"out by --drop {name!r}; where it is none, give --keep {name!r}")
    varies = len(table) == 1 or table.varies(name) or not filled and bool(table.missing(name).any())
    if isinstance(kind, Encoding) and kind.kind != "dropped" and not varies and name not in keep:
        table.numbers_or_nan(name) if kind.kind == "number" else None
        return Encoding(name, "dropped", reason="holds one value alone")
    return kind


def _of_text(table: Table, name: str, categories: str | None, kept: bool) -> Encoding | tuple[str, str, str]:
    """The same of a column of text."""
    if table.mostly_numbers(name):
        table.numbers_or_nan(name)
    labels = sorted({cell for cell in table.columns[name] if cell is not None})
    first = shortened(table.columns[name][table.first_text(name)], 30)
    if table.holds_dates(name) and categories != "drop":
        return (name, f"dates, such as {first!r}", "a date is no number: put days or seconds since some day in "
                f"its place, or leave the column out by --drop {name!r}")
    if categories == "drop":
        return Encoding(name, "dropped", reason="text, by --categories drop")
    sign = None if categories is not None or kept else beside_numbers(labels)
    if sign == "":
        table.numbers_or_nan(name)
    elif sign is not None:
        return (name, f"numbers with something beside them, such as {first!r}",
                f"write the numbers without {sign}, or make each different text a feature by --categories one-hot, or leave the "
                f"column out by --drop {name!r}")
    m, asked = len(table), categories == "one-hot" or kept
    if len(labels) > (max(MOST_CATEGORIES, m // 2) if asked else min(MOST_CATEGORIES, max(2, m // 2))):
        remedy = f"leave it out by --drop {name!r}"
        if not asked and len(labels) <= max(2, m // 2):
            remedy += f", or make {len(labels)} features of it by --categories one-hot"
        return (name, f"{len(labels)} different texts in {m} lines, such as {first!r}", remedy)
    return Encoding(name, "one-hot", tuple(labels))


def encoded(table: Table, encodings: Sequence[Encoding]) -> NDArray[np.float64]:
    """X float64 [m, width] of a table's columns by their names, NaN where cells are missing."""
    X, j = np.empty((len(table), sum(encoding.width for encoding in encodings))), 0
    for encoding in encodings:
        name = encoding.name
        if encoding.kind == "number":
            X[:, j] = table.numbers_or_nan(name)
        elif encoding.kind == "boolean":
            X[:, j] = table.booleans_or_nan(name)
        elif encoding.kind == "one-hot":
            cells = table.texts_or_none(name)
            column_checks.known_category(table, name, encoding.categories, cells)
            for i, category in enumerate(encoding.categories):
                X[:, j + i] = cells == category
            X[table.missing(name), j:j + encoding.width] = np.nan
        j += encoding.width
    return X


def features_of(table: Table, columns: Columns) -> NDArray[np.float64]:
    """X float64 [m, width] of a table, as `columns` were in training: found by their names, in whatever order they stand.

    No target is needed. Where the run filled missing cells they get the means of its training samples, else they are refused.

    Raises
    ------
    ValueError
        Where a column lacks or is unknown, a cell is missing or is no number, or a category was not trained on.
    """
    column_checks.same_columns(table, columns.columns or (), columns.ignored)
    X = encoded(table, columns.features)
    holes = np.isnan(X)
    if not holes.any():
        return X
    if columns.missing == "mean":
        column_checks.fillable(table.path, columns.means)
        return np.where(holes, np.array(columns.means), X)
    for name in columns.columns or ():
        table.present(name)
    return X


def row_numbers(table: Table, names: Sequence[str], keep: Collection[str]) -> tuple[Encoding, ...]:
    """The Encodings of the columns that number the lines, dropped, except those in `keep`."""
    reasons = {name: numbers_lines(table, name) for name in names if name not in keep}
    return tuple(Encoding(name, "dropped", reason=reason) for name, reason in reasons.items() if reason)
