"""Which runs of a store are begun, and by whom, so that sweeps on one store share the work."""

from __future__ import annotations

import os
import pathlib
import socket
import sqlite3
import time
import uuid
from collections.abc import Callable

LEASE = 120  # seconds after which a claim is void that its sweep has not renewed
RENEWAL = 20  # seconds between renewals
TABLE = """CREATE TABLE IF NOT EXISTS begun (
    function TEXT NOT NULL, hash TEXT NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL,
    started TEXT NOT NULL, renewed REAL NOT NULL, PRIMARY KEY (function, hash))"""


class Claims:
    """The claims of one sweep, rows of a table beside the finished runs.

    A claim is void when its process is gone from this machine (a process that has its number but began at another time is another
    one), or when it was not renewed for two minutes: a sweep that was killed leaves nothing that anybody waits for longer.

    Parameters
    ----------
    execute : callable
        ``execute(line, values)`` of the store, which waits while another sweep writes.
    function : str
        As the store knows it.
    """

    def __init__(self, execute: Callable[..., sqlite3.Cursor], function: str) -> None:
        self._execute, self._function, self._owner, self._renewed = execute, function, uuid.uuid4().hex, time.monotonic()
        self._host, self._process = socket.gethostname(), os.getpid()
        execute(TABLE)

    def take(self, key: str) -> bool:
        """Claim a run; False where a sweep that lives has."""
        row = self._execute("SELECT owner, host, process, started, renewed FROM begun WHERE function = ? AND hash = ?",
                            (self._function, key)).fetchone()
        if row is not None and row[0] != self._owner:
            if self._lives(*row[1:]):
                return False
            self._execute("DELETE FROM begun WHERE function = ? AND hash = ? AND owner = ?", (self._function, key, row[0]))
        taken = self._execute("INSERT INTO begun VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                              (self._function, key, self._owner, self._host, self._process, _start_of(self._process), time.time()))
        return taken.rowcount == 1 or (row is not None and row[0] == self._owner)

    def _lives(self, host: str, process: int, started: str, renewed: float) -> bool:
        if time.time() - renewed > LEASE:
            return False
        return host != self._host or _start_of(process) == started

    def renew(self) -> None:
        """Once in a while, whenever it is called often enough."""
        if time.monotonic() - self._renewed > RENEWAL:
            self._renewed = time.monotonic()
            self._execute("UPDATE begun SET renewed = ? WHERE owner = ?", (time.time(), self._owner))

    def drop(self, key: str) -> None:
        """Give up a claim: the run is finished."""
        self._execute("DELETE FROM begun WHERE function = ? AND hash = ?", (self._function, key))

    def release(self) -> None:
        """Give up all claims."""
        self._execute("DELETE FROM begun WHERE owner = ?", (self._owner,))


def _start_of(process: int) -> str:
    """When a process of this machine began, as text: "" where it is gone, "alive" where the system does not say when."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if pathlib.Path("/proc/self/stat").exists():
            return ""
    except (OSError, IndexError):
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "alive"
