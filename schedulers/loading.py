"""The rows of a store, read without the function that made them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sqlite3
from typing import Any

from . import result_checks as checks
from .results import SweepResult
from .typing import Row
from .values import from_text


def load_sweep(store: str | os.PathLike[str], *, function: str | None = None) -> SweepResult:
    """The finished runs of a store, without the function that ran.

    The store is only read: it may be another's, or that of a sweep that is running or was killed. Of a function that changed
    between sweeps, the version that finished a run last counts.

    Parameters
    ----------
    store : path
        An SQLite file that `sweep` wrote.
    function : str, optional
        The name of the function, where the store has runs of several: ``"train"``, or ``"module.train"``.

    Returns
    -------
    SweepResult
        Its rows in the order of the last sweep's grid, equal settings once; the runs of former grids alone come after them.

    Raises
    ------
    ValueError, TypeError
        Where the file does not exist, is no such store or is damaged; where it has runs of several functions and `function` names
        none of them.
    RuntimeError
        Where another process keeps the file locked.

    Examples
    --------
    >>> import os, tempfile
    >>> from schedulers import load_sweep, sweep
    >>> def run(rate, seed):
    ...     return {"left": (1 - rate) ** (2 + seed)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = os.path.join(folder, "sweep.sqlite")
    ...     made = sweep(run, {"rate": [0.5, 0.1], "seed": [0, 1]}, executor="threads", store=store, progress=False)
    ...     found = load_sweep(store)
    >>> found.rows == made.rows
    True
    >>> found.best("left", over="seed")["rate"]
    0.5
    """
    from .store import name_in, naming_errors  # 20 ms of every import

    path = checks.existing_store(store)
    with naming_errors(path):
        runs, places = _read(path)
    last = {key: i for i, (key, *_) in enumerate(runs)}  # of each version of each function, its last run
    name = checks.one_function(function, {key: name_in(key) for key in last}, path)
    chosen = max((key for key in last if name_in(key) == name), key=last.__getitem__, default=None)
    rows: list[tuple[float, Row, list[str]]] = []
    for key, found, settings, returned, error in runs:
        if key == chosen:
            place, names = places.get((key, found), (float("inf"), None))
            rows.append((place, *_row(path, found, settings, names, returned, error)))
    rows.sort(key=lambda one: one[0])
    return SweepResult((row for _, row, _ in rows), dict.fromkeys(name for _, _, names in rows for name in names))


def _read(path: pathlib.Path) -> tuple[list[Any], dict[tuple[str, str], tuple[int, str]]]:
    """The runs of a file in the order in which they finished, and the place of each in its sweep."""
    with contextlib.closing(_connected(path)) as connection:
        runs = connection.execute("SELECT function, hash, settings, returned, error FROM runs ORDER BY rowid").fetchall()
        has_places = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'places'").fetchone()[0]
        places = connection.execute("SELECT function, hash, place, names FROM places").fetchall() if has_places else []
    return runs, {(function, key): (place, names) for function, key, place, names in places}


def _connected(path: pathlib.Path) -> sqlite3.Connection:
    """The file, to be read alone; it may lie in a folder where SQLite cannot make the files that it wants beside it."""
    address = path.absolute().as_uri()
    try:
        with contextlib.ExitStack() as opened:
            connection = opened.enter_context(contextlib.closing(sqlite3.connect(f"{address}?mode=rw", uri=True, timeout=60)))
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            opened.pop_all()
        return connection
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        return sqlite3.connect(f"{address}?immutable=1", uri=True)


def _row(path: Any, key: str, settings: str, names: str | None, returned: Any, error: str | None) -> tuple[Row, list[str]]:
    """A row as `sweep` gave it, and the names of its settings."""
    returned, error = checks.stored_row(path, key, returned, error, from_text)
    values = checks.stored_settings(path, key, settings, from_text)
    known = [] if names is None else json.loads(names)
    order = [*(name for name in known if name in values), *(name for name in values if name not in known)]
    results = {} if returned is None else from_text(returned)
    return {**{name: values[name] for name in order}, **results, "error": error}, order
