"""Products of a matrix with panels, on the register tile."""

from .compiled import kernel
from .layout import LINE
from .simd import register_tile

ROWS = 6  # rows of a tile: 6 x 2 registers of sums, 14 of the 16 that AVX2 has
PIECE = 1 << 17  # bytes of A that stay in the second-level cache while panels pass

tile_1_1, tile_2_1, tile_3_1, tile_4_1, tile_5_1, tile_6_1 = (register_tile(rows, 1) for rows in range(1, 7))
tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2 = (register_tile(rows, 2) for rows in range(1, 7))


@kernel
def tile_single(rows, A, a, B, b, C, c, M, m, shape, modes):
    """`rows` rows (1 to 6) times one line."""
    if rows == 6:
        tile_6_1(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 5:
        tile_5_1(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 4:
        tile_4_1(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 3:
        tile_3_1(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 2:
        tile_2_1(A, a, B, b, C, c, M, m, shape, modes)
    else:
        tile_1_1(A, a, B, b, C, c, M, m, shape, modes)


@kernel
def tile_double(rows, A, a, B, b, C, c, M, m, shape, modes):
    """`rows` rows (1 to 6) times two lines."""
    if rows == 6:
        tile_6_2(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 5:
        tile_5_2(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 4:
        tile_4_2(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 3:
        tile_3_2(A, a, B, b, C, c, M, m, shape, modes)
    elif rows == 2:
        tile_2_2(A, a, B, b, C, c, M, m, shape, modes)
    else:
        tile_1_2(A, a, B, b, C, c, M, m, shape, modes)


@kernel
def panel_product(A, a, B, b, C, c, M, m, shape, modes):
    """C_j = A B_j for every panel j, begun and finished as the tile does.

    a = (first, row stride, column stride, start); b, c, m = (first, panel stride); shape = (rows, inner, panels).
    B_j, C_j and M_j are [inner or rows][lanes], contiguous; M_j may stay the same for all j (panel stride 0).
    """
    rows, inner, panels = shape
    lanes = LINE // A.itemsize
    piece = max(ROWS, PIECE // max(1, inner * A.itemsize) // ROWS * ROWS)
    for first in range(0, rows, piece):
        count = min(piece, rows - first)
        tiles = (count + ROWS - 1) // ROWS
        small, larger = count // tiles, count % tiles
        for j in range(0, panels, 2):
            i = first
            for t in range(tiles):
                height = small + 1 if t < larger else small
                a_tile = (a[0] + i * a[1], a[1], a[2], 0, a[3] + i)
                b_tile = (b[0] + j * b[1], lanes, b[1])
                c_tile = (c[0] + j * c[1] + i * lanes, lanes, c[1])
                m_tile = (m[0] + j * m[1] + i * lanes, lanes, m[1])
                if j + 1 < panels:
                    tile_double(height, A, a_tile, B, b_tile, C, c_tile, M, m_tile, (inner, 1), modes)
                else:
                    tile_single(height, A, a_tile, B, b_tile, C, c_tile, M, m_tile, (inner, 1), modes)
                i += height


@kernel
def sample_product(delta, d, samples, width, rows, scratch, out, first):
    """out[first + p * width + q] = sum_s delta[p, s] samples[s, q], in the order of s: the products of eq. 20.

    delta = [panels][rows][lanes] beginning at d = (first, panel stride, count of samples); samples [count][width] with a
    line of slack behind it; scratch holds one tile.
    """
    lanes = LINE // delta.itemsize
    whole, rest = d[2] // lanes, d[2] % lanes
    tiles = (rows + ROWS - 1) // ROWS
    small, larger = rows // tiles, rows % tiles
    for q in range(0, width, 2 * lanes):
        lines = 2 if q + lanes < width else 1
        fits = q + lines * lanes <= width
        p = 0
        for t in range(tiles):
            height = small + 1 if t < larger else small
            target = out if fits else scratch
            c = (first + p * width + q, width, lanes) if fits else (0, 2 * lanes, lanes)
            a = (d[0] + p * lanes, lanes, 1, d[1], 0)
            a_rest = (d[0] + whole * d[1] + p * lanes, lanes, 1, 0, 0)
            b, b_rest = (q, width, lanes), (whole * lanes * width + q, width, lanes)
            if lines == 2:
                tile_double(height, delta, a, samples, b, target, c, target, c, (lanes, whole), (0, 0))
                if rest > 0:
                    tile_double(height, delta, a_rest, samples, b_rest, target, c, target, c, (rest, 1), (1, 0))
            else:
                tile_single(height, delta, a, samples, b, target, c, target, c, (lanes, whole), (0, 0))
                if rest > 0:
                    tile_single(height, delta, a_rest, samples, b_rest, target, c, target, c, (rest, 1), (1, 0))
            if not fits:
                for i in range(height):
                    for k in range(width - q):
                        out[first + (p + i) * width + q + k] = scratch[i * 2 * lanes + k]
            p += height
