"""Checks of tables and their cells: an error names the file, the line, the column, and what to do instead."""

from __future__ import annotations

import codecs
import difflib
import os
import pathlib
import stat
from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...operators.checks import available_bytes

if TYPE_CHECKING:
    from .table import Table

SHOWN = 12  # names of columns in an error


def listed(names: Sequence[str]) -> str:
    """Names, the first of them where they are many."""
    names = [shortened(name) for name in names]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def shortened(text: str, most: int = 60) -> str:
    """A text that fits in a line."""
    text = " ".join(str(text).split())
    return text if len(text) <= most else text[:most] + "…"


def regular_file(path: str) -> None:
    """Refuse what cannot be read at once and again: a folder, a named pipe, a device."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = ("a folder" if stat.S_ISDIR(mode) else "a named pipe" if stat.S_ISFIFO(mode) else "a device or a socket")
        raise ValueError(f"DATA must be a regular file, but {path} is {kind}; write what it holds to a file first")


def codec_name(encoding: str) -> str:
    """The name of an encoding that Python knows."""
    try:
        codec = codecs.lookup(encoding)
    except (LookupError, ValueError):
        raise ValueError(f"--encoding must name an encoding, such as utf-8, cp1252, latin-1 or utf-16, but is "
                         f"{encoding!r}") from None
    if not codec._is_text_encoding:
        raise ValueError(f"--encoding must name an encoding of text, such as utf-8, cp1252 or utf-16, but is {encoding!r}")
    return codec.name


def decoded(path: str, raw: bytes, codec: str, named_by_user: bool) -> bytes:
    """`raw`, text in the encoding `codec`, as UTF-8."""
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        line = raw[:error.start].count(b"\n") + 1
        remedy = ("name another --encoding" if named_by_user else
                  "name its encoding, such as --encoding cp1252 (Windows), latin-1 or utf-16, or save it as UTF-8")
        raise ValueError(f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not {codec.upper()}; {remedy}") from None
    if "\0" in text:
        raise ValueError(f"{path}, line {text[:text.index(chr(0))].count(chr(10)) + 1}: a zero byte stands where text is expected; "
                         "if it is a table in UTF-16, name it by --encoding utf-16-le or utf-16-be")
    text = text.removeprefix("\ufeff")
    return raw if codec == "utf-8" and len(raw) and not raw.startswith(codecs.BOM_UTF8) else text.encode()


def largest_text() -> int | None:
    """Bytes of text that can be unpacked and still be read as a table."""
    available = available_bytes()
    return None if available is None else available // 4


def text_fits(path: str, size: int, most: int | None) -> None:
    """Refuse a packed file that unpacks to more than can be read."""
    if most is not None and size > most:
        raise MemoryError(f"{path} unpacks to more than {most} bytes, a quarter of the memory that is available; take fewer lines "
                          "or columns")


def refuse_packed(path: str, error: Exception) -> NoReturn:
    """Refuse a .gz file that is cut or is none."""
    raise ValueError(f"{path} must be packed by gzip, since its name ends in .gz, but cannot be unpacked: {error}") from None


def separator(value: str, known: Mapping[str, str]) -> str:
    """A separator by name, or the sign itself."""
    if value in known:
        return known[value]
    if len(value) == 1 and value not in '"\r\n. ' and not value.isalnum():
        return value
    if value in (" ", "\\t"):
        return known["space" if value == " " else "tab"]
    raise ValueError(f"--separator must be one of {', '.join(known)}, or a sign that stands between cells, but is {value!r}")


def thousands(value: str | None) -> str | None:
    """What parts the thousands of numbers, by its name."""
    named = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}
    found = None if value is None else named.get(value, value)
    if found not in (None, *named.values()):
        raise ValueError(f"--thousands must be {', '.join(named.values())}, but is {value!r}")
    return found


def different_signs(decimal: str, thousands: str | None) -> None:
    """Refuse one sign before fractions and between thousands."""
    if (decimal, thousands) in ((".", "point"), (",", "comma")):
        other = "comma" if thousands == "point" else "point"
        raise ValueError(f"--thousands {thousands} needs another sign before a fraction: give --decimal {other}")


def decimal(value: str | None, separator: str, quoted: bool = False) -> str | None:
    """The sign before a number's fraction, or None where it is to be found."""
    found = {"point": ".", "comma": ","}.get(value or "", value)
    if found not in (None, ".", ","):
        raise ValueError(f"--decimal must be point or comma, but is {value!r}")
    if found == "," and separator == "," and not quoted:
        raise ValueError("--decimal comma needs another --separator than the comma, such as semicolon or tab, or cells in quotes")
    return found


def not_empty(path: str, sample: object) -> None:
    """Refuse a file without a line."""
    if not sample:
        raise ValueError(f"{path} must hold a line of column names and at least one line of data, but is empty")


def has_data(path: str, below: Sized) -> None:
    """Refuse a header alone."""
    if len(below) == 0:
        raise ValueError(f"{path} must hold at least one line of data below its header, but holds none")


def uneven(path: str, found: Any, count: int, error: Exception) -> NoReturn:
    """Refuse a table that pandas cannot read: a line with too many cells, or a quote that is never closed."""
    if "inside string" in str(error):
        raise ValueError(f"{path}, line {found[-1][0]}: a quote that opens in this line is never closed; close it, or double the "
                         "quotes that belong to the text") from None
    for line, cells in found:
        if len(cells) > count:
            open_quote = "; a quote in it may not be closed" if any("\n" in cell for cell in cells) else ""
            above = "; where the names stand in a lower line, remove what is above" if count == 1 else ""
            raise ValueError(f"{path}, line {line}: expected {count} cells, one a column, but found "
                             f"{len(cells)}{open_quote or above}") from None
    raise ValueError(f"{path} cannot be read as a table: {shortened(str(error), 200)}") from None


def no_missing(table: Table, name: str) -> None:
    """Refuse a column with missing cells, and lines that are too short to have it."""
    missing = np.flatnonzero(table.missing(name))
    if not len(missing):
        return
    if lacks := table.lacks(int(missing[0])):
        raise ValueError(f"{table.where(missing[0])}: expected {lacks[1]} cells, one a column, but found {lacks[0]}")
    others = f", as in {len(missing) - 1} more lines" if len(missing) > 1 else ""
    cell = table.cell(missing[0], name) or ""
    raise ValueError(f"{table.where(missing[0])}: column {name!r} must be finite, but its cell is missing "
                     f"({'empty' if not cell.strip() else repr(cell.strip())}){others}; fill in or drop such lines first")


def finite_numbers(table: Table, name: str, decimal_comma: Any, grouped: Any) -> NDArray[np.float64]:
    """A column of finite numbers, float64 [m], NaN where cells are missing."""
    if table.is_text(name):
        row = table.first_text(name)
        cell = table.columns[name][row]
        remedy = (f"encode it by --categories one-hot, or leave it out by --categories drop or --drop {name!r}")
        if "\n" in (table.cell(row, name) or ""):
            remedy = "a quote in it may not be closed"
        elif table.holds_dates(name):
            remedy = (f"a date is no number: put days or seconds since some day in its place, or leave the column out by --drop "
                      f"{name!r}")
        elif decimal_comma.fullmatch(cell) and table.form.decimal == ".":
            remedy = ("where the comma stands before a fraction, give --decimal comma (and a --separator other than the comma, or "
                      "cells in quotes); where it parts thousands, --thousands comma")
        elif sign := grouped.fullmatch(cell):
            known = {",": "comma", ".": "point", "'": "apostrophe", "\u2019": "apostrophe"}
            remedy = f"where {sign[1]!r} parts thousands, give --thousands {known.get(sign[1], 'space')}"
        elif table.mostly_numbers(name):
            remedy = (f"most cells of it are numbers: correct this one, or say by --missing-marks={shortened(cell)!r} that it "
                      "stands for a missing cell, or leave "
                      f"the column out by --drop {name!r}")
        raise ValueError(f"{table.where(row)}: column {name!r} must hold a number, but holds "
                         f"{shortened(cell)!r}; {remedy}")
    values = table.columns[name].astype(np.float64)
    bad = np.flatnonzero(np.isinf(values))
    if len(bad):
        cell = shortened(table.cell(bad[0], name) or values[bad[0]])
        raise ValueError(f"{table.where(bad[0])}: column {name!r} must be finite, but is {cell!r}; leave "
                         "such cells empty and say by --missing what becomes of them, or drop the lines")
    return values


def booleans(table: Table, name: str) -> None:
    """Refuse a column that holds anything but true and false, or 1 and 0."""
    column = table.columns[name]
    wrong = [row for row, cell in enumerate(column) if cell is not None and cell == cell and (
        cell.casefold() not in ("true", "false") if isinstance(cell, str) else cell not in (0, 1))]
    if wrong:
        raise ValueError(f"{table.where(wrong[0])}: column {name!r} must hold true or false, but holds "
                         f"{shortened(column[wrong[0]])!r}")


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """A question that names what may have been meant, or nothing where no name is near."""
    plain = {known.casefold(): known for known in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), list(plain), 1, 0.6)
    return f"; did you mean {plain[near[0]]!r}?" if near else ""


def columns_of(path: str, names: Sequence[str], wanted: str, option: str) -> list[str]:
    """The names of columns in `wanted`, one name or several with commas between them."""
    if wanted in names:
        return [wanted]
    parts = [part.strip() for part in wanted.split(",")]
    for part in parts:
        if part not in names:
            raise ValueError(f"{option} must be a column of {pathlib.Path(path)}, which has {listed(names)}, but is {part!r}"
                             f"{did_you_mean(part, names)}")
    return list(dict.fromkeys(parts))
