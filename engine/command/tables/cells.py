"""The cells of a table: what is a number, a date, a missing one, and how a column of them becomes an array."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset(["", "?", "NA", "N/A", "n/a", "na", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "NAN", "Nan", "-NaN",
                     "-nan", "NULL", "Null", "null", "#VALUE!", "#DIV/0!", "#REF!", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"])
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?", re.I)
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")
THOUSANDS = {"comma": ",", "point": ".", "space": "[ \u00a0\u2009\u202f]", "apostrophe": "['\u2019]"}
GROUPED = re.compile(r"[+-]?[0-9]{1,3}([,.' \u00a0\u2009\u202f\u2019])[0-9]{3}(\1[0-9]{3})*([,.][0-9]+)?")
MONTH = r"(jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zä]{0,6}\.?"
DATE = re.compile(rf"[0-9]{{1,4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,4}}([T ].*)?|[0-9]{{1,2}}:[0-9]{{2}}(:[0-9.]+)?( ?[ap]m)?"
                  rf"|[0-9]{{1,2}}\.?[- /]?{MONTH}[- /,]*[0-9]{{2,4}}([T ].*)?|{MONTH}[- /]?([0-9]{{1,2}},?[- /])?[0-9]{{2,4}}"
                  r"|[0-9]{4}-(0[1-9]|1[0-2])|(0[1-9]|1[0-2])/[0-9]{4}|(19|20)[0-9]{2}[- ]?(Q[1-4]|W[0-9]{2})"
                  r"|Q[1-4][- /]?(19|20)[0-9]{2}"
                  r"|-?[0-9]+ days?( .*)?", re.I)

QUANTITY = re.compile(r"([<>~≈]|[$€£¥])?\s?[+-]?[0-9]+(?:[.,' \u00a0\u202f][0-9]+)*"
                      r"(\s?(?:%|[$€£¥]|°[CF]?|(?:[kmµn]?g|[kcmµn]?m|[mc]?l|h|min|m?s|[kM]B|[kM]?W|USD|EUR|GBP|CHF)(?:/\S+)?)|\s\S{1,8})?")


@dataclass(frozen=True)
class NumberForm:
    """How a table writes numbers: the sign before a fraction, and what parts thousands, by its name in THOUSANDS, or None."""

    decimal: str = "."
    thousands: str | None = None

    @cached_property
    def _grouped(self) -> re.Pattern[str] | None:
        if self.thousands is None:
            return None
        sign = re.escape(THOUSANDS[self.thousands]) if len(THOUSANDS[self.thousands]) == 1 else THOUSANDS[self.thousands]
        return re.compile(rf"[+-]?[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+(?:{re.escape(self.decimal)}[0-9]+)?")

    def plain(self, cell: str) -> str:
        """A cell with a decimal point and no sign between thousands; what is no number is none afterwards."""
        if self._grouped is not None and self._grouped.fullmatch(cell):
            cell = re.sub(rf"{THOUSANDS[self.thousands or '']}(?=[0-9]{{3}})" if self.thousands != "point" else r"\.", "", cell)
        return cell.replace(".", "?").replace(",", ".") if self.decimal == "," else cell

    def is_number(self, cell: str) -> bool:
        """Whether a text is written as a number."""
        return bool(NUMBER.fullmatch(self.plain(cell)))


def plain_text(text: str) -> str:
    """A text without spaces around it, in Unicode's form NFC."""
    return unicodedata.normalize("NFC", text.strip())


def column_of(cells: Iterable[Any], form: NumberForm, marks: Collection[str] = ()) -> NDArray[Any]:
    """A column as numbers, or as strings and None where cells are missing: texts of MISSING and `marks`, and None themselves."""
    plain = [cell if cell is None or not isinstance(cell, str) else plain_text(cell) for cell in cells]
    plain = [None if isinstance(cell, str) and (cell in MISSING or cell in marks) else cell for cell in plain]
    written = ["nan" if cell is None else form.plain(str(cell)) for cell in plain]
    if all(cell == "nan" or NUMBER.fullmatch(cell) for cell in written) and not all(cell is None for cell in plain):
        return np.array([float(cell) for cell in written])
    return texts_of(plain)


def texts_of(cells: Sequence[Any]) -> NDArray[Any]:
    """Strings and None, in an array of objects."""
    return np.array([*(None if cell is None else str(cell) for cell in cells), None], object)[:-1]


def all_missing(column: NDArray[Any]) -> bool:
    """Whether a column holds no cell."""
    if column.dtype == object:
        return all(cell is None for cell in column)
    return column.dtype == float and bool(np.isnan(column).all())


def without_last_blanks(columns: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """The columns without lines at the end whose cells are all missing, as spreadsheets leave them."""
    last = len(columns[0]) if columns else 0
    while last and all(all_missing(column[last - 1:last]) for column in columns):
        last -= 1
    return [column[:last] for column in columns]


def beside_numbers(labels: Sequence[str]) -> str | None:
    """What stands beside the numbers of texts such as 5 % or $3, where all of them are such, in quotes; nothing for texts such as
    1,234; None where they are no numbers."""
    if len(labels) < 3 or any("\n" in label for label in labels):
        return None
    found = [QUANTITY.fullmatch(label) for label in labels]
    if not all(found):
        return None
    signs = {(match[1], (match[2] or "").strip()) for match in found if match}
    if len(signs) != 1 and not all(before in (None, "<", ">", "~", "≈") and not after for before, after in signs):
        return None
    before, after = next(iter(signs))
    return repr(before or after) if before or after else ""
