"""Checks of the first line of a table: whether it names the columns, each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .cells import NUMBER
from .table_checks import listed, shortened

if TYPE_CHECKING:
    from .table import Table

REMEDY = "put a line of names above it, or let the columns be named column 1, column 2 … by --no-header"


def different_names(path: str, names: Sequence[str], known: Iterable[str], least: int) -> None:
    """Refuse columns that could be taken for each other, and a header that holds numbers."""
    if all(_is_number(name) for name in names):
        raise ValueError(f"{path}: the first line must name the columns, but holds numbers ({listed(names)}); {REMEDY}")
    for place, name in enumerate(names, 1):
        if name in names[:place - 1]:
            raise ValueError(f"{path}: columns {names.index(name) + 1} and {place} are both named {name!r}; give each its own name")
    if len(names) < least:
        raise ValueError(f"{path} must hold at least two columns, but only {shortened(names[0])!r} was found in its first line; "
                         f"name what stands between cells by --separator ({', '.join(known)})")


def names_not_data(table: Table) -> None:
    """Refuse a first line that is a sample: it holds numbers with a fraction, or texts that its columns hold further down too."""
    fractions = [name for name in table.names if NUMBER.fullmatch(table.form.plain(name)) and not name.lstrip("+-").isdigit()
                 and any(letter.isdigit() for letter in name)]  # a column may be named inf
    among = [name for name in table.names if table.is_text(name) and name in table.columns[name].tolist()]
    numbers = [name for name in table.names if _is_number(name)]
    if fractions or among and 2 * (len(among) + len(numbers)) >= len(table.names):
        raise ValueError(f"{table.path}: the first line must name the columns, but seems to be a sample ({listed(table.names)}); "
                         f"{REMEDY}")


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
