"""R R^T of rows that lie one after the other, on the register tile."""

from .layout import line
from .linked import kernel
from .paired_layers import add_products
from .simd import lanes_of, transpose


@kernel
def packed_rows(R, width, packed, span):
    """Rows of R, each of `width` numbers, whole lines, as packed [line][width][lanes]: the lines of `span`, a row to each lane."""
    lanes = lanes_of(R)
    first, stop, _ = span
    for j in range(first, stop):
        start = line(0, j, lanes) * width
        for q in range(0, width, lanes):
            transpose(R, (start + q, width), packed, (line(start, q, lanes), lanes))


@kernel
def row_products(R, width, packed, out, span):
    """out[i, k] = sum over p of R[i, p] R[k, p] for the columns k of the lines of `span` and the rows up to the last of them; out
    [rows][rows], whole lines of rows."""
    lanes = lanes_of(R)
    rows = R.size // width
    first, stop, _ = span
    for j in range(first, stop):
        count, start = line(0, j + 1, lanes), line(0, j, lanes)
        for i in range(count):
            for s in range(lanes):
                out[i * rows + start + s] = 0
        add_products(R, (0, width), packed[start * width:(start + lanes) * width], width, out, (start, rows, 0), (count, 1, width))
