"""Tables of text (.csv, .tsv, .txt, .dat and the same packed as .gz), read by pandas."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from numpy.typing import NDArray

from ...extras import imported
from . import header_checks, table_checks
from .cells import DECIMAL_COMMA, MISSING, NUMBER, NumberForm, all_missing, column_of, plain_text, texts_of, without_last_blanks
from .table import SEPARATORS, Reading, Table, named
from .text import SPACE, Text, read_text, records, text_lines

LOOKED_AT = 1000  # records by which the separator and the decimal sign are found

Item = TypeVar("Item")


@dataclass(frozen=True)
class TextSource:
    """A table of text.

    Attributes
    ----------
    text : Text
    positions : dict of int
        Where each column stands in a line.
    width : int
        Cells of a line.
    above : int
        Lines above the first one of data.
    separator : str
    described : str
    """

    text: Text
    positions: dict[str, int]
    width: int
    above: int
    separator: str
    described: str
    _places: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The file's path."""
        return self.text.path

    def place(self, row: int) -> tuple[int, list[str]]:
        """The line of the file where the row begins, and its cells as they are written there."""
        if not self._places:
            below = self.text.after(self.above).decode()
            self._places.extend((line + self.above, cells) for line, cells in records(below, self.separator))
        return self._places[row]

    def where(self, row: int) -> str:
        """The file and the line of a row, in words."""
        return f"{self.path}, line {self.place(row)[0]}"

    def cell(self, row: int, name: str) -> str | None:
        """A cell as it is written in the file, or None where its line is too short to have it."""
        cells, column = self.place(row)[1], self.positions[name]
        return cells[column] if column < len(cells) else None

    def lacks(self, row: int) -> tuple[int, int] | None:
        """How many cells a line has and should have, where it is too short."""
        found = len(self.place(row)[1])
        return (found, self.width) if found < self.width else None


def read_delimited(path: str, reading: Reading, least: int = 1) -> Table:
    """The table in a file of text: a line of column names, at least `least` of them, and a line for each sample.

    Cells are stripped of spaces around them, and text is brought to Unicode's form NFC, so that what looks alike is alike. Lines
    above the names that begin with # are comments; where the last of them has a name for each column below, it names the columns.
    """
    pandas = imported("pandas", f"reading {path}")
    text = read_text(path, reading.encoding)
    lines = list(text_lines(text.beginning))
    hint = _excel_hint(lines[0].split(",")) if lines else None
    above = _comments(lines, 1 if hint else 0)
    comments = above - (1 if hint else 0)
    body = "".join(lines[above:])
    separator = hint or _separator(body)
    if reading.separator is not None:
        separator = table_checks.separator(reading.separator, SEPARATORS)
    sample = list(_first(records(body, separator), LOOKED_AT))
    cells = _names_in_comment(lines[above - 1], sample, separator) if comments else None
    table_checks.not_empty(path, sample)
    if cells is not None:
        comments -= 1
    elif reading.header:
        cells, above = sample[0][1], above + _lines_to(body, separator, sample[0][0])
        sample = sample[1:]
    header = cells if cells is not None and reading.header else [f"column {i}" for i in range(1, len(sample[0][1]) + 1)]
    form = NumberForm(table_checks.decimal(reading.decimal, separator, _comma_in_quotes(sample)) or _decimal(sample, separator),
                      table_checks.thousands(reading.thousands))
    table_checks.different_signs(form.decimal, form.thousands)
    names, below = named(header), text.after(above)
    table_checks.has_data(path, below.strip())
    source = TextSource(text, {}, len(names), above, separator, _described(text, separator, form, comments))
    marks = [mark.strip() for mark in (reading.marks or "").split(",") if mark.strip()]
    frame = _frame(pandas, source, below, form.decimal)
    columns = without_last_blanks([_column(frame[i], form, marks) for i in range(len(names))])
    table_checks.has_data(path, columns[0])
    kept = [i for i, name in enumerate(header) if plain_text(name) or not all_missing(columns[i])]
    source.positions.update({names[i]: i for i in kept})
    header_checks.different_names(path, [names[i] for i in kept], SEPARATORS, least)
    found = Table(source, {names[i]: columns[i] for i in kept}, tuple(names[i] for i in kept if not plain_text(header[i])), form)
    if reading.header:
        header_checks.names_not_data(found)
    return found


def _described(text: Text, separator: str, form: NumberForm, comments: int) -> str:
    name = next((name for name, sign in SEPARATORS.items() if sign == separator), separator)
    parts = [f"separator {name}", f"decimal {'comma' if form.decimal == ',' else 'point'}",
             *([f"thousands {form.thousands}"] if form.thousands else []), text.encoding,
             *([f"{comments} line{'s' if comments > 1 else ''} of comments at the top"] if comments else [])]
    return ", ".join(parts)


def _first(items: Iterable[Item], count: int) -> Iterator[Item]:
    return (item for item, _ in zip(items, range(count)))


def _excel_hint(cells: Sequence[str]) -> str | None:
    """The separator that a first line such as sep=; names, for Excel's sake."""
    found = re.fullmatch(r"sep=([,;|\t]?)", ",".join(cells).strip(), re.I) if len(cells) <= 2 else None
    return (found[1] or ",") if found else None


def _comments(lines: Sequence[str], start: int) -> int:
    """Lines up to and with the last one at the top that begins with #; `start` where there is none."""
    last = start
    for i, line in enumerate(lines[start:], start):
        if line.lstrip().startswith("#"):
            last = i + 1
        elif line.strip():
            break
    return last


def _names_in_comment(line: str, sample: Sequence[tuple[int, list[str]]], separator: str) -> list[str] | None:
    """The names in the last line of comments, where it has as many cells as the line below it, and that one holds a number."""
    found = next(iter(records(line.lstrip().lstrip("#").lstrip(" "), separator)), (0, []))[1]
    following = sample[0][1] if sample else []
    holds_data = any(NUMBER.fullmatch(cell.strip()) or DECIMAL_COMMA.fullmatch(cell.strip()) for cell in following)
    return found if len(found) == len(following) > 1 and holds_data else None


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


def _comma_in_quotes(sample: Sequence[tuple[int, Sequence[str]]]) -> bool:
    return any(DECIMAL_COMMA.fullmatch(cell.strip()) for _, cells in sample for cell in cells)


def _lines_to(beginning: str, separator: str, first: int) -> int:
    """Lines up to and with the record that begins at line `first`."""
    following = next((line for line, _ in records(beginning, separator) if line > first), None)
    return sum(1 for _ in text_lines(beginning)) if following is None else following - 1


def _frame(pandas: Any, source: TextSource, below: bytes, decimal: str) -> Any:
    """What pandas reads below the names, or an error that names the line."""
    options = dict(sep=source.separator, decimal=decimal, header=None, names=list(range(source.width)), index_col=False,
                   skipinitialspace=True, keep_default_na=False, na_values=list(MISSING), low_memory=False, encoding="utf-8")
    if int(pandas.__version__.split(".")[0]) < 3:
        options["float_precision"] = "round_trip"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            return pandas.read_csv(io.BytesIO(below), **options)
    except (pandas.errors.ParserError, pandas.errors.ParserWarning) as error:
        above = source.above
        found = [(line + above, cells) for line, cells in records(source.text.after(above).decode(), source.separator)]
        table_checks.uneven(source.path, found, source.width, error)


def _column(series: Any, form: NumberForm, marks: Sequence[str]) -> NDArray[Any]:
    """A column of a frame as numbers, or as strings and None."""
    if series.dtype.kind in "biuf" and not (marks and series.dtype.kind != "b"):
        return series.to_numpy()
    missing = series.isna().to_numpy()
    cells = [None if missed else cell for cell, missed in zip(series, missing)]
    if series.dtype.kind in "iuf":  # a mark may be a number, such as -999
        numbers = {float(form.plain(mark)) for mark in marks if form.is_number(mark)}
        return series.to_numpy() if not numbers else series.where(~series.isin(numbers)).to_numpy(dtype=float)
    return column_of(cells, form, marks) if not series.dtype.kind == "b" else texts_of(cells)
