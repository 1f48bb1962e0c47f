"""Products with dense rows M [r, P] that lie in memory: MᵀM, M v and Mᵀ u, each number one chain of multiply-adds."""

from .layout import FROM_TARGET, STORED, line
from .linked import kernel
from .product import ROWS
from .simd import fma, lanes_of, tile

INNER = 256  # rows that stay in the second-level cache while tiles of the square pass
TOGETHER = 4  # rows whose chains of `row_dots` go side by side, for a multiply-add takes four cycles


@kernel
def add_square(rows, size, count, out, span):
    """out += MᵀM of `count` rows of `size` numbers in rows [.], in their order, on and above the diagonal: for the tiles of rows of
    `span` of out [size, whole lines]. A cache line beyond the last row is read."""
    lanes = lanes_of(out)
    columns = out.shape[1]
    first, stop, _ = span
    for start in range(0, count, INNER):
        inner = min(INNER, count - start)
        for t in range(first, stop):
            i = t * ROWS
            offset = line(0, i // lanes, lanes)
            tile(min(ROWS, size - i), rows, (start * size + i, 1, size, 0, 0), rows, (start * size + offset, size, lanes),
                 out, (i * columns + offset, columns, lanes), out, (0, 0, 0), (inner, 1, (columns - offset) // lanes),
                 (FROM_TARGET, STORED))


@kernel
def row_sums(u, rows, size, out, span):
    """Mᵀ u of as many rows as u has, in their order, to the lines of `span` of out. A cache line beyond the last row is read."""
    lanes = lanes_of(out)
    first, stop, _ = span
    offset, end = line(0, first, lanes), line(0, stop, lanes)
    out[offset:end] = 0
    tile(1, u, (0, 0, 1, 0, 0), rows, (offset, size, lanes), out, (offset, 0, lanes), out, (0, 0, 0), (u.size, 1, stop - first),
         (FROM_TARGET, STORED))


@kernel
def row_dots(rows, size, v, out, span):
    """M v to the numbers of `span` of out."""
    first, stop, _ = span
    whole = first + (stop - first) // TOGETHER * TOGETHER
    for i in range(first, whole, TOGETHER):
        a = i * size
        b, c, d = a + size, a + 2 * size, a + 3 * size
        w = x = y = z = v.dtype.type(0)
        for k in range(size):
            value = v[k]
            w = fma(rows[a + k], value, w)
            x = fma(rows[b + k], value, x)
            y = fma(rows[c + k], value, y)
            z = fma(rows[d + k], value, z)
        out[i], out[i + 1], out[i + 2], out[i + 3] = w, x, y, z
    for i in range(whole, stop):
        total = v.dtype.type(0)
        for k in range(size):
            total = fma(rows[i * size + k], v[k], total)
        out[i] = total
