"""Blocks, slabs and partial sums: samples are cut to fit a memory budget or the threads, and no bit of a sum changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from schedulers import slabs

from . import checks, pool
from .kernels.levels import fold_levels, push_level
from .kernels.sums import BLOCK
from .typing import Array, DType

PARTIAL_SUMS = 1 << 21  # bytes of the partial sums of one gradient, at most


def block_count(m: int) -> int:
    """Number of blocks that m samples fill."""
    return -(-m // BLOCK)


def cut(m: int, bytes_of: Callable[[int], int], max_bytes: int) -> list[slice]:
    """Slices of 0 … m, each of 2^k whole blocks but the last, with the largest k whose work fits in `max_bytes`.

    Parameters
    ----------
    m : int
    bytes_of : callable
        ``bytes_of(samples)``: bytes that the work on a slab of `samples` samples takes.
    max_bytes : int

    Raises
    ------
    MemoryError
        If one block does not fit. The error names the least `max_bytes` that would do.
    """
    blocks = 1 << max(block_count(m) - 1, 0).bit_length()
    while blocks > 1 and bytes_of(min(blocks * BLOCK, m)) > max_bytes:
        blocks //= 2
    checks.block_fits(bytes_of(min(blocks * BLOCK, m)), max_bytes, BLOCK)
    return list(slabs(m, 1, blocks * BLOCK, BLOCK))


def levels_of(m: int, samples: int) -> int:
    """Number of vectors that a SlabSum holds when m samples pass in slabs of `samples`."""
    return (block_count(m) // max(block_count(samples), 1)).bit_length() + 1


def sum_chunks(blocks: int, work: float, bytes_each: int) -> int:
    """Number of partial sums for `blocks` blocks: enough to occupy every thread, few enough to stay in cache.

    `work` is the number of multiply-adds of the whole sum, and a partial sum takes `bytes_each` bytes.
    """
    threads = pool.threads_for(work)
    if threads < 2 or blocks < 2:
        return 1
    size, most = 1, max(2 * threads, min(16 * threads, PARTIAL_SUMS // bytes_each))
    while size * most < blocks:
        size *= 2
    return -(-blocks // size)


class SlabSum:
    """The sum of one vector for each slab, added up the fixed tree over blocks, with the bits of the sum over all samples at once.

    Parameters
    ----------
    size : int
    dtype : dtype
    slabs : int
        Number of slabs to come. All but the last have the same number of blocks, a power of two.
    """

    def __init__(self, size: int, dtype: DType, slabs: int) -> None:
        self._levels = np.empty((slabs.bit_length() + 1, size), dtype)
        self._filled = self._count = 0

    def add(self, vector: Array) -> None:
        """Add the vector [size] of the next slab."""
        self._levels[self._filled] = vector
        self._filled = push_level(self._levels, self._filled, self._count)
        self._count += 1

    def total(self) -> Array:
        """The sum of all vectors [size]."""
        fold_levels(self._levels, self._filled)
        return self._levels[0].copy()
