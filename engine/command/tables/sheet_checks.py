"""Checks of workbooks and Parquet files: their sheets, and columns whose cells are no single values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .table_checks import did_you_mean, listed, shortened


@contextlib.contextmanager
def refused_where_unreadable(path: str, what: str) -> Iterator[None]:
    """Say that a file is not what its name promises, whatever the package that reads it raises."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"{path} must be {what}, as its name says, but cannot be read as one: "
                         f"{shortened(str(error), 160)}") from None


def sheet_of(path: str, wanted: str | None, names: Sequence[str]) -> str:
    """The sheet that a user named, or the first one."""
    if wanted is not None and wanted not in names:
        raise ValueError(f"--sheet must be a sheet of {path}, which has {listed(names)}, but is {wanted!r}"
                         f"{did_you_mean(wanted, names)}")
    return names[0] if wanted is None else wanted


def plain_cells(path: str, names: Sequence[str], columns: Sequence[Any]) -> None:
    """Refuse columns whose cells are lists, records or bytes."""
    for name, column in zip(names, columns):
        if column.dtype == object:
            for row, cell in enumerate(column):
                if isinstance(cell, (bytes, dict, list, tuple, set, np.ndarray)):
                    raise ValueError(f"{path}, row {row + 1}: column {name!r} must hold one number or text in each cell, but holds "
                                     f"{type(cell).__name__}; write its parts as columns of their own, or leave it out of the file")
