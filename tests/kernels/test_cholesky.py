"""kernels/cholesky.py against NumPy's decompositions and solutions."""

import numpy as np
import pytest

from engine.kernels.cholesky import block_rows, factor_block, negated_lines, solve_transposed, solve_upper

from .cases import TOLERANCE

SIZES = (1, 2, 7, 8, 9, 31, 33, 64, 81)


def matrix(size, dtype):
    """A symmetric positive definite matrix, with NaN below the diagonal, and a right side."""
    generator = np.random.default_rng(size)
    M = generator.uniform(-1, 1, (2 * size + 3, size))
    return M.T @ M + np.eye(size), generator.uniform(-1, 1, size).astype(dtype)


def decomposed(A, added, b, block=32, ranges=1):
    """Lines and scales, by blocks of so many rows, the lines in so many ranges; None where a pivot is not positive."""
    size, lanes = len(A), 64 // b.itemsize
    count = size // lanes + 1
    lines, scales = np.full(count * size * lanes, np.nan, b.dtype), np.full(size * lanes, np.nan, b.dtype)
    negated_lines(A, added, b, lines, (0, count, 0))
    for first in range(0, size, block):
        stop = min(size, first + block)
        if not factor_block(lines, scales, (first, stop)):
            return None
        offset = -(-stop // lanes)
        cuts = np.linspace(0, count - offset, ranges + 1).astype(int).tolist()
        for begin, end in zip(cuts, cuts[1:]):
            block_rows(lines, scales, first, stop, offset, (begin, end, 0))
    return lines, scales


def upper(lines, size, lanes):
    """U with U^-T b behind it [P, P + 1]."""
    return lines.reshape(-1, size, lanes).transpose(1, 0, 2).reshape(size, -1)[:, :size + 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", SIZES)
def test_cholesky(size, dtype):
    A, b = matrix(size, dtype)
    added = np.linspace(0.5, 1, size).astype(dtype)
    given = np.where(np.tri(size, k=-1) > 0, np.nan, A).astype(dtype)
    lanes, close = 64 // np.dtype(dtype).itemsize, dict(rtol=0, atol=10 * TOLERANCE[np.dtype(dtype).itemsize])
    whole = A + np.diag(added.astype(float))
    lines, scales = decomposed(given, added, b)
    U = upper(lines, size, lanes)
    np.testing.assert_allclose(np.triu(U[:, :size]), np.linalg.cholesky(whole).T, **close)
    y = np.empty(lines.size // size, dtype)
    solve_transposed(lines, scales, b, y)
    assert np.array_equal(y[:size], U[:, size])
    y[size:] = 0
    solve_upper(lines, scales, y, np.empty_like(scales))
    np.testing.assert_allclose(y[:size], np.linalg.solve(whole, b), **close)


@pytest.mark.parametrize("block, ranges", [(16, 1), (48, 3), (64, 2), (96, 1)])
def test_no_bit_depends_on_blocks_or_ranges(block, ranges):
    A, b = matrix(70, np.float64)
    usual, other = (decomposed(A, np.zeros(70), b, *by) for by in ((), (block, ranges)))
    for U, V in zip(*((np.triu(upper(lines, 70, 8)), scales) for lines, scales in (usual, other))):
        assert np.array_equal(U, V)


@pytest.mark.parametrize("pivot", [0, 5, 40])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_a_pivot_that_is_not_positive_is_told(pivot, value):
    A, b = np.eye(41), np.ones(41)
    A[pivot, pivot] = value
    assert decomposed(A, np.zeros(41), b) is None
