"""Memory of forward passes and chains that is used again: that of one whose last view is gone serves the next.

Fresh memory costs more than narrow networks' chains do: 16-16-16-16-8, m 14648, f64, forward pass and chains, 60 MB: 14.5 ms down
to 4.1.
"""

import collections
import weakref

import numpy as np

from .kernels.layout import LINE

LARGE = 1 << 24  # bytes from which on memory is kept: the C library keeps pieces below 32 MiB itself
KEPT = 56 << 20  # bytes kept in all, at most
PIECES = 8
_kept: collections.deque[np.ndarray] = collections.deque()  # whatever changes it is one step: an interrupt loses a piece at most


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
    pieces = _emptied()
    able = [k for k, piece in enumerate(pieces) if wanted + LINE <= piece.size <= 2 * wanted + LINE]
    found = pieces.pop(min(able, key=lambda k: pieces[k].size)) if able else None
    _kept.extendleft(reversed(pieces))
    return np.empty(wanted + LINE, np.uint8) if found is None else found


def _keep(piece):
    """Take a piece back; those kept longest go first. A collection of garbage may call this at any time, in the midst of `_taken`
    too."""
    pieces = [*_emptied(), piece]
    while len(pieces) > PIECES or sum(piece.size for piece in pieces) > KEPT:
        del pieces[0]
    _kept.extendleft(reversed(pieces))


def _emptied():
    """All that is kept, which is then the caller's: another thread finds nothing meanwhile, and makes a piece of its own."""
    pieces = []
    while True:
        try:
            pieces.append(_kept.popleft())
        except IndexError:
            return pieces
