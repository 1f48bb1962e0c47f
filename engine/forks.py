"""Forks wait for the compiler: a child never inherits a lock that a thread it does not have will release."""

import contextlib
import os

from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

_held: list = []


def _take():
    """Take Numba's lock, then LLVM's: the order in which a thread that compiles takes them."""
    held = contextlib.ExitStack()
    held.enter_context(global_compiler_lock)
    held.enter_context(ffi.lib._lock)
    _held.append(held)


def _release():
    """Release both, in the parent and in the child, whose only thread is the one that took them."""
    if _held:
        _held.pop().close()


def wait_for_compilation():
    """From now on a fork begins once no thread compiles a kernel or reads one from the cache, seconds later at most."""
    os.register_at_fork(before=_take, after_in_parent=_release, after_in_child=_release)
