"""Ctrl-C and the signals that ask a process to end: runs are saved first, then the command says how it ended."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

EXPECTED = (ValueError, TypeError, OSError, MemoryError, ImportError, ArithmeticError)  # errors whose text says what is wrong


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP has come; it ends a run as Ctrl-C does."""


class Stopped(Exception):
    """A run that ended early: what is said about it, and the exit status, None for that of the signal."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class Signals:
    """SIGTERM and SIGHUP raise Terminated inside a `with`; `status` is that of a command which a signal ended."""

    def __init__(self) -> None:
        self.status = 128 + signal.SIGINT
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores SIGHUP: so be it
                    self._before[number] = signal.signal(number, self._end)
        return self

    def _end(self, number: int, frame: Any) -> NoReturn:
        self.status = 128 + number
        raise Terminated

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def deferred(dropped: bool = False) -> Iterator[None]:
    """Signals that come inside a `with` are delivered at its end, or dropped: a run is saved whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came, before = [], {}
    for number in (signal.SIGINT, *ENDING):
        before[number] = signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came and not dropped:
        signal.raise_signal(came[0])
