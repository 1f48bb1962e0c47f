"""The finished runs of sweeps in an SQLite file, one committed transaction a run."""

import functools
import hashlib
import pathlib
import sqlite3
import sys
import time

from . import sweep_checks as checks
from .values import to_text

PATIENCE = 60  # seconds to wait while another sweep writes
TABLE = """CREATE TABLE IF NOT EXISTS runs (
    function TEXT NOT NULL, hash TEXT NOT NULL, settings TEXT NOT NULL, returned TEXT, error TEXT,
    finished TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (function, hash))"""


class Store:
    """What a function returned or raised, by its settings.

    The file is in WAL mode with synchronous=NORMAL: a run that was added stays, whatever is killed afterwards; should the power
    fail, the last ones may be missing and are run again. Any number of sweeps may write to one file at once.

    Parameters
    ----------
    path : path
        Made where it does not exist.
    run : callable
        Known by its name and the last part of its module's name.

    Raises
    ------
    ValueError
        Where the file is no such store.
    """

    def __init__(self, path, run):
        self.function = name_of(run)
        path = checks.store_path(path)
        self._connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", TABLE,
                         "SELECT function, hash, settings, returned, error, finished FROM runs LIMIT 0"):
                self._when_free(line)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            checks.store_file(path, error)

    def _when_free(self, line):
        """Execute a line; where two turn a new file to WAL at once, SQLite refuses one of them without waiting."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._connection.execute(line)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def key(self, settings):
        """The hash of canonical settings, the same for any order of their names; and their text."""
        text = to_text(settings, "a setting", sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest(), text

    def finished(self):
        """(text of what was returned, error) by hash."""
        rows = self._connection.execute("SELECT hash, returned, error FROM runs WHERE function = ?", (self.function,))
        return {key: outcome for key, *outcome in rows}

    def add(self, key, returned, error):
        """Commit a finished run; where another sweep did, its row stays."""
        self._connection.execute("INSERT INTO runs (function, hash, settings, returned, error) VALUES (?, ?, ?, ?, ?) "
                                 "ON CONFLICT DO NOTHING", (self.function, *key, returned, error))


def name_of(run):
    """module.name of a function; of `__main__`, the name of its file."""
    while isinstance(run, functools.partial):
        run = run.func
    module = getattr(run, "__module__", None) or ""
    if module in ("__main__", "__mp_main__"):
        module = pathlib.Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    name = getattr(run, "__qualname__", None) or type(run).__qualname__
    return f"{module.rpartition('.')[2]}.{name}"
