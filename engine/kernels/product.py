"""Products of a matrix with panels, on the register tile."""

from .linked import kernel, shared
from .simd import lanes_of, tile, tile_groups, transpose

ROWS = 6  # rows of a tile at most
PIECE = 1 << 17  # bytes of A that stay in the second-level cache while panels pass
PASS = 1 << 18  # bytes of B that stay there while the rows of a piece pass


@shared("line 4 line 3 line 3 line 3 4 2")
def group_product(A, a, B, b, C, c, M, m, shape, modes):
    """C_gj = A B_gj for every panel j of every group g, begun and finished as the tile does.

    a = (first, row stride, column stride, start); b, c, m = (first, panel stride, group stride); shape = (rows, inner, panels,
    groups). B_gj, C_gj and M_gj are [inner or rows][lanes], contiguous; M_gj may stay the same for all j (panel stride 0).
    """
    rows, inner, panels, groups = shape
    lanes = lanes_of(C)
    piece, some = max(1, rows), max(1, panels)
    if rows * inner * A.itemsize > PIECE:
        piece = max(ROWS, PIECE // (inner * A.itemsize) // ROWS * ROWS)
    if panels * inner * lanes * A.itemsize > PASS:
        some = max(8, PASS // (inner * lanes * A.itemsize))
    for first in range(0, rows, piece):
        count = min(piece, rows - first)
        tiles = (count + ROWS - 1) // ROWS
        small, larger = count // tiles, count % tiles
        for j in range(0, panels, some):
            i = first
            for t in range(tiles):
                height = small + 1 if t < larger else small
                tile_groups(height, A, (a[0] + i * a[1], a[1], a[2], 0, a[3] + i), B, (b[0] + j * b[1], lanes, b[1], b[2]),
                            C, (c[0] + j * c[1] + i * lanes, lanes, c[1], c[2]),
                            M, (m[0] + j * m[1] + i * lanes, lanes, m[1], m[2]),
                            (inner, 1, min(some, panels - j), groups), modes)
                i += height


@kernel
def panel_product(A, a, B, b, C, c, M, m, shape, modes):
    """C_j = A B_j for every panel j, begun and finished as the tile does: one group of `group_product`."""
    group_product(A, a, B, (b[0], b[1], 0), C, (c[0], c[1], 0), M, (m[0], m[1], 0), (shape[0], shape[1], shape[2], 1), modes)


@shared("line 2 integer integer line integer integer")
def pack(panels, place, width, count, packed, first, held):
    """`width` lines of the panels of `count` samples, place = (first, panel stride), transposed: packed [line][held][lanes]."""
    lanes = lanes_of(panels)
    for j in range((count + lanes - 1) // lanes):
        for q in range((width + lanes - 1) // lanes):
            transpose(panels, (place[0] + j * place[1] + q * lanes * lanes, lanes),
                      packed, (first + (q * held + j * lanes) * lanes, lanes))


@shared("line 2 line 2 line line 3 3")
def sample_product(A, a, packed, b, scratch, out, o, shape):
    """out[i, k] = sum_s A[i, s] packed[k, s], in the order of the samples s: the products of eq. 20.

    A lies in panels, a = (first, panel stride); packed [line][held][lanes], b = (first, line stride); out at o = (first, row
    stride, column stride); shape = (rows, columns, samples); scratch holds a tile of all the columns.
    """
    rows, columns, count = shape
    lanes = lanes_of(out)
    whole, rest = count // lanes, count % lanes
    lines = (columns + lanes - 1) // lanes
    full = columns // lanes if o[2] == 1 else 0
    tiles = (rows + ROWS - 1) // ROWS
    small, larger = rows // tiles, rows % tiles
    i = 0
    for t in range(tiles):
        height = small + 1 if t < larger else small
        at = (a[0] + i * lanes, lanes, 1, a[1], 0)
        at_rest = (a[0] + whole * a[1] + i * lanes, lanes, 1, 0, 0)
        for part in range(2):
            first, stop = (0, full) if part == 0 else (full, lines)
            if first == stop:
                continue
            target = out if part == 0 else scratch
            c = (o[0] + i * o[1], o[1], lanes) if part == 0 else (0, (lines - full) * lanes, lanes)
            start = b[0] + first * b[1]
            tile(height, A, at, packed, (start, lanes, b[1]), target, c, target, (0, 0, 0), (lanes, whole, stop - first), (0, 0))
            if rest > 0:
                tile(height, A, at_rest, packed, (start + whole * lanes * lanes, lanes, b[1]), target, c, target, (0, 0, 0),
                     (rest, 1, stop - first), (1, 0))
        if full < lines:
            for r in range(height):
                for k in range(full * lanes, columns):
                    out[o[0] + (i + r) * o[1] + k * o[2]] = scratch[(r * (lines - full) - full) * lanes + k]
        i += height
