"""Memory of forward passes and chains that is used again: that of one whose last view is gone serves the next.

Fresh memory costs more than narrow networks' chains do: 16-16-16-16-8, m 14648, f64, forward pass and chains, 60 MB: 14.5 ms down
to 4.1.
"""

import collections
import threading
import weakref

import numpy as np

from .kernels.layout import LINE

LARGE = 1 << 24  # bytes from which on memory is kept: the C library keeps pieces below 32 MiB itself
KEPT = 56 << 20  # bytes kept in all, at most
PIECES = 8
_kept: list[np.ndarray] = []
_returned: collections.deque[np.ndarray] = collections.deque()
_lock = threading.Lock()  # only ever tried: a fork may keep it held


def recycled(numbers, dtype):
    """An array of so many numbers that begins with a cache line, full of whatever was there before."""
    wanted = numbers * dtype.itemsize
    if wanted < LARGE:
        return _begun(np.empty(wanted + LINE, np.uint8), wanted).view(dtype)
    piece = _taken(wanted)
    owner = np.frombuffer(memoryview(piece), np.uint8)  # the base of every view of it, which does not own the piece itself
    weakref.finalize(owner, _keep, piece).atexit = False
    return _begun(owner, wanted).view(dtype)


def _begun(raw, wanted):
    first = -raw.ctypes.data % LINE
    return raw[first:first + wanted]


def _taken(wanted):
    """The smallest piece that is large enough, if not more than twice too large; else a new one."""
    if _lock.acquire(blocking=False):
        try:
            _settle()
            able = [k for k, piece in enumerate(_kept) if wanted + LINE <= piece.size <= 2 * wanted + LINE]
            if able:
                return _kept.pop(min(able, key=lambda k: _kept[k].size))
        finally:
            _lock.release()
    return np.empty(wanted + LINE, np.uint8)


def _keep(piece):
    """Take a piece back. A collection of garbage may call this at any time, in the midst of `_taken` too."""
    _returned.append(piece)
    if _lock.acquire(blocking=False):
        try:
            _settle()
        finally:
            _lock.release()


def _settle():
    """Those kept longest go first."""
    while _returned:
        _kept.append(_returned.popleft())
    while len(_kept) > PIECES or sum(piece.size for piece in _kept) > KEPT:
        _kept.pop(0)
