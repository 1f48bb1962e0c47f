"""Tables of text (.csv, .tsv, .txt, .dat and the same packed as .gz), read by pandas."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...extras import imported
from . import table_checks
from .text import SPACE, Text, read_text, records, text_lines

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": SPACE}
MISSING = frozenset(["", "?", "NA", "N/A", "n/a", "na", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "NAN", "Nan", "-NaN",
                     "-nan", "NULL", "Null", "null", "#VALUE!", "#DIV/0!", "#REF!", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"])
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?", re.I)
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([T ].*)?|[0-9]{1,2}:[0-9]{2}(:[0-9.]+)?"
                  r"|[0-9]{1,2}[- ][A-Za-z]{3,9}[- ][0-9]{2,4}|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4}")
LOOKED_AT = 1000  # records by which the separator and the decimal sign are found

Item = TypeVar("Item")


@dataclass(frozen=True)
class Reading:
    """How a table is written, where a user says so: `separator` and `decimal` are found where None, `encoding` is UTF-8 then."""

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Table:
    """The columns of a table by name, each an array [m] of numbers, or of strings and None where cells are missing.

    Attributes
    ----------
    columns : dict of ndarray
        By name, in the file's order.
    positions : dict of int
        Where each column stands in a line.
    width : int
        Cells of a line.
    unnamed : tuple of str
        Columns that the file gives no name; "column 1" and so on stand for one.
    separator, decimal : str
        As they were given or found.
    rows : ndarray of int, or None
        Which lines of the file they are, counted from 0 below the names; None where they are all.
    """

    text: Text
    columns: dict[str, NDArray[Any]]
    positions: dict[str, int]
    width: int
    unnamed: tuple[str, ...]
    separator: str
    decimal: str
    rows: NDArray[np.int64] | None = None
    _places: list[tuple[int, list[str]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.columns)

    @property
    def path(self) -> str:
        """The file's path."""
        return self.text.path

    @property
    def described(self) -> str:
        """How it was read, in words."""
        separator = next((name for name, sign in SEPARATORS.items() if sign == self.separator), self.separator)
        return f"separator {separator}, decimal {'comma' if self.decimal == ',' else 'point'}, {self.text.encoding}"

    def place(self, row: int) -> tuple[int, list[str]]:
        """The line of the file where the row begins, and its cells as they are written there."""
        if not self._places:
            self._places.extend(records(self.text.string, self.separator))
            first = next(i for i, (_, cells) in enumerate(self._places) if not _excel_hint(cells))
            del self._places[:first + 1]
        return self._places[row if self.rows is None else self.rows[row]]

    def take(self, rows: NDArray[Any]) -> Table:
        """The lines `rows` alone: their numbers, or bool [m]."""
        kept = np.arange(len(self))[rows]
        return replace(self, columns={name: column[kept] for name, column in self.columns.items()},
                       rows=kept if self.rows is None else self.rows[kept])

    def line(self, row: int) -> int:
        """The number of that line."""
        return self.place(row)[0]

    def where(self, row: int) -> str:
        """The file and the line of a row, in words."""
        return f"{self.path}, line {self.line(row)}"

    def cell(self, row: int, name: str) -> str | None:
        """A cell as it is written in the file, or None where its line is too short to have it."""
        cells, column = self.place(row)[1], self.positions[name]
        return cells[column] if column < len(cells) else None

    def written(self, name: str) -> list[str]:
        """The cells of a column as they are written in the file, stripped; empty where a line is too short to have one."""
        return [_plain(self.cell(row, name) or "") for row in range(len(self))]

    def cells(self, row: int) -> int:
        """How many cells the line of a row has."""
        return len(self.place(row)[1])

    def is_text(self, name: str) -> bool:
        """Whether a column holds anything but numbers."""
        return self.columns[name].dtype == object

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Which of a column's cells are missing, bool [m]."""
        column = self.columns[name]
        return np.array([cell is None for cell in column], bool) if column.dtype == object else np.isnan(column)

    def all_missing(self, name: str) -> bool:
        """Whether a column holds no cell."""
        return bool(self.missing(name).all())

    def varies(self, name: str) -> bool:
        """Whether a column holds two different values, missing cells apart."""
        column = self.columns[name][~self.missing(name)]
        return len(column) > 0 and bool((column != column[0]).any())

    def present(self, name: str) -> None:
        """Refuse a column with missing cells."""
        table_checks.no_missing(self, name)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of finite numbers, float64 [m]."""
        table_checks.no_missing(self, name)
        return self.numbers_or_nan(name)

    def numbers_or_nan(self, name: str) -> NDArray[np.float64]:
        """A column of numbers, float64 [m], NaN where cells are missing."""
        return table_checks.finite_numbers(self, name, DECIMAL_COMMA, DATE)

    def texts(self, name: str) -> NDArray[Any]:
        """A column as strings [m], none missing: its cells as they are written."""
        table_checks.no_missing(self, name)
        return self.texts_or_none(name)

    def texts_or_none(self, name: str) -> NDArray[Any]:
        """A column as strings [m], None where cells are missing."""
        if self.is_text(name):
            return self.columns[name]
        cells = [None if missed else _plain(self.cell(row, name) or "") for row, missed in enumerate(self.missing(name))]
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

    def is_number(self, cell: str) -> bool:
        """Whether a text is written as a number, with the table's decimal sign."""
        return bool(NUMBER.fullmatch(_with_point(cell, self.decimal)))

    def holds_dates(self, name: str) -> bool:
        """Whether a text column's first cell is written as a date or a time of day."""
        return self.is_text(name) and bool(DATE.fullmatch(next((cell for cell in self.columns[name] if cell), "")))

    def first_text(self, name: str) -> int:
        """The first row of a text column that does not hold a number."""
        return next(row for row, cell in enumerate(self.columns[name]) if cell and not self.is_number(cell))

    def mostly_numbers(self, name: str) -> bool:
        """Whether a text column holds more numbers than anything else: a column of numbers with cells that are wrong."""
        numeric = [self.is_number(cell) for cell in self.columns[name] if cell]
        return 2 * sum(numeric) > len(numeric)


def read_table(path: str, reading: Reading = Reading(), least: int = 1) -> Table:
    """The table in the file `path`: a line of column names, at least `least` of them, and a line for each sample.

    Cells are stripped of spaces around them, and text is brought to Unicode's form NFC, so that what looks alike is alike.
    """
    pandas = imported("pandas", f"reading {path}")
    text = read_text(path, reading.encoding)
    separator = _excel_hint(next(iter(text_lines(text.beginning)), "").split(",")) or _separator(text.beginning)
    if reading.separator is not None:
        separator = table_checks.separator(reading.separator, SEPARATORS)
    sample = list(_first(records(text.beginning, separator), LOOKED_AT))
    sample = sample[1:] if sample and _excel_hint(sample[0][1]) else sample
    table_checks.not_empty(path, sample)
    names = tuple(_plain(name) or f"column {i}" for i, name in enumerate(sample[0][1], 1))
    decimal = table_checks.decimal(reading.decimal, separator) or _decimal(sample[1:], separator)
    below = text.after(_lines_to(text.beginning, separator, sample[0][0]))
    table_checks.has_data(path, below.strip())
    frame = _frame(pandas, text, below, len(names), separator, decimal)
    columns = _without_last_blanks([_column(frame[i], decimal) for i in range(len(names))])
    table_checks.has_data(path, columns[0])
    kept = [i for i, name in enumerate(sample[0][1]) if _plain(name) or not _all_missing(columns[i])]
    unnamed = tuple(names[i] for i in kept if not _plain(sample[0][1][i]))
    table_checks.different_names(path, [names[i] for i in kept], SEPARATORS, least)
    return Table(text, {names[i]: columns[i] for i in kept}, {names[i]: i for i in kept}, len(names), unnamed, separator, decimal)


def _first(items: Iterable[Item], count: int) -> Iterator[Item]:
    return (item for item, _ in zip(items, range(count)))


def _excel_hint(cells: Sequence[str]) -> str | None:
    """The separator that a first line such as sep=; names, for Excel's sake."""
    found = re.fullmatch(r"sep=([,;|\t]?)", ",".join(cells).strip(), re.I) if len(cells) <= 2 else None
    return (found[1] or ",") if found else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _separator(beginning: str) -> str:
    """The sign that cuts the first records into equally many cells, at least two; the one that makes most of them."""
    best, most = ",", (False, 1)
    for sign in SEPARATORS.values():
        counts = [len(cells) for _, cells in _first(records(beginning, sign), LOOKED_AT)]
        if not counts or counts[0] < 2:
            continue
        alike = all(count == counts[0] for count in counts)
        if (alike, counts[0]) > most and (sign != SPACE or alike and most[1] == 1):
            best, most = sign, (alike, counts[0])
    return best


def _decimal(sample: Sequence[tuple[int, Sequence[str]]], separator: str) -> str:
    """A comma where commas do not part cells, some cells are numbers with one, and none is a number with a point."""
    if separator == ",":
        return "."
    cells = [cell.strip() for _, cells in sample for cell in cells]
    comma = any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return "," if comma and not any("." in cell and NUMBER.fullmatch(cell) for cell in cells) else "."


def _lines_to(beginning: str, separator: str, first: int) -> int:
    """Lines up to and with the record that begins at line `first`."""
    following = next((line for line, _ in records(beginning, separator) if line > first), None)
    return sum(1 for _ in text_lines(beginning)) if following is None else following - 1


def _frame(pandas: Any, text: Text, below: bytes, count: int, separator: str, decimal: str) -> Any:
    """What pandas reads below the names, or an error that names the line."""
    options = dict(sep=separator, decimal=decimal, header=None, names=list(range(count)), index_col=False, skipinitialspace=True,
                   keep_default_na=False, na_values=list(MISSING), low_memory=False, encoding="utf-8")
    if int(pandas.__version__.split(".")[0]) < 3:
        options["float_precision"] = "round_trip"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            return pandas.read_csv(io.BytesIO(below), **options)
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        table_checks.uneven(text.path, list(records(text.string, separator)), count, error)


def _column(series: Any, decimal: str) -> NDArray[Any]:
    """A column of a frame as numbers, or as strings and None."""
    if series.dtype.kind in "biuf":
        return series.to_numpy()
    missing = series.isna().to_numpy()
    cells = [None if missed else cell if not isinstance(cell, str) else _plain(cell) for cell, missed in zip(series, missing)]
    cells = [None if isinstance(cell, str) and cell in MISSING else cell for cell in cells]
    written = ["nan" if cell is None else _with_point(str(cell), decimal) for cell in cells]
    if all(cell == "nan" or NUMBER.fullmatch(cell) for cell in written) and not all(cell is None for cell in cells):
        return np.array([float(cell) for cell in written])
    return np.array([None if cell is None else str(cell) for cell in cells] + [None], object)[:-1]


def _with_point(cell: str, decimal: str) -> str:
    """A cell with a decimal point in place of the decimal comma; a point is no part of a number then."""
    return cell.replace(".", "?").replace(",", ".") if decimal == "," else cell


def _without_last_blanks(columns: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """The columns without lines at the end whose cells are all missing, as spreadsheets leave them."""
    last = len(columns[0])
    while last and all(_all_missing(column[last - 1:last]) for column in columns):
        last -= 1
    return [column[:last] for column in columns]


def _all_missing(column: NDArray[Any]) -> bool:
    return all(cell is None for cell in column) if column.dtype == object else column.dtype == float and np.isnan(column).all()
