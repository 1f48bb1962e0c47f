"""Sixteen bytes of many rows, two or four columns, as lines with a row in each lane: what transposes are made of.

As many rows as fill a register lie in it side by side, each with its sixteen bytes, and move within these alone.
"""

from llvmlite import ir

from .emitted import lanes_in, line_in_register, load_line, shuffle, store_line

I64 = ir.IntType(64)


def columns_of(dtype):
    """How many numbers sixteen bytes are."""
    return 128 // dtype.bitwidth


def rows_of(context, dtype):
    """How many rows go through a register's columns together."""
    return lanes_in(dtype) if line_in_register(context) else lanes_in(dtype) // 2


def emit_stripe(context, builder, dtype, sources, targets):
    """A stripe of the rows at `sources`, a line of them, to a line for each column at `targets`."""
    few, size = columns_of(dtype), rows_of(context, dtype)
    for i in range(0, lanes_in(dtype), size):
        rows = [joined(builder, [load_line(builder, dtype, source, few) for source in sources[i + row:i + size:few]])
                for row in range(few)]
        for column, target in zip(emit_columns(builder, rows), targets):
            store_line(builder, dtype, column, builder.gep(target, [I64(i)]))


def emit_stripe_back(context, builder, dtype, sources, targets):
    """The lines of two or four columns at `sources` to a stripe of the rows at `targets`."""
    few, size = columns_of(dtype), rows_of(context, dtype)
    for i in range(0, lanes_in(dtype), size):
        columns = [load_line(builder, dtype, builder.gep(source, [I64(i)]), size) for source in sources]
        for row, stripes in enumerate(emit_columns(builder, columns)):
            for start in range(0, size, few):
                stripe = shuffle(builder, stripes, stripes, list(range(start, start + few)))
                store_line(builder, dtype, stripe, targets[i + start + row])


def joined(builder, vectors):
    """Vectors one after the other as one."""
    while len(vectors) > 1:
        lanes = list(range(2 * vectors[0].type.count))
        vectors = [shuffle(builder, first, second, lanes) for first, second in zip(vectors[::2], vectors[1::2])]
    return vectors[0]


def emit_columns(builder, rows):
    """The columns of two or four rows, sixteen bytes of each by themselves."""
    few, size = len(rows), rows[0].type.count
    starts = range(0, size, few)

    def paired(first, second, stretch, half):
        """The lower (half = 0) or upper stretches of two vectors in turn."""
        lanes = [k + first_of + i for start in starts for k in range(half, half + few // 2, stretch) for first_of in (0, size)
                 for i in range(start, start + stretch)]
        return shuffle(builder, first, second, lanes)

    if few == 2:
        return [paired(rows[0], rows[1], 1, half) for half in (0, 1)]
    x, y, z, w = (paired(rows[i], rows[i + 1], 1, half) for half in (0, 2) for i in (0, 2))
    return [paired(*pair, 2, half) for pair in ((x, y), (z, w)) for half in (0, 2)]
