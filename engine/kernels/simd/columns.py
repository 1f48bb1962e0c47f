"""A few columns of rows that lie anywhere, as lines with a row in each lane, and back, by stripes and then one by one."""

from llvmlite import ir
from numba.core import cgutils, types

from .emitted import data_of, emitted, lanes_in, line_type, load_line, store_line
from .stripes import columns_of, emit_stripe, emit_stripe_back

I64 = ir.IntType(64)


def plain_read_columns(source, rows, columns, target, t):
    """The columns as lines in plain Python."""
    from_, to = source.reshape(-1), target.reshape(-1)
    for k in range(columns[0], columns[1]):
        for i in range(len(rows)):
            to[t + k * len(rows) + i] = from_[rows[i] + k]


@emitted(plain_read_columns)
def read_columns(context, source, rows, columns, target, t):
    """Line k of target from t on is column k of source, its rows beginning at rows[i]; for k in columns[0] … columns[1] - 1."""
    signature = types.void(source, rows, columns, target, types.int64)

    def codegen(context, builder, signature, arguments):
        dtype, lanes = signature.args[0].dtype, lanes_in(signature.args[0].dtype)
        from_, rows, to = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 1, 3))
        starts = [builder.gep(from_, [builder.load(builder.gep(rows, [I64(i)]))]) for i in range(lanes)]
        first, last = cgutils.unpack_tuple(builder, arguments[2])

        def line_of(k):
            return builder.gep(to, [builder.add(arguments[4], builder.mul(k, I64(lanes)))])

        few = columns_of(dtype)
        striped = builder.sub(last, builder.srem(builder.sub(last, first), I64(few)))
        with cgutils.for_range_slice(builder, first, striped, I64(few)) as (k, _):
            emit_stripe(context, builder, dtype, [builder.gep(start, [k]) for start in starts],
                        [line_of(builder.add(k, I64(i))) for i in range(few)])
        with cgutils.for_range_slice(builder, striped, last, I64(1)) as (k, _):
            line = ir.Constant(line_type(dtype), ir.Undefined)
            for i, start in enumerate(starts):
                line = builder.insert_element(line, builder.load(builder.gep(start, [k])), ir.IntType(32)(i))
            store_line(builder, dtype, line, line_of(k))
        return context.get_dummy_value()

    return signature, codegen


def plain_write_columns(source, s, columns, target, t):
    """The lines as columns in plain Python."""
    from_, to = source.reshape(-1), target.reshape(-1)
    lanes = 64 // source.itemsize
    for k in range(columns[0], columns[1]):
        for i in range(lanes):
            to[t[0] + i * t[1] + k] = from_[s + k * lanes + i]


@emitted(plain_write_columns)
def write_columns(context, source, s, columns, target, t):
    """Column k of a line of rows, t = (first, row stride), is line k of source from s on; for k in columns[0] … columns[1] - 1."""
    signature = types.void(source, types.int64, columns, target, t)

    def codegen(context, builder, signature, arguments):
        dtype, lanes = signature.args[0].dtype, lanes_in(signature.args[0].dtype)
        from_, to = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 3))
        place, stride = cgutils.unpack_tuple(builder, arguments[4])
        starts = [builder.gep(to, [builder.add(place, builder.mul(stride, I64(i)))]) for i in range(lanes)]
        first, last = cgutils.unpack_tuple(builder, arguments[2])

        def line_of(k):
            return builder.gep(from_, [builder.add(arguments[1], builder.mul(k, I64(lanes)))])

        few = columns_of(dtype)
        striped = builder.sub(last, builder.srem(builder.sub(last, first), I64(few)))
        with cgutils.for_range_slice(builder, first, striped, I64(few)) as (k, _):
            emit_stripe_back(context, builder, dtype, [line_of(builder.add(k, I64(i))) for i in range(few)],
                             [builder.gep(start, [k]) for start in starts])
        with cgutils.for_range_slice(builder, striped, last, I64(1)) as (k, _):
            line = load_line(builder, dtype, line_of(k))
            for i, start in enumerate(starts):
                builder.store(builder.extract_element(line, ir.IntType(32)(i)), builder.gep(start, [k]))
        return context.get_dummy_value()

    return signature, codegen
