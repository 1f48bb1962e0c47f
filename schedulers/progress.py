"""A progress bar that shares no lock with other processes, and that is not drawn inside the runs of a sweep."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

_thread = threading.local()


def progress_bar(**settings: Any) -> Any:
    """A tqdm bar of its own class; it draws nothing inside a run of a sweep, whose own bar it would overwrite.

    tqdm guards its bars by a lock that forked processes share: a child that is killed while it holds it leaves every bar of the
    others waiting for ever. Ours are guarded by tqdm's lock of this process alone.
    """
    from tqdm.auto import tqdm  # 30 of the 900 ms that importing the engine takes, asyncio with it
    from tqdm.std import TqdmDefaultWriteLock

    class Bar(tqdm):
        pass

    Bar.set_lock(TqdmDefaultWriteLock.th_lock)
    return Bar(**settings, disable=getattr(_thread, "silent", False))


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """No bar that the calling thread makes inside is drawn."""
    before = getattr(_thread, "silent", False)
    _thread.silent = True
    try:
        yield
    finally:
        _thread.silent = before
