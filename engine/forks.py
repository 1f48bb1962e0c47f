"""Forks wait for the compiler, so that a child never inherits a lock that only a thread of its parent could release."""

from __future__ import annotations

import contextlib
import os

from .kernels.numba_internals import compiler_locks

_locks: list[contextlib.ExitStack] = []  # those taken for the fork that is under way


def _take() -> None:
    """Take Numba's lock, then LLVM's, in the order in which a thread that compiles takes them."""
    locks = contextlib.ExitStack()
    for lock in compiler_locks():
        locks.enter_context(lock)
    _locks.append(locks)


def _release() -> None:
    """Release both, in the parent and in the child, whose only thread is a copy of the one that took them."""
    if _locks:
        _locks.pop().close()


def wait_for_compilation() -> None:
    """From now on, a fork waits until no thread compiles a kernel or reads one from the cache, which takes seconds at most."""
    os.register_at_fork(before=_take, after_in_parent=_release, after_in_child=_release)
