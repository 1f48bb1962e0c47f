"""Rows as lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .notebook import SHOWN, cell_text

WIDEST = 40  # characters of a cell


def text_table(names: Sequence[str], rows: Sequence[Iterable[Any]], most: int = SHOWN) -> list[str]:
    """The lines of a table with aligned columns: numbers to the right, all else to the left.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    rows : sequence of iterables
        Their cells; floats are shown with four digits.
    most : int
        Of a longer table the first and the last half as many rows are shown, and dots between them.

    Returns
    -------
    list of str
        None where there are no rows.

    Examples
    --------
    >>> from schedulers.text_table import text_table
    >>> print(*text_table(["kind", "rate"], [["a", 0.1], ["long", 0.25]]), sep="\\n")
    kind  rate
    a      0.1
    long  0.25
    """
    if not rows:
        return []
    half = most // 2
    shown = [list(row) for row in (rows if len(rows) <= most else [*rows[:half], *rows[-half:]])]
    columns = []
    for name, cells in zip(names, zip(*shown)):
        texts = [name, *(_short(cell_text(cell)) for cell in cells)]
        if len(rows) > most:
            texts.insert(half + 1, "…")
        right = all(isinstance(cell, (int, float)) or cell in ("", None) for cell in cells)
        width = max(map(len, texts))
        columns.append([text.rjust(width) if right else text.ljust(width) for text in texts])
    return ["  ".join(line).rstrip() for line in zip(*columns)]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDEST else text[:WIDEST - 1] + "…"
