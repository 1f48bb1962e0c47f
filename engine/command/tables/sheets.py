"""Tables that are not text: Excel's workbooks (.xlsx) and Parquet files, read by pandas."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...extras import imported
from . import header_checks, sheet_checks, table_checks
from .cells import NumberForm, all_missing, column_of, plain_text, texts_of, without_last_blanks
from .table import SEPARATORS, Reading, Table, named


@dataclass(frozen=True)
class FrameSource:
    """A table whose cells have values rather than texts.

    Attributes
    ----------
    path : str
    described : str
    cells : dict of list
        The values of each column by its name.
    first : int
        The number of the first row.
    """

    path: str
    described: str
    cells: dict[str, Sequence[Any]]
    first: int

    def where(self, row: int) -> str:
        """The file and the row, in words."""
        return f"{self.path}, row {row + self.first}"

    def cell(self, row: int, name: str) -> str | None:
        """A cell as text."""
        return _text(self.cells[name][row])

    def lacks(self, row: int) -> tuple[int, int] | None:
        """A row is never too short."""
        return None


def read_workbook(path: str, reading: Reading, least: int = 1) -> Table:
    """The table in a sheet of an Excel workbook: its first row that is not empty names the columns."""
    pandas = imported("pandas", f"reading {path}")
    imported("openpyxl", f"reading {path}")
    table_checks.regular_file(path)
    with sheet_checks.refused_where_unreadable(path, "an Excel workbook"):
        book = pandas.ExcelFile(path, engine="openpyxl")
    with book:
        sheet = sheet_checks.sheet_of(path, reading.sheet, book.sheet_names)
        frame = pandas.read_excel(book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_values=[])
    rows = [[_value(cell) for cell in row] for row in frame.to_numpy(dtype=object).tolist()]
    first = next((i for i, row in enumerate(rows) if any(cell is not None for cell in row)), len(rows))
    table_checks.not_empty(path, rows[first:])
    width = len(rows[first])
    header = [_text(cell) or "" for cell in rows[first]] if reading.header else [f"column {i}" for i in range(1, width + 1)]
    below = rows[first + 1:] if reading.header else rows[first:]
    table_checks.has_data(path, below)
    described = f"sheet {sheet}" + (f" of {len(book.sheet_names)}" if len(book.sheet_names) > 1 else "")
    return _table(path, described, header, list(map(list, zip(*below))), first + 1 + reading.header, reading, least)


def read_parquet(path: str, reading: Reading, least: int = 1) -> Table:
    """The table in a Parquet file."""
    pandas = imported("pandas", f"reading {path}")
    imported("pyarrow", f"reading {path}")
    table_checks.regular_file(path)
    with sheet_checks.refused_where_unreadable(path, "a Parquet file"):
        frame = pandas.read_parquet(path, engine="pyarrow")
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    header = [str(name) for name in frame.columns]
    sheet_checks.plain_cells(path, header, [frame.iloc[:, j] for j in range(len(header))])
    table_checks.not_empty(path, header)
    table_checks.has_data(path, frame)
    columns = [[_value(cell) for cell in frame.iloc[:, j].tolist()] for j in range(len(header))]
    return _table(path, "Parquet", header, columns, 1, reading, least)


def _table(path: str, described: str, header: Sequence[str], cells: Sequence[list[Any]], first: int, reading: Reading,
           least: int) -> Table:
    marks = [mark.strip() for mark in (reading.marks or "").split(",") if mark.strip()]
    form = NumberForm(table_checks.decimal(reading.decimal, "", False) or ".", table_checks.thousands(reading.thousands))
    names, columns = named(header), without_last_blanks([_column(column, form, marks) for column in cells])
    table_checks.has_data(path, columns[0])
    kept = [i for i, name in enumerate(header) if plain_text(name) or not all_missing(columns[i])]
    header_checks.different_names(path, [names[i] for i in kept], SEPARATORS, least)
    source = FrameSource(path, described, {names[i]: cells[i] for i in kept}, first)
    found = Table(source, {names[i]: columns[i] for i in kept}, tuple(names[i] for i in kept if not plain_text(header[i])), form)
    if reading.header:
        header_checks.names_not_data(found)
    return found


def _value(cell: Any) -> Any:
    """A cell of a frame, None where it is missing."""
    if cell is None or cell != cell or isinstance(cell, str) and not cell.strip():
        return None
    return cell


def _text(cell: Any) -> str | None:
    """A cell as text; a whole number has no fraction, and a day has no time."""
    if isinstance(cell, float) and cell == int(cell if abs(cell) < 1e15 else 0):
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return None if cell is None else plain_text(str(cell))


def _column(cells: Sequence[Any], form: NumberForm, marks: Sequence[str]) -> NDArray[Any]:
    """A column of cells as numbers, or as strings and None."""
    present = [cell for cell in cells if cell is not None and str(cell) not in marks]
    if present and all(isinstance(cell, bool) for cell in present):
        return np.array(cells, bool) if len(present) == len(cells) else texts_of([cell if isinstance(cell, bool) else None
                                                                                 for cell in cells])
    if present and all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in present):
        return np.array([np.nan if cell is None or str(cell) in marks else float(cell) for cell in cells])
    return column_of([_text(cell) for cell in cells], form, marks)
