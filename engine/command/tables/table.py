"""A table: its columns by name, and where each cell stands in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import table_checks
from .cells import DATE, DECIMAL_COMMA, GROUPED, NumberForm, all_missing, plain_text
from .text import SPACE

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
BINARY_SUFFIXES = (".xlsx", ".parquet")
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": SPACE}


@dataclass(frozen=True)
class Reading:
    """How a table is written, where a user says so.

    Attributes
    ----------
    separator, decimal : str
        Found where None.
    encoding : str
        UTF-8, or that of the byte-order mark, where None.
    thousands : str
        What parts the thousands of numbers: comma, point, space or apostrophe; nothing where None.
    header : bool
        Whether the first line names the columns.
    sheet : str
        The sheet of a workbook; the first one where None.
    marks : str
        Texts that stand for a missing cell, besides the usual ones, with commas between them.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    thousands: str | None = None
    header: bool = True
    sheet: str | None = None
    marks: str | None = None


class Source(Protocol):
    """The file of a table."""

    @property
    def path(self) -> str:
        """The file's path."""

    @property
    def described(self) -> str:
        """How it was read, in words."""

    def where(self, row: int) -> str:
        """The file and the line where a row begins, in words."""

    def cell(self, row: int, name: str) -> str | None:
        """A cell as it is written, or None where its line is too short to have it."""

    def lacks(self, row: int) -> tuple[int, int] | None:
        """How many cells a line has and should have, where it is too short."""


@dataclass(frozen=True)
class Table:
    """The columns of a table by name, each an array [m] of numbers, or of strings and None where cells are missing.

    Attributes
    ----------
    source : Source
    columns : dict of ndarray
        By name, in the file's order.
    unnamed : tuple of str
        Columns that the file gives no name; "column 1" and so on stand for one.
    form : NumberForm
    rows : ndarray of int, or None
        Which lines of the file they are, counted from 0 below the names; None where they are all.
    """

    source: Source
    columns: dict[str, NDArray[Any]]
    unnamed: tuple[str, ...] = ()
    form: NumberForm = NumberForm()
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.columns)

    @property
    def path(self) -> str:
        """The file's path."""
        return self.source.path

    @property
    def described(self) -> str:
        """How it was read, in words."""
        return self.source.described

    def take(self, rows: NDArray[Any]) -> Table:
        """The lines `rows` alone: their numbers, or bool [m]."""
        kept = np.arange(len(self))[rows]
        return replace(self, columns={name: column[kept] for name, column in self.columns.items()},
                       rows=kept if self.rows is None else self.rows[kept])

    def _row(self, row: int) -> int:
        return int(row if self.rows is None else self.rows[row])

    def where(self, row: int) -> str:
        """The file and the line of a row, in words."""
        return self.source.where(self._row(row))

    def cell(self, row: int, name: str) -> str | None:
        """A cell as it is written in the file, or None where its line is too short to have it."""
        return self.source.cell(self._row(row), name)

    def lacks(self, row: int) -> tuple[int, int] | None:
        """How many cells the line of a row has and should have, where it is too short."""
        return self.source.lacks(self._row(row))

    def written(self, name: str) -> list[str]:
        """The cells of a column as they are written in the file, stripped; empty where a line is too short to have one."""
        return [plain_text(self.cell(row, name) or "") for row in range(len(self))]

    def is_text(self, name: str) -> bool:
        """Whether a column holds anything but numbers."""
        return self.columns[name].dtype == object

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Which of a column's cells are missing, bool [m]."""
        column = self.columns[name]
        return np.array([cell is None for cell in column], bool) if column.dtype == object else np.isnan(column)

    def all_missing(self, name: str) -> bool:
        """Whether a column holds no cell."""
        return all_missing(self.columns[name])

    def varies(self, name: str) -> bool:
        """Whether a column holds two different values, missing cells apart."""
        column = self.columns[name][~self.missing(name)]
        return len(column) > 0 and bool((column != column[0]).any())

    def present(self, name: str) -> None:
        """Refuse a column with missing cells."""
        table_checks.no_missing(self, name)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of finite numbers, float64 [m]."""
        self.present(name)
        return self.numbers_or_nan(name)

    def numbers_or_nan(self, name: str) -> NDArray[np.float64]:
        """A column of numbers, float64 [m], NaN where cells are missing."""
        return table_checks.finite_numbers(self, name, DECIMAL_COMMA, GROUPED)

    def texts(self, name: str) -> NDArray[Any]:
        """A column as strings [m], none missing: its cells as they are written."""
        self.present(name)
        return self.texts_or_none(name)

    def texts_or_none(self, name: str) -> NDArray[Any]:
        """A column as strings [m], None where cells are missing."""
        if self.is_text(name):
            return self.columns[name]
        cells = [None if missed else plain_text(self.cell(row, name) or "") for row, missed in enumerate(self.missing(name))]
        return np.array([*cells, None], object)[:-1]

    def booleans_or_nan(self, name: str) -> NDArray[np.float64]:
        """A column of true and false, float64 [m] of 1 and 0, NaN where cells are missing."""
        table_checks.booleans(self, name)
        if not self.is_text(name):
            return self.columns[name].astype(np.float64)
        return np.array([np.nan if cell is None else float(cell.casefold() == "true") for cell in self.columns[name]])

    def holds_booleans(self, name: str) -> bool:
        """Whether a column holds nothing but true and false."""
        if self.is_text(name):
            return {cell.casefold() for cell in self.columns[name] if cell} <= {"true", "false"}
        return self.columns[name].dtype == bool

    def holds_dates(self, name: str) -> bool:
        """Whether most cells of a text column are written as dates or times of day."""
        if not self.is_text(name):
            return False
        cells = {cell for cell in self.columns[name] if cell}
        return 2 * sum(bool(DATE.fullmatch(cell)) for cell in cells) > len(cells)

    def holds_days(self, name: str) -> bool:
        """Whether a column of numbers holds nothing but days written as 20240131, at least three of them."""
        values = self.columns[name][~self.missing(name)]
        if self.is_text(name) or values.dtype == bool or not ((values >= 1800_01_01) & (values <= 2199_12_31)).all():
            return False
        day, month = values % 100, values // 100 % 100
        whole = (values == np.round(values)) & (day >= 1) & (day <= 31) & (month >= 1) & (month <= 12)
        return bool(whole.all()) and len(np.unique(values)) >= 3

    def first_text(self, name: str) -> int:
        """The first row of a text column that does not hold a number."""
        return next(row for row, cell in enumerate(self.columns[name]) if cell and not self.form.is_number(cell))

    def mostly_numbers(self, name: str) -> bool:
        """Whether a text column holds more numbers than anything else: a column of numbers with cells that are wrong."""
        numeric = [self.form.is_number(cell) for cell in self.columns[name] if cell]
        return 2 * sum(numeric) > len(numeric)


def named(cells: Sequence[str]) -> tuple[str, ...]:
    """Names of columns, with "column 1" and so on for those that have none."""
    return tuple(plain_text(cell) or f"column {i}" for i, cell in enumerate(cells, 1))
