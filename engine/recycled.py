"""A free list of large buffers: when the last view of one is garbage-collected, the next allocation reuses it.

New memory costs more than computing the chains of a narrow network. The forward pass and the chains of 16-16-16-16-8 with 14648
samples in float64, 60 MB, take 14.5 ms in new memory and 4.1 ms in recycled memory.
"""

from __future__ import annotations

import collections
import weakref

import numpy as np
from numpy.typing import NDArray

from .kernels.layout import LINE
from .typing import Array, DType

LARGE = 1 << 24  # bytes from which on a buffer is recycled; the C library itself recycles what is below 32 MiB
KEPT = 56 << 20  # bytes in the free list, at most
BUFFERS = 8  # buffers in the free list, at most
_free: collections.deque[np.ndarray] = collections.deque()  # each change is one step: an interrupt loses one buffer at most


def recycled_array(count: int, dtype: DType) -> Array:
    """An uninitialised array of `count` numbers that begins at a cache line, in a recycled buffer where one fits."""
    size = count * dtype.itemsize
    if size < LARGE:
        return _aligned(np.empty(size + LINE, np.uint8), size).view(dtype)
    buffer = _take(size)
    owner = np.frombuffer(buffer.data, np.uint8)  # the base of all views; the buffer itself outlives it
    weakref.finalize(owner, _give_back, buffer).atexit = False
    return _aligned(owner, size).view(dtype)


def _aligned(raw: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    offset = -raw.ctypes.data % LINE
    return raw[offset:offset + size]


def _take(size: int) -> NDArray[np.uint8]:
    """The smallest free buffer that is large enough and at most twice too large, or else a new one."""
    buffers = _take_all()
    fitting = [k for k, buffer in enumerate(buffers) if size + LINE <= buffer.size <= 2 * size + LINE]
    found = buffers.pop(min(fitting, key=lambda k: buffers[k].size)) if fitting else None
    _free.extendleft(reversed(buffers))
    return np.empty(size + LINE, np.uint8) if found is None else found


def _give_back(buffer: NDArray[np.uint8]) -> None:
    """Put a buffer into the free list; the oldest ones leave it first. The garbage collector may call this at any time, even while
    `_take` runs."""
    buffers = [*_take_all(), buffer]
    while len(buffers) > BUFFERS or sum(buffer.size for buffer in buffers) > KEPT:
        del buffers[0]
    _free.extendleft(reversed(buffers))


def _take_all() -> list[NDArray[np.uint8]]:
    """Empty the free list and return its buffers. Another thread that asks meanwhile finds none and allocates."""
    buffers = []
    while True:
        try:
            buffers.append(_free.popleft())
        except IndexError:
            return buffers
