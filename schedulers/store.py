"""The runs of sweeps in an SQLite file: those that are finished, one committed transaction each, and those that are begun."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import sweep_checks as checks
from .claims import Claims
from .described import described, digest
from .typing import Outcome, Settings
from .values import from_text, to_text

PATIENCE = 60  # seconds to wait while another sweep writes
TABLE = """CREATE TABLE IF NOT EXISTS runs (
    function TEXT NOT NULL, hash TEXT NOT NULL, settings TEXT NOT NULL, returned TEXT, error TEXT,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (function, hash))"""

PLACES = """CREATE TABLE IF NOT EXISTS places (
    function TEXT NOT NULL, hash TEXT NOT NULL, place INTEGER NOT NULL, names TEXT NOT NULL, PRIMARY KEY (function, hash))"""


@contextlib.contextmanager
def naming_errors(path: pathlib.Path) -> Iterator[None]:
    """Let what goes wrong in SQLite name the file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = getattr(error, "sqlite_errorcode", None)  # None: raised by the sqlite3 module itself
        checks.store_unusable(path, error, code is not None and code & 0xFF in checks.STORE_BUSY)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        checks.store_unusable(path, error, False)


class Store:
    """What a function returned or raised, by its settings.

    The file is in WAL mode with synchronous=NORMAL: a run that was added stays, whatever is killed afterwards; should the power
    fail, the last ones may be missing and are run again. Any number of sweeps may write to one file at once, and share the work:
    each run is claimed before it begins (`claims.Claims`).

    Parameters
    ----------
    path : path
        Made where it does not exist.
    run : callable
        Known by its name, the last part of its module's name, and a hash of its code and of what it is bound to (`described`).
    version : str or int, optional
        Stands for the code in place of its hash.
    retry_errors : bool
        Runs that have an error when the store is opened count as unfinished. Their rows stay until there are new ones.

    Raises
    ------
    ValueError
        Where the file is no such store, or is damaged.
    RuntimeError
        Where another process keeps the file locked, or nothing can be written to it.
    """

    def __init__(self, path: str | os.PathLike[str], run: Callable[..., Any], version: str | int | None = None,
                 retry_errors: bool = False) -> None:
        self.function = key_of(run, version)
        self.path = checks.store_path(path)
        with self._errors():
            self._connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            with self._errors():
                for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", TABLE, PLACES,
                             "SELECT function, hash, settings, returned, error, finished FROM runs LIMIT 0"):
                    self._when_free(line)
                self._claims = Claims(self._when_free, self.function)
                last = self._when_free("SELECT coalesce(max(rowid), 0) FROM runs").fetchone()[0]
                self._void = last if retry_errors else -1  # errors in rows up to this one are void
        except BaseException:
            self._connection.close()
            raise

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return naming_errors(self.path)

    def _when_free(self, line: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Execute a line; where two turn a new file to WAL at once, SQLite refuses one of them without waiting."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._connection.execute(line, values)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(sqlite3.Error):  # claims of a sweep that has ended are void
            self._claims.release()
        self._connection.close()

    def key(self, settings: Settings) -> tuple[str, str]:
        """The hash of canonical settings, the same for any order of their names; and their text."""
        text = to_text(settings, "a setting", sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest(), text

    def place(self, settings: Iterable[tuple[tuple[str, str], Settings]]) -> None:
        """Write down the order of a sweep's runs, and that of the names in their settings, for `load_sweep`; before all others."""
        rows = [(self.function, key[0], i, json.dumps(list(one))) for i, (key, one) in enumerate(settings)]
        with self._transaction():
            self._connection.execute("UPDATE places SET place = place + ? WHERE function = ?", (len(rows), self.function))
            self._connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is written inside is committed at once, or nothing."""
        with self._errors():
            try:
                self._when_free("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite has ended it where the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    def finished(self) -> dict[str, Outcome]:
        """(text of what was returned, error) by hash."""
        with self._errors():
            rows = self._connection.execute("SELECT hash, returned, error FROM runs WHERE function = ? AND "
                                            "(error IS NULL OR rowid > ?)", (self.function, self._void)).fetchall()
        return {key: self._whole(key, *outcome) for key, *outcome in rows}

    def outcome(self, key: tuple[str, str]) -> Outcome | None:
        """The same of one run, or None while it is not finished."""
        with self._errors():
            row = self._connection.execute("SELECT returned, error FROM runs WHERE function = ? AND hash = ? AND "
                                           "(error IS NULL OR rowid > ?)", (self.function, key[0], self._void)).fetchone()
        return None if row is None else self._whole(key[0], *row)

    def _whole(self, key: str, returned: Any, error: str | None) -> Outcome:
        """A row whose text can be read back."""
        return checks.stored_row(self.path, key, returned, error, from_text)

    def add(self, key: tuple[str, str], returned: Any, error: str | None) -> None:
        """Commit a finished run; where another sweep did, its row stays."""
        with self._transaction():
            self._connection.execute("DELETE FROM runs WHERE function = ? AND hash = ? AND error IS NOT NULL AND rowid <= ?",
                                     (self.function, key[0], self._void))
            self._connection.execute("INSERT INTO runs (function, hash, settings, returned, error) VALUES (?, ?, ?, ?, ?) "
                                     "ON CONFLICT DO NOTHING", (self.function, *key, returned, error))
            self._claims.drop(key[0])

    def claim(self, key: tuple[str, str]) -> bool:
        """Whether this sweep may begin a run: not while another one that lives has begun it."""
        with self._errors():
            return self._claims.take(key[0])

    def keep_claims(self) -> None:
        """Tell other sweeps that this one lives."""
        with self._errors():
            self._claims.renew()


def key_of(run: Callable[..., Any], version: str | int | None = None) -> str:
    """A function as a store knows it: `name_of`, and a hash of its code and of what it is bound to.

    With a version that stands in place of the code, and the hash is of what `partial` binds.
    """
    if version is None:
        return f"{name_of(run)} #{digest(described(run))}"
    bound, inner = [], run
    while isinstance(inner, functools.partial):
        bound.append((inner.args, inner.keywords))
        inner = inner.func
    return f"{name_of(run)} version {version} #{digest(described(bound))}"


def name_in(key: str) -> str:
    """The name in what `key_of` makes."""
    return key.rpartition(" #")[0].partition(" version ")[0]


def name_of(run: Any) -> str:
    """module.name of a function; of `__main__`, the name of its file."""
    while isinstance(run, functools.partial):
        run = run.func
    module = getattr(run, "__module__", None) or ""
    if module in ("__main__", "__mp_main__"):
        module = pathlib.Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    name = getattr(run, "__qualname__", None) or type(run).__qualname__
    return f"{module.rpartition('.')[2]}.{name}"
