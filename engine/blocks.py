"""Block, slab and the tree of sums: how samples are cut where memory is bounded, without a bit of the sum changing."""

import numpy as np

from schedulers import slabs

from . import checks
from .kernels.levels import fold_levels, push_level
from .kernels.sums import BLOCK


def block_count(m):
    """Blocks that hold m samples."""
    return -(-m // BLOCK)


def cut(m, bytes_of, max_bytes):
    """Slices of 0 … m, each of 2^k whole blocks but the last: the most whose work fits in `max_bytes`.

    Parameters
    ----------
    m : int
    bytes_of : callable
        ``bytes_of(samples)``, what the work on a slab of so many samples takes.
    max_bytes : int

    Raises
    ------
    MemoryError
        Where one block does not fit; it names the least bytes that do.
    """
    blocks = 1 << max(block_count(m) - 1, 0).bit_length()
    while blocks > 1 and bytes_of(min(blocks * BLOCK, m)) > max_bytes:
        blocks //= 2
    checks.block_fits(bytes_of(min(blocks * BLOCK, m)), max_bytes, BLOCK)
    return list(slabs(m, 1, blocks * BLOCK, BLOCK))


def levels_of(m, samples):
    """Vectors that a SlabSum holds where m samples pass in slabs of so many."""
    return (block_count(m) // max(block_count(samples), 1)).bit_length() + 1


class SlabSum:
    """The sum of a vector a slab, in the order of the slabs, up the fixed tree over blocks: the bits of the sum over all at once.

    Parameters
    ----------
    size : int
    dtype : dtype
    slabs : int
        How many will be added, each of the same power of two of blocks but the last.
    """

    def __init__(self, size, dtype, slabs):
        self._levels = np.empty((slabs.bit_length() + 1, size), dtype)
        self._filled = self._added = 0

    def add(self, vector):
        """The sum of the next slab [size]."""
        self._levels[self._filled] = vector
        self._filled = push_level(self._levels, self._filled, self._added)
        self._added += 1

    def total(self):
        """The sum [size]."""
        fold_levels(self._levels, self._filled)
        return self._levels[0].copy()
