"""The table in a file, whichever format its name says."""

from __future__ import annotations

from .delimited import read_delimited
from .sheets import read_parquet, read_workbook
from .table import Reading, Table

DEFAULT = Reading()


def read_table(path: str, reading: Reading = DEFAULT, least: int = 1) -> Table:
    """The table in the file `path`, of at least `least` columns."""
    name = path.lower()
    read = read_workbook if name.endswith(".xlsx") else read_parquet if name.endswith(".parquet") else read_delimited
    return read(path, reading, least)
