"""U with Uᵀ U = A of a positive definite matrix, six rows at a time on the register tile, and what solves with it."""

import numpy as np

from .linked import kernel
from .product import ROWS
from .simd import lanes_of, tile


@kernel
def decomposed_numbers(p, lanes):
    """Numbers that U [lines][p][lanes] takes."""
    return (p + lanes - 1) // lanes * lanes * p


@kernel
def decompose(A, added, U):
    """U [lines][p][lanes], line k of all rows together, with Uᵀ U = A + diag(added), from the upper triangle of A [p, p]; U[0] is
    NaN where that is not positive definite in this arithmetic."""
    lanes, p = lanes_of(U), A.shape[0]
    lines = (p + lanes - 1) // lanes
    U[lines * p * lanes - p * lanes:] = 0
    for line in range(lines):
        for i in range(min(p, (line + 1) * lanes)):
            to = (line * p + i) * lanes
            for s in range(max(0, i - line * lanes), min(lanes, p - line * lanes)):
                U[to + s] = A[i, line * lanes + s]
    for i in range(p):
        U[(i // lanes * p + i) * lanes + i % lanes] += added[i]
    above = np.empty(ROWS * p, U.dtype)
    for first in range(0, p, ROWS):
        rows, line = min(ROWS, p - first), first // lanes
        for k in range(first):
            for i in range(rows):
                above[k * ROWS + i] = -U[((first + i) // lanes * p + k) * lanes + (first + i) % lanes]
        start = line * p * lanes
        tile(rows, above, (0, 1, ROWS, 0, 0), U, (start, lanes, p * lanes), U, (start + first * lanes, lanes, p * lanes),
             U, (0, 0, 0), (first, 1, lines - line), (1, 0))
        for i in range(first, first + rows):
            place = i // lanes * p * lanes + i % lanes
            for k in range(first, i):
                factor = U[place + k * lanes]
                for j in range(line, lines):
                    row, other = U[(j * p + i) * lanes:(j * p + i + 1) * lanes], U[(j * p + k) * lanes:(j * p + k + 1) * lanes]
                    for s in range(lanes):
                        row[s] -= factor * other[s]
            pivot = U[place + i * lanes]
            if not pivot > 0:
                U[0] = np.nan
                return
            scale = U.dtype.type(1) / np.sqrt(pivot)
            for j in range(line, lines):
                row = U[(j * p + i) * lanes:(j * p + i + 1) * lanes]
                for s in range(lanes):
                    row[s] *= scale


@kernel
def solve_decomposed(U, x):
    """x [p] <- (Uᵀ U)⁻¹ x, from U as `decompose` lays it out."""
    lanes, p = lanes_of(U), x.size
    total = np.empty(lanes, U.dtype)
    lines = (p + lanes - 1) // lanes
    for line in range(lines):
        first, stop = line * lanes, min(p, (line + 1) * lanes)
        total[:] = 0
        for k in range(first):
            row = U[(line * p + k) * lanes:(line * p + k + 1) * lanes]
            for s in range(lanes):
                total[s] += row[s] * x[k]
        for i in range(first, stop):
            value = x[i] - total[i - first]
            for k in range(first, i):
                value -= U[(line * p + k) * lanes + i - first] * x[k]
            x[i] = value / U[(line * p + i) * lanes + i - first]
    for line in range(lines - 1, -1, -1):
        first, stop = line * lanes, min(p, (line + 1) * lanes)
        for i in range(stop - 1, first - 1, -1):
            value = x[i]
            for k in range(i + 1, stop):
                value -= U[(line * p + i) * lanes + k - first] * x[k]
            x[i] = value / U[(line * p + i) * lanes + i - first]
        for i in range(first):
            row, value = U[(line * p + i) * lanes:(line * p + i + 1) * lanes], x[i]
            for s in range(stop - first):
                value -= row[s] * x[first + s]
            x[i] = value
