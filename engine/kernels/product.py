"""Products of a matrix with panels, on the register tile."""

from .layout import FROM_TARGET, FROM_ZERO, STORED, line, lines_for
from .linked import kernel, shared
from .signatures import Four, Line, Pair, Triple
from .simd import lanes_of, tile, tile_groups, transpose

ROWS = 6  # rows of a tile at most
PIECE = 1 << 17  # bytes of A that stay in the second-level cache while panels pass
PASS = 1 << 18  # bytes of B that stay there while the rows of a piece pass


@kernel
def tile_heights(rows):
    """As few tiles as cover so many rows: (tiles, rows of a tile, how many tiles come first that have one more)."""
    tiles = lines_for(rows, ROWS)
    return tiles, rows // tiles, rows % tiles


@shared
def group_product(A: Line, a: Four, B: Line, b: Triple, C: Line, c: Triple, M: Line, m: Triple, shape: Four, modes: Pair):
    """C_gj = A B_gj for every panel j of every group g, begun and finished as the tile does.

    a = (offset, row stride, column stride, offset of what sums begin with); b, c, m = (offset, panel stride, group stride);
    shape = (rows, inner, panels, groups). B_gj, C_gj and M_gj are [inner or rows][lanes], contiguous; M_gj may stay the same for
    all j (panel stride 0).
    """
    rows, inner, panels, groups = shape
    lanes = lanes_of(C)
    piece, panels_at_once = max(1, rows), max(1, panels)
    if rows * inner * A.itemsize > PIECE:
        piece = max(ROWS, PIECE // (inner * A.itemsize) // ROWS * ROWS)
    if panels * inner * lanes * A.itemsize > PASS:
        panels_at_once = max(8, PASS // (inner * lanes * A.itemsize))
    for first in range(0, rows, piece):
        tiles, small, higher = tile_heights(min(piece, rows - first))
        for j in range(0, panels, panels_at_once):
            i = first
            for t in range(tiles):
                height = small + 1 if t < higher else small
                tile_groups(height, A, (a[0] + i * a[1], a[1], a[2], 0, a[3] + i), B, (b[0] + j * b[1], lanes, b[1], b[2]),
                            C, (line(c[0] + j * c[1], i, lanes), lanes, c[1], c[2]),
                            M, (line(m[0] + j * m[1], i, lanes), lanes, m[1], m[2]),
                            (inner, 1, min(panels_at_once, panels - j), groups), modes)
                i += height


@kernel
def panel_product(A, a, B, b, C, c, M, m, shape, modes):
    """C_j = A B_j for every panel j, begun and finished as the tile does: one group of `group_product`."""
    group_product(A, a, B, (b[0], b[1], 0), C, (c[0], c[1], 0), M, (m[0], m[1], 0), (shape[0], shape[1], shape[2], 1), modes)


@shared
def pack(panels: Line, source: Pair, width: int, count: int, packed: Line, offset: int, samples: int):
    """`width` lines of the panels of `count` samples, source = (offset, panel stride), transposed into packed
    [line][samples][lanes] from `offset` on."""
    lanes = lanes_of(panels)
    start, stride = source
    for j in range(lines_for(count, lanes)):
        for q in range(lines_for(width, lanes)):
            square = line(start + j * stride, line(0, q, lanes), lanes)
            transpose(panels, (square, lanes), packed, (line(offset, line(q * samples, j, lanes), lanes), lanes))


@shared
def sample_product(A: Line, a: Pair, packed: Line, b: Pair, scratch: Line, out: Line, o: Triple, shape: Triple):
    """out[i, k] = sum_s A[i, s] packed[k, s], in the order of the samples s: the products of eq. 20.

    A lies in panels, a = (offset, panel stride); packed [line][samples][lanes], b = (offset, line stride); out at o = (offset, row
    stride, column stride); shape = (rows, columns, samples); scratch holds a tile of all the columns.
    """
    rows, columns, count = shape
    lanes = lanes_of(out)
    lines = lines_for(columns, lanes)
    full = columns // lanes if o[2] == 1 else 0  # lines that a tile writes to out itself; the others pass through scratch
    tiles, small, higher = tile_heights(rows)
    i = 0
    for t in range(tiles):
        height = small + 1 if t < higher else small
        tile_row = (line(a[0], i, lanes), a[1])
        if full > 0:
            sum_tile(height, A, tile_row, packed, b, out, (o[0] + i * o[1], o[1], lanes), count, full)
        if full < lines:
            rest = (b[0] + full * b[1], b[1])
            sum_tile(height, A, tile_row, packed, rest, scratch, (0, line(0, lines - full, lanes), lanes), count, lines - full)
            for r in range(height):
                row = line(0, r * (lines - full) - full, lanes)
                for k in range(line(0, full, lanes), columns):
                    out[o[0] + (i + r) * o[1] + k * o[2]] = scratch[row + k]
        i += height


@kernel
def sum_tile(height, A, a, packed, b, out, o, count, lines):
    """A tile of `sample_product`, `height` rows and `lines` lines of columns: whole panels of samples, then those that are left."""
    lanes = lanes_of(out)
    whole, rest = count // lanes, count % lanes
    tile(height, A, (a[0], lanes, 1, a[1], 0), packed, (b[0], lanes, b[1]), out, o, out, (0, 0, 0),
         (lanes, whole, lines), (FROM_ZERO, STORED))
    if rest > 0:
        tile(height, A, (a[0] + whole * a[1], lanes, 1, 0, 0), packed, (line(b[0], line(0, whole, lanes), lanes), lanes, b[1]),
             out, o, out, (0, 0, 0), (rest, 1, lines), (FROM_TARGET, STORED))
