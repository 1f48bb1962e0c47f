"""Rows M that are kept dense, and their products by our own kernels: the same bits whatever BLAS and number of threads."""

from __future__ import annotations

import numpy as np

from .forward import lanes
from .kernels.dense_products import add_square, row_dots, row_sums
from .kernels.product import ROWS
from .pool import over
from .recycled import recycled_array
from .typing import Array, DType


class DenseRows:
    """M [r, P] in memory of its own, and a cache line behind it, which kernels read too.

    Parameters
    ----------
    shape : (int, int)
        (r, P).
    dtype : dtype

    Attributes
    ----------
    rows : ndarray [r, P]
        M, to be filled.
    """

    def __init__(self, shape: tuple[int, int], dtype: DType) -> None:
        size = shape[0] * shape[1]
        self._flat = recycled_array(size + lanes(dtype), dtype)
        self._flat[size:] = 0
        self.rows = self._flat[:size].reshape(shape)

    @property
    def _lines(self) -> int:
        return -(-self.rows.shape[1] // lanes(self.rows.dtype))

    def product(self, v: Array) -> Array:
        """M v [r] for v [P]."""
        count, size = self.rows.shape
        out = np.empty(count, v.dtype)
        over(count, self.rows.size, row_dots, self._flat, size, np.ascontiguousarray(v), out)
        return out

    def transposed_product(self, u: Array) -> Array:
        """Mᵀ u [P] for u [r]."""
        size = self.rows.shape[1]
        out = np.empty(self._lines * lanes(u.dtype), u.dtype)
        over(self._lines, self.rows.size, row_sums, np.ascontiguousarray(u), self._flat, size, out)
        return out[:size]

    def add_square(self, total: Array, count: int) -> None:
        """Add MᵀM of the first `count` rows, on and above the diagonal, to total [P, whole lines], which `empty_square` made."""
        size = self.rows.shape[1]
        over(-(-size // ROWS), count * size**2 / 2, add_square, self._flat, size, count, total)


def empty_square(size: int, dtype: DType) -> Array:
    """Zeros for the sums of `DenseRows.add_square`: [size, whole cache lines]."""
    return np.zeros((size, -(-size // lanes(dtype)) * lanes(dtype)), dtype)
