"""Dot products of lines and sums of their squares, plain and weighted, lane by lane."""

from llvmlite import ir
from numba.core import cgutils, types

from .emitted import data_of, emitted, fused_lines, lanes_in, line_type, load_line, store_line
from .plain import fma

I64 = ir.IntType(64)
CHAINS = 4  # of fused multiply-adds, for each waits four cycles for the one before it


def plain_dot_lines(A, a, B, b, C, c, count):
    """The dot products in plain Python."""
    lanes = 64 // C.itemsize
    A, B, C = (array.reshape(-1) for array in (A, B, C))
    for s in range(lanes):
        sums = [C.dtype.type(0)] * CHAINS
        for k in range(count):
            at = s + k * lanes
            chain = k % CHAINS if k < count // CHAINS * CHAINS else 0
            sums[chain] = fma(A[a + at], B[b + at], sums[chain])
        C[c + s] = (sums[0] + sums[1]) + (sums[2] + sums[3])


@emitted(plain_dot_lines)
def dot_lines(context, A, a, B, b, C, c, count):
    """The line of C at c is the sum of `count` lines of A from a times those of B from b, in four chains in turn, what is left
    over in the first, joined in pairs."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        vector, lanes = line_type(dtype), lanes_in(dtype)
        A, B, C = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 4))
        count = arguments[6]
        fused = fused_lines(builder, dtype)
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * lanes)) for _ in range(CHAINS)]
        for total in sums:
            builder.store(ir.Constant(vector, [0.0] * lanes), total)

        def accumulate(k, total):
            step = builder.mul(k, I64(lanes))
            x, y = (load_line(builder, dtype, builder.gep(array, [builder.add(at, step)]))
                    for array, at in ((A, arguments[1]), (B, arguments[3])))
            builder.store(builder.call(fused, [x, y, builder.load(total)]), total)

        whole = builder.udiv(count, I64(CHAINS))
        with cgutils.for_range(builder, whole) as loop:
            k = builder.mul(loop.index, I64(CHAINS))
            for i, total in enumerate(sums):
                accumulate(builder.add(k, I64(i)), total)
        with cgutils.for_range_slice(builder, builder.mul(whole, I64(CHAINS)), count, I64(1)) as (k, _):
            accumulate(k, sums[0])
        x, y, z, w = (builder.load(total) for total in sums)
        store_line(builder, dtype, builder.fadd(builder.fadd(x, y), builder.fadd(z, w)), builder.gep(C, [arguments[5]]))
        return context.get_dummy_value()

    return types.void(A, types.int64, B, types.int64, C, types.int64, types.int64), codegen


def plain_square_sums(A, a, count, C, c, rows):
    """The sums of squares in plain Python."""
    lanes = 64 // C.itemsize
    from_, to = A.reshape(-1), C.reshape(-1)
    for i in range(rows):
        total = to[c + i * lanes:c + (i + 1) * lanes]
        for k in range(count):
            numbers = from_[a[0] + i * a[1] + k * lanes:a[0] + i * a[1] + (k + 1) * lanes]
            total += numbers * numbers


@emitted(plain_square_sums)
def square_sums(context, A, a, count, C, c, rows):
    """Each of `rows` lines of C from c += the squares of `count` lines of A, each rounded, line by line; a = (first, row stride).
    Four rows at a time, for an addition takes three or four cycles."""
    signature = types.void(A, a, types.int64, C, types.int64, types.int64)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes = lanes_in(dtype)
        A, C = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 3))
        first, stride = cgutils.unpack_tuple(builder, arguments[1])
        _, _, count, _, c, rows = arguments

        def add_up(row, together):
            places = [builder.add(row, I64(i)) for i in range(together)]
            sources = [builder.gep(A, [builder.add(first, builder.mul(place, stride))]) for place in places]
            targets = [builder.gep(C, [builder.add(c, builder.mul(place, I64(lanes)))]) for place in places]
            sums = [cgutils.alloca_once(builder, line_type(dtype)) for _ in places]
            for total, target in zip(sums, targets):
                builder.store(load_line(builder, dtype, target), total)
            with cgutils.for_range(builder, count) as loop:
                step = builder.mul(loop.index, I64(lanes))
                for total, source in zip(sums, sources):
                    numbers = load_line(builder, dtype, builder.gep(source, [step]))
                    builder.store(builder.fadd(builder.load(total), builder.fmul(numbers, numbers)), total)
            for total, target in zip(sums, targets):
                store_line(builder, dtype, builder.load(total), target)

        whole = builder.mul(builder.udiv(rows, I64(CHAINS)), I64(CHAINS))
        with cgutils.for_range_slice(builder, I64(0), whole, I64(CHAINS)) as (row, _):
            add_up(row, CHAINS)
        with cgutils.for_range_slice(builder, whole, rows, I64(1)) as (row, _):
            add_up(row, 1)
        return context.get_dummy_value()

    return signature, codegen


def plain_weighted_squares(H, h, A, a, C, c, shape):
    """The weighted sums of squares in plain Python."""
    lanes = 64 // C.itemsize
    weights, from_, to = H.reshape(-1), A.reshape(-1), C.reshape(-1)
    width, rows = shape
    for p in range(width):
        for s in range(p * lanes, (p + 1) * lanes):
            total = to.dtype.type(0)
            for i in range(rows):
                number = from_[a[0] + i * a[1] + s]
                total = fma(weights[h + i * lanes + s % lanes], number * number, total)
            to[c + s] = total


@emitted(plain_weighted_squares)
def weighted_squares(context, H, h, A, a, C, c, shape):
    """`width` lines of C from c are the sums over i < rows of line i of H from h times the squares, each rounded, of lines of A;
    a = (first, stride from i to i + 1), shape = (width, rows). Four lines at a time, for a fused multiply-add takes four cycles."""
    signature = types.void(H, types.int64, A, a, C, types.int64, shape)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes, vector, fused = lanes_in(dtype), line_type(dtype), fused_lines(builder, dtype)
        H, A, C = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 4))
        first, stride = cgutils.unpack_tuple(builder, arguments[3])
        width, rows = cgutils.unpack_tuple(builder, arguments[6])
        H, A, C = (builder.gep(array, [at]) for array, at in ((H, arguments[1]), (A, first), (C, arguments[5])))

        def add_up(p, together):
            steps = [builder.mul(builder.add(p, I64(k)), I64(lanes)) for k in range(together)]
            sums = [cgutils.alloca_once(builder, vector) for _ in steps]
            for total in sums:
                builder.store(ir.Constant(vector, [0.0] * lanes), total)
            with cgutils.for_range(builder, rows) as loop:
                weight = load_line(builder, dtype, builder.gep(H, [builder.mul(loop.index, I64(lanes))]))
                row = builder.gep(A, [builder.mul(loop.index, stride)])
                for total, step in zip(sums, steps):
                    numbers = load_line(builder, dtype, builder.gep(row, [step]))
                    square = builder.fmul(numbers, numbers)
                    builder.store(builder.call(fused, [weight, square, builder.load(total)]), total)
            for total, step in zip(sums, steps):
                store_line(builder, dtype, builder.load(total), builder.gep(C, [step]))

        whole = builder.mul(builder.udiv(width, I64(CHAINS)), I64(CHAINS))
        with cgutils.for_range_slice(builder, I64(0), whole, I64(CHAINS)) as (p, _):
            add_up(p, CHAINS)
        with cgutils.for_range_slice(builder, whole, width, I64(1)) as (p, _):
            add_up(p, 1)
        return context.get_dummy_value()

    return signature, codegen
