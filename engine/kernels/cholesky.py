"""U^T U = A, Cholesky's decomposition of a symmetric matrix, on the register tile. Each entry is one chain of multiply-adds over
the rows above it, in order, so its bits depend neither on threads nor on how rows and columns are grouped.

The columns of U lie in lines, [line][row][lanes], those of A with a right side b as one column more. What is not yet a row of U
holds -A: the tile then adds products, U_kj = -1/U_kk (-A_kj + sum over r < k of U_rk U_rj).
"""

import numpy as np

from .layout import FROM_TARGET, MULTIPLIED, STORED, line, lines_for
from .linked import kernel, shared
from .signatures import Line, Pair, Triple
from .simd import fma, fma_lines, lanes_of, number, tile

HEIGHT = 4  # rows of a tile: a divisor of a line, so that its columns of U lie in one
CHUNK = 64  # rows above that are summed at a time, with TOGETHER lines of them in the first-level cache
TOGETHER = 4
BLOCK = 48  # rows from one meeting of the threads to the next


@shared
def add_rows(A: Line, a: Triple, B: Line, b: Pair, C: Line, c: Pair, M: Line, m: int, shape: Triple, finish: int):
    """C_j[i] += sum over k of A[i, k] B_j[k], a tile, times the line M at m where `finish` says so: a = (offset, row stride, column
    stride), b, c = (offset, stride from line to line), shape = (rows, inner, lines)."""
    lanes = lanes_of(C)
    rows, inner, count = shape
    tile(rows, A, (a[0], a[1], a[2], 0, 0), B, (b[0], lanes, b[1]), C, (c[0], lanes, c[1]), M, (m, 0, 0), (inner, 1, count),
         (FROM_TARGET, finish))


@kernel
def negated_lines(A, added, b, lines, span):
    """-(A + diag(added)) with -b behind it, of A [P, P] what is on and above the diagonal, into the lines of `span`."""
    lanes, size = lanes_of(lines), b.size
    first, stop, _ = span
    flat, whole = A.reshape(-1), min(stop, size // lanes)
    for begin in range(first, whole, TOGETHER):
        end = min(begin + TOGETHER, whole)
        for k in range(line(0, end, lanes)):
            for j in range(begin, end):
                target, source = line(j * size * lanes, k, lanes), line(k * size, j, lanes)
                for s in range(lanes):
                    lines[target + s] = -flat[source + s]
        for k in range(line(0, begin, lanes), line(0, end, lanes)):
            lines[line(k // lanes * size * lanes, k, lanes) + k % lanes] -= added[k]
    if stop > size // lanes:
        start = size // lanes * lanes
        for k in range(size):
            target = line(start * size, k, lanes)
            lines[target:target + lanes] = 0
            for s in range(start, size):
                lines[target + s - start] = -flat[k * size + s]
            lines[target + size - start] = -b[k]
        for k in range(start, size):
            lines[line(start * size, k, lanes) + k - start] -= added[k]


@kernel
def factor_block(lines, scales, block):
    """Rows `block` = (first, stop) of U in the lines of their own columns, and -1/U_kk into the lines of scales [P]. Whether all
    pivots are positive."""
    lanes = lanes_of(lines)
    first, stop = block
    size = scales.size // lanes
    stride, one = size * lanes, number(scales[0], 1.0)
    for g in range(first, stop, HEIGHT):
        height, j = min(HEIGHT, stop - g), g // lanes
        start, count = j * stride, lines_for(stop, lanes) - j
        column = start + g % lanes
        add_rows(lines, (column, 1, lanes), lines, (start, stride), lines, (line(start, g, lanes), stride), scales, 0,
                 (height, g, count), STORED)
        for k in range(g, g + height):
            if k > g:
                add_rows(lines, (line(column, g, lanes) + k - g, 1, lanes), lines, (line(start, g, lanes), stride), lines,
                         (line(start, k, lanes), stride), scales, 0, (1, k - g, count), STORED)
            pivot = -lines[line(start, k, lanes) + k % lanes]
            if not pivot > 0:
                return False
            scale = -one / np.sqrt(pivot)
            for s in range(lanes):
                scales[line(s, k, lanes)] = scale
            for i in range(count):
                row = line(start + i * stride, k, lanes)
                for s in range(lanes):
                    lines[row + s] *= scale
    return True


@kernel
def block_rows(lines, scales, first, stop, offset, span):
    """Rows first … stop - 1 of U, once `factor_block` has been there, in the lines of `span`, counted from line `offset` on."""
    lanes = lanes_of(lines)
    size = scales.size // lanes
    stride = size * lanes
    begin, end = span[0] + offset, span[1] + offset
    for r in range(0, first, CHUNK):
        rows = min(CHUNK, first - r)
        for j in range(begin, end, TOGETHER):
            for g in range(first, stop, HEIGHT):
                column = line(g // lanes * stride + g % lanes, r, lanes)
                shape = (min(HEIGHT, stop - g), rows, min(TOGETHER, end - j))
                add_rows(lines, (column, 1, lanes), lines, (line(j * stride, r, lanes), stride), lines,
                         (line(j * stride, g, lanes), stride), scales, 0, shape, STORED)
    for j in range(begin, end, TOGETHER):
        count = min(TOGETHER, end - j)
        for g in range(first, stop, HEIGHT):
            height, column = min(HEIGHT, stop - g), g // lanes * stride + g % lanes
            if g > first:
                add_rows(lines, (line(column, first, lanes), 1, lanes), lines, (line(j * stride, first, lanes), stride), lines,
                         (line(j * stride, g, lanes), stride), scales, 0, (height, g - first, count), STORED)
            for k in range(g, g + height):
                add_rows(lines, (line(column, g, lanes) + k - g, 1, lanes), lines, (line(j * stride, g, lanes), stride), lines,
                         (line(j * stride, k, lanes), stride), scales, line(0, k, lanes), (1, k - g, count), MULTIPLIED)


@kernel
def solve_transposed(lines, scales, b, y):
    """y = U^-T b, with the bits that it has as one column more; y is whole lines."""
    lanes, size = lanes_of(lines), b.size
    y[:] = 0
    for k in range(size):
        y[k] = -b[k]
    for start in range(0, size, lanes):
        stride = start * size
        add_rows(y, (0, 0, 1), lines, (stride, 0), y, (start, 0), scales, 0, (1, start, 1), STORED)
        for k in range(start, min(size, start + lanes)):
            total = y[k]
            for r in range(start, k):
                total = fma(y[r], lines[line(stride + k - start, r, lanes)], total)
            y[k] = total * scales[line(0, k, lanes)]


@kernel
def solve_upper(lines, scales, y, sums):
    """Replace y [P] by U^-1 y; y is whole lines, 0 from P on; sums [P][lanes] take the products of rows with y, lane by lane."""
    lanes = lanes_of(lines)
    size = scales.size // lanes
    sums[:] = 0
    for j in range(lines_for(size, lanes) - 1, -1, -1):
        start, column = line(0, j, lanes), line(0, j, lanes) * size
        stop = min(size, start + lanes)
        for k in range(stop - 1, start - 1, -1):
            total = sums[line(0, k, lanes)]
            for s in range(1, lanes):
                total += sums[line(s, k, lanes)]
            total -= y[k]
            for s in range(k + 1, stop):
                total = fma(lines[line(column + s - start, k, lanes)], y[s], total)
            y[k] = total * scales[line(0, k, lanes)]
        fma_lines(lines, (column, lanes), y, (start, 0), sums, (0, lanes), start)
