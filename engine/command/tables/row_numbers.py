"""Columns that number or name the lines of a table and say nothing about what they hold."""

from __future__ import annotations

import re

import numpy as np

from .table import Table

IDENTIFIER = re.compile(r"(^|.*[_\s.])id|.*[a-z]I[dD]", re.DOTALL)  # PassengerId, user_id, but not acid
ROW_NAMES = re.compile(r"unnamed: ?[0-9]+|row[._ ]?names?|row[._ ]?(id|index|number|num|no)", re.IGNORECASE)
LEAST = 3  # lines of which the numbers could not be what they are by chance
LEAST_IDENTIFIERS = 10


def numbers_lines(table: Table, name: str) -> str | None:
    """Why a column is a row number rather than a feature, or None where it is none.

    It counts the lines from 0 or 1; or it is named as row numbers are, or has no name, and no two of its cells are alike; or its
    name ends in "id", and it holds different whole numbers.
    """
    column, m = table.columns[name], len(table)
    if m < LEAST or bool(table.missing(name).any()):
        return None
    row_names = name in table.unnamed or bool(ROW_NAMES.fullmatch(name))
    if table.is_text(name):
        return "names the lines" if row_names and len(set(column)) == m and not table.mostly_numbers(name) else None
    if column.dtype == bool or not np.array_equal(column, np.round(column)):
        return None
    if column[0] in (0, 1) and np.array_equal(column, np.arange(m) + column[0]):
        return "counts the lines"
    if (row_names or m >= LEAST_IDENTIFIERS and IDENTIFIER.fullmatch(name)) and len(np.unique(column)) == m:
        return "numbers the lines"
    return None
