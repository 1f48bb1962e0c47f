"""R Rᵀ of rows R by our own kernels: the same bits whatever BLAS and however many threads there are."""

from __future__ import annotations

import numpy as np

from .forward import lanes
from .kernels.row_products import packed_rows, row_products
from .pool import over
from .typing import Array

MOVED = 8  # multiply-adds in whose time a number is copied


def square_of_rows(M: Array, scale: Array | None = None) -> Array:
    """R Rᵀ [k, k] on and above the diagonal, for R = M / scale, M [k, p] and scale [p], or for R = M where that is None. What lies
    below is no part of it."""
    (k, p), wide = M.shape, lanes(M.dtype)
    count, width = -(-k // wide), -(-p // wide) * wide
    R = np.zeros((count * wide, width), M.dtype)
    R[:k, :p] = M if scale is None else M / scale
    packed, out = np.empty(R.size, M.dtype), np.empty(R.shape[0]**2, M.dtype)
    over(count, MOVED * R.size, packed_rows, R.reshape(-1), width, packed)
    over(count, out.size * width / 2, row_products, R.reshape(-1), width, packed, out)
    return np.ascontiguousarray(out.reshape(len(R), len(R))[:k, :k])


def mirrored(upper: Array) -> Array:
    """The symmetric matrix that has these numbers on and above the diagonal."""
    return np.triu(upper) + np.triu(upper, 1).T
