"""What a subcommand found: lines for people, one JSON object for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Report:
    """The result of a subcommand: `text` is printed for people, `found` with --json."""

    text: str = ""
    found: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> str:
        """`found` as one line of JSON."""
        return json.dumps(plain(self.found), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """A value as JSON has it: NumPy's numbers and arrays as numbers and lists, NaN and infinities as null."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values as two columns; a pair without a value is left out."""
    kept = [(name, " ".join(str(value).split())) for name, value in rows if value not in ("", None)]
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(f"  {name:{width}}  {value}" for name, value in kept)


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below their names, as columns of text."""
    cells = [[str(name) for name in names], *[[cell(value) for value in row] for row in rows]]
    widths = [max(len(row[j]) for row in cells) for j in range(len(names))]
    return "\n".join("  " + "  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in cells)


def cell(value: object) -> str:
    """A value in a table."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value)) or "none"
    return "" if value is None else " ".join(str(value).split())[:60]


def json_text(value: Mapping[str, Any]) -> str:
    """A JSON file for people to read: a name a line, a list without lists in it on one line."""
    return _lines(plain(value), "") + "\n"


def _lines(value: Any, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        entries = [f"{inner}{json.dumps(name, ensure_ascii=False)}: {_lines(entry, inner)}" for name, entry in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        return "[\n" + ",\n".join(inner + _lines(entry, inner) for entry in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
