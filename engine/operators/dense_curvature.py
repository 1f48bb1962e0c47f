"""Dense curvature: Σ_k M_k ⊗ (ā^{l−1} ⊗ ā^{l′−1})_k for a pair of layers, as one product of matrices over the samples k.

M_k [n_l, n_l′] stands between neurons of the two layers, and ā = (a, 1), so that a bias is a weight from 1.
"""

from __future__ import annotations

import numpy as np

from ..typing import Array, Indices

SLAB = 1 << 28  # bytes of products of inputs that are kept at once
SCATTERED = 30  # multiply-adds of a product of matrices in whose time an entry by itself is summed


def slabs(m: int, bytes_each: int, max_bytes: int) -> list[tuple[int, int]]:
    """Ranges of samples, as many in each as `max_bytes` hold."""
    step = max(1, max_bytes // bytes_each)
    return [(first, min(first + step, m)) for first in range(0, m, step)]


def with_one(a: Array) -> Array:
    """(a, 1) [m, n_l + 1]."""
    return np.concatenate([a, np.ones((len(a), 1), a.dtype)], axis=1)


def pair_sum(M: Array, a: Array, b: Array) -> Array:
    """Σ_k M_kpr a_kq b_kt as [p, q, r, t], from M [m, p, r], a [m, q], b [m, t]."""
    m = len(M)
    total = M.reshape(m, -1).T @ (a[:, :, None] * b[:, None, :]).reshape(m, -1)
    return total.reshape(*M.shape[1:], a.shape[1], b.shape[1]).transpose(0, 2, 1, 3)


def _pairs(count: int) -> tuple[Indices, Indices, Indices]:
    """Rows and columns of an upper triangle, and each entry's place among them [count, count]."""
    rows, columns = np.triu_indices(count)
    place = np.empty((count, count), np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return rows, columns, place


def symmetric_pair_sum(M: Array, a: Array) -> Array:
    """`pair_sum` for symmetric M and b = a, in a quarter of the work."""
    rows, columns, neurons = _pairs(M.shape[1])
    left = M[:, rows, columns]
    rows, columns, inputs = _pairs(a.shape[1])
    total = left.T @ (a[:, rows] * a[:, columns])
    return total[neurons[:, None, :, None], inputs[None, :, None, :]]


def entry_sum(M: Array, a: Array, b: Array, left: Indices, right: Indices) -> Array:
    """`pair_sum` for the entries at `left` of [p, q] and at `right` of [r, t] alone, flat: [left, right]."""
    p, q = np.divmod(left, a.shape[1])
    r, t = np.divmod(right, b.shape[1])
    rows, columns = M.shape[1] * a.shape[1], M.shape[2] * b.shape[1]
    if SCATTERED * len(left) * len(right) >= rows * columns:
        total = symmetric_pair_sum(M, a) if a is b else pair_sum(M, a, b)
        return total.reshape(rows, columns)[np.ix_(left, right)]
    out, others = np.empty((len(left), len(right)), M.dtype), b[:, t]
    for i in range(len(left)):
        out[i] = a[:, q[i]] @ (M[:, p[i], :][:, r] * others)
    return out


def add_pair(target: Array, total: Array) -> None:
    """Add [p, q̄, r, t̄] to the rows (W, b) of one layer and the columns (W, b) of another."""
    p, q, r, t = total.shape
    weights, other = p * (q - 1), r * (t - 1)
    target[:weights, :other].reshape(p, q - 1, r, t - 1)[...] += total[:, :-1, :, :-1]
    target[:weights, other:].reshape(p, q - 1, r)[...] += total[:, :-1, :, -1]
    target[weights:, :other].reshape(p, r, t - 1)[...] += total[:, -1, :, :-1]
    target[weights:, other:] += total[:, -1, :, -1]
