"""Whole cache lines: their length, squares of them transposed, their sums, products, and stores that pass the cache by."""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from .emitted import broadcast, data_of, emitted, fused_lines, lanes_in, line_type, load_line, store_line
from .plain import fma
from .stripes import emit_stripe

I64 = ir.IntType(64)


@emitted(lambda array: 64 // array.itemsize)
def lanes_of(context, array):
    """Numbers in a cache line, a constant of the array's dtype."""

    def codegen(context, builder, signature, arguments):
        return I64(lanes_in(signature.args[0].dtype))

    return types.int64(array), codegen


@emitted(lambda array: array.ctypes.data)
def address_of(context, array):
    """Where an array's numbers begin in memory."""

    def codegen(context, builder, signature, arguments):
        return builder.ptrtoint(data_of(context, builder, signature.args[0], arguments[0]), I64)

    return types.int64(array), codegen


def plain_transpose(source, s, target, t):
    """The transpose in plain Python."""
    plain_transpose_rows(source, s[0] + s[1] * np.arange(64 // source.itemsize), 0, target, t)


def plain_transpose_rows(source, rows, column, target, t):
    """The transpose of rows anywhere in plain Python."""
    lanes = 64 // source.itemsize
    from_, to = source.reshape(-1), target.reshape(-1)
    for i in range(lanes):
        for k in range(lanes):
            to[t[0] + k * t[1] + i] = from_[rows[i] + column + k]


def emit_transpose(context, builder, dtype, sources, targets):
    """Stripes of sixteen bytes of each row."""
    few = 128 // dtype.bitwidth
    for k in range(0, lanes_in(dtype), few):
        emit_stripe(context, builder, dtype, [builder.gep(source, [I64(k)]) for source in sources], targets[k:k + few])


def places(builder, array, at, lanes):
    """The addresses of lines at (first, stride)."""
    first, stride = cgutils.unpack_tuple(builder, at)
    return [builder.gep(array, [builder.add(first, builder.mul(stride, I64(i)))]) for i in range(lanes)]


@emitted(plain_transpose)
def transpose(context, source, s, target, t):
    """target[k, i] = source[i, k] for a line of lines; s, t = (first, stride)."""
    signature = types.void(source, s, target, t)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        from_, to = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2))
        ends = [places(builder, array, arguments[k], lanes_in(dtype)) for array, k in ((from_, 1), (to, 3))]
        emit_transpose(context, builder, dtype, *ends)
        return context.get_dummy_value()

    return signature, codegen


@emitted(plain_transpose_rows)
def transpose_rows(context, source, rows, column, target, t):
    """target[k, i] = source[rows[i] + column + k] for a line of lines; t = (first, stride)."""
    signature = types.void(source, rows, types.int64, target, t)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        from_, rows, to = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 1, 3))
        from_ = builder.gep(from_, [arguments[2]])
        sources = [builder.gep(from_, [builder.load(builder.gep(rows, [I64(i)]))]) for i in range(lanes_in(dtype))]
        emit_transpose(context, builder, dtype, sources, places(builder, to, arguments[4], lanes_in(dtype)))
        return context.get_dummy_value()

    return signature, codegen


def plain_sum_lines(source, first, stride, count):
    """The sum of lines in plain Python."""
    lanes = 64 // source.itemsize
    flat = source.reshape(-1)
    total = np.zeros(lanes, source.dtype)
    for k in range(count):
        total = total + flat[first + k * stride:first + k * stride + lanes]
    while lanes > 1:
        lanes //= 2
        total = total[:lanes] + total[lanes:]
    return total[0]


@emitted(plain_sum_lines)
def sum_lines(context, source, first, stride, count):
    """The sum of `count` lines `stride` apart: lane by lane in order, then halves onto halves."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes, vector = lanes_in(dtype), line_type(dtype)
        array = data_of(context, builder, signature.args[0], arguments[0])
        _, first, stride, count = arguments
        sums = cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * lanes))
        builder.store(ir.Constant(vector, [0.0] * lanes), sums)
        with cgutils.for_range(builder, count) as loop:
            pointer = builder.gep(array, [builder.add(first, builder.mul(loop.index, stride))])
            builder.store(builder.fadd(builder.load(sums), load_line(builder, dtype, pointer)), sums)
        total = builder.load(sums)
        while lanes > 1:
            lanes //= 2
            mask = ir.VectorType(ir.IntType(32), lanes)
            lower, upper = (ir.Constant(mask, [k + start for k in range(lanes)]) for start in (0, lanes))
            total = builder.fadd(builder.shuffle_vector(total, total, lower), builder.shuffle_vector(total, total, upper))
        return builder.extract_element(total, ir.IntType(32)(0))

    return source.dtype(source, types.int64, types.int64, types.int64), codegen


def plain_multiply_lines(A, a, B, b, C, c, count):
    """The products in plain Python."""
    lanes = 64 // C.itemsize
    C.reshape(-1)[c:c + count * lanes] = A.reshape(-1)[a:a + count * lanes] * B.reshape(-1)[b:b + count * lanes]


@emitted(plain_multiply_lines)
def multiply_lines(context, A, a, B, b, C, c, count):
    """`count` lines of C from c are those of A from a times those of B from b."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        A, B, C = (data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 4))
        with cgutils.for_range(builder, arguments[6]) as loop:
            step = builder.mul(loop.index, I64(lanes_in(dtype)))
            first, second = (load_line(builder, dtype, builder.gep(array, [builder.add(at, step)]))
                             for array, at in ((A, arguments[1]), (B, arguments[3])))
            store_line(builder, dtype, builder.fmul(first, second), builder.gep(C, [builder.add(arguments[5], step)]))
        return context.get_dummy_value()

    return types.void(A, types.int64, B, types.int64, C, types.int64, types.int64), codegen


def plain_scale_lines(A, a, G, g, M, m, C, c, count):
    """The products in plain Python; a sum begun at 0, so that none of them is -0 before the last factor."""
    lanes = 64 // C.itemsize
    flat_a, flat_m, flat_c = (array.reshape(-1) for array in (A, M, C))
    line = G.reshape(-1)[g:g + lanes]
    for p in range(count):
        to, at = c + p * lanes, m + p * lanes
        flat_c[to:to + lanes] = (flat_a[a + p] * line + A.dtype.type(0)) * flat_m[at:at + lanes]


@emitted(plain_scale_lines)
def scale_lines(context, A, a, G, g, M, m, C, c, count):
    """`count` lines of C from c: A[a + p] times the line of G at g, then times the lines of M from m; the tile's bits for a product
    with one inner index."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        vector, lanes = line_type(dtype), lanes_in(dtype)
        fused = fused_lines(builder, dtype)
        A, G, M, C = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]])
                      for k in (0, 2, 4, 6))
        line, zero = load_line(builder, dtype, G), ir.Constant(vector, [0.0] * lanes)
        with cgutils.for_range(builder, arguments[8]) as loop:
            step = builder.mul(loop.index, I64(lanes))
            factor = broadcast(builder, dtype, builder.load(builder.gep(A, [loop.index])))
            value = builder.fmul(builder.call(fused, [factor, line, zero]), load_line(builder, dtype, builder.gep(M, [step])))
            store_line(builder, dtype, value, builder.gep(C, [step]))
        return context.get_dummy_value()

    return types.void(A, types.int64, G, types.int64, M, types.int64, C, types.int64, types.int64), codegen


def plain_line_products(B, b, A, a, C, c, count):
    """The products in plain Python."""
    lanes = 64 // C.itemsize
    for k in range(count):
        at, to = a + k * lanes, c + k * lanes
        C[to:to + lanes] = B[b:b + lanes] * A[at:at + lanes]


@emitted(plain_line_products)
def line_products(context, B, b, A, a, C, c, count):
    """`count` lines of C from c are the line of B at b times those of A from a."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        B, A, C = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 2, 4))
        line = load_line(builder, dtype, B)
        with cgutils.for_range(builder, arguments[6]) as loop:
            step = builder.mul(loop.index, I64(lanes_in(dtype)))
            value = builder.fmul(line, load_line(builder, dtype, builder.gep(A, [step])))
            store_line(builder, dtype, value, builder.gep(C, [step]))
        return context.get_dummy_value()

    return types.void(B, types.int64, A, types.int64, C, types.int64, types.int64), codegen


def plain_copy_lines(A, a, C, c, count):
    """The copies in plain Python."""
    lanes = 64 // C.itemsize
    for k in range(0, count * lanes, lanes):
        C[c + k:c + k + lanes] = A[a + k:a + k + lanes]


@emitted(plain_copy_lines)
def copy_lines(context, A, a, C, c, count):
    """`count` lines of A from a to C from c, in order."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        A, C = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 2))
        with cgutils.for_range(builder, arguments[4]) as loop:
            step = builder.mul(loop.index, I64(lanes_in(dtype)))
            store_line(builder, dtype, load_line(builder, dtype, builder.gep(A, [step])), builder.gep(C, [step]))
        return context.get_dummy_value()

    return types.void(A, types.int64, C, types.int64, types.int64), codegen


def plain_scatter_line(A, a, C, c, stride):
    """The copies in plain Python."""
    lanes = 64 // C.itemsize
    C[c:c + lanes * stride:stride] = A[a:a + lanes]


@emitted(plain_scatter_line)
def scatter_line(context, A, a, C, c, stride):
    """The numbers of the line of A at a to C from c on, `stride` apart."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        A, C = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 2))
        line = load_line(builder, dtype, A)
        for t in range(lanes_in(dtype)):
            target = builder.gep(C, [builder.mul(arguments[4], I64(t))])
            builder.store(builder.extract_element(line, ir.IntType(32)(t)), target)
        return context.get_dummy_value()

    return types.void(A, types.int64, C, types.int64, types.int64), codegen


def plain_fma_lines(A, a, B, b, C, c, count):
    """The sums in plain Python."""
    lanes = 64 // C.itemsize
    flat_a, flat_b, flat_c = (array.reshape(-1) for array in (A, B, C))
    for k in range(count):
        for s in range(lanes):
            x, y, to = flat_a[a[0] + k * a[1] + s], flat_b[b[0] + k * b[1] + s], c[0] + k * c[1] + s
            flat_c[to] = fma(x, y, flat_c[to])


@emitted(plain_fma_lines)
def fma_lines(context, A, a, B, b, C, c, count):
    """C_k += A_k B_k, rounded once, for k = 0 … count - 1 in order; a, b, c = (first, stride), and a stride of 0 repeats a line."""
    signature = types.void(A, a, B, b, C, c, types.int64)

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        fused = fused_lines(builder, dtype)
        arrays = [data_of(context, builder, signature.args[k], arguments[k]) for k in (0, 2, 4)]
        ends = [cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3, 5)]
        with cgutils.for_range(builder, arguments[6]) as loop:
            pointers = [builder.gep(array, [builder.add(first, builder.mul(loop.index, stride))])
                        for array, (first, stride) in zip(arrays, ends)]
            total = builder.call(fused, [load_line(builder, dtype, pointer) for pointer in pointers])
            store_line(builder, dtype, total, pointers[2])
        return context.get_dummy_value()

    return signature, codegen


def plain_fma_scaled_lines(x, A, a, B, b, C, c, count):
    """The sums in plain Python."""
    for k in range(count * (64 // C.itemsize)):
        C[c + k] = fma(x * A[a + k], B[b + k], C[c + k])


@emitted(plain_fma_scaled_lines)
def fma_scaled_lines(context, x, A, a, B, b, C, c, count):
    """`count` lines of C from c += (x A) B, for a number x and lines of A from a and of B from b."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[1].dtype
        lanes, fused = lanes_in(dtype), fused_lines(builder, dtype)
        A, B, C = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (1, 3, 5))
        factor = broadcast(builder, dtype, arguments[0])
        with cgutils.for_range(builder, arguments[7]) as loop:
            step = builder.mul(loop.index, I64(lanes))
            pointers = [builder.gep(array, [step]) for array in (A, B, C)]
            first, second, total = (load_line(builder, dtype, pointer) for pointer in pointers)
            store_line(builder, dtype, builder.call(fused, [builder.fmul(factor, first), second, total]), pointers[2])
        return context.get_dummy_value()

    return types.void(x, A, types.int64, B, types.int64, C, types.int64, types.int64), codegen


def plain_stream(source, s, target, t, count):
    """The copy in plain Python."""
    target.reshape(-1)[t:t + count] = source.reshape(-1)[s:s + count]


@emitted(plain_stream)
def stream(context, source, s, target, t, count):
    """Copy `count` numbers to target from t on, whole lines past the cache; what lies before the first and after the last line
    boundary of the target is stored in the ordinary way."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.args[0].dtype
        lanes, size = lanes_in(dtype), dtype.bitwidth // 8
        from_, to = (builder.gep(data_of(context, builder, signature.args[k], arguments[k]), [arguments[k + 1]]) for k in (0, 2))
        count = arguments[4]
        address = builder.ptrtoint(to, I64)
        before = builder.udiv(builder.and_(builder.neg(address), I64(63)), I64(size))
        before = builder.select(builder.icmp_signed("<", before, count), before, count)
        whole = builder.udiv(builder.sub(count, before), I64(lanes))
        after = builder.add(before, builder.mul(whole, I64(lanes)))

        def numbers(start, stop):
            with cgutils.for_range_slice(builder, start, stop, I64(1)) as (i, _):
                builder.store(builder.load(builder.gep(from_, [i])), builder.gep(to, [i]))

        numbers(I64(0), before)
        with cgutils.for_range(builder, whole) as loop:
            i = builder.add(before, builder.mul(loop.index, I64(lanes)))
            value = load_line(builder, dtype, builder.gep(from_, [i]))
            stored = builder.store(value, builder.bitcast(builder.gep(to, [i]), line_type(dtype).as_pointer()))
            stored.align = 64
            stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        numbers(after, count)
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64, types.int64), codegen
