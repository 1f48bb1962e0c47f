"""Tables that the command writes: CSV with a line of column names."""

from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Mapping
from typing import Any

from ..files import replacing


def csv_text(columns: Mapping[str, Any]) -> str:
    """The columns, all of one length, as CSV; numbers as Python writes them, so that they come back exactly."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() if hasattr(column, "tolist") else column for column in columns.values())))
    return text.getvalue()


def write_csv(path: str | pathlib.Path, columns: Mapping[str, Any]) -> None:
    """Write columns to a CSV file in UTF-8, replaced whole or not at all."""
    with replacing(path) as file:
        file.write(csv_text(columns).encode(errors="backslashreplace"))


def read_csv(path: pathlib.Path) -> dict[str, list[str]]:
    """The cells of a CSV file that `write_csv` wrote, by column."""
    with open(path, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    return {name: [row[j] for row in rows] for j, name in enumerate(names)}
