"""How many cores a worker of a sweep may use: its share. What starts threads of its own asks here, the engine too."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_thread = threading.local()
_process = sys.maxsize


def machine() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores() -> int:
    """The most threads that the caller may use: its thread's share, or its process's; unlimited outside of a sweep."""
    return getattr(_thread, "cores", _process)


def take_for_process(count: int) -> None:
    """From now on no thread of this process uses more than `count` cores."""
    global _process
    _process = count


def take_for_thread(count: int) -> None:
    """From now on the calling thread uses no more than `count` cores."""
    _thread.cores = count


@contextlib.contextmanager
def at_most(count: int) -> Iterator[None]:
    """Inside it the calling thread uses no more than `count` cores, nor more than its share."""
    before = vars(_thread).get("cores")
    _thread.cores = min(count, cores())
    try:
        yield
    finally:
        if before is None:
            del _thread.cores
        else:
            _thread.cores = before
