"""The only file that emits LLVM: fused multiply-add, the bits of a float, the register tile."""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .layout import LINE

SCALAR = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
INTEGER = {types.float32: types.int32, types.float64: types.int64}
FLOAT = {types.int32: types.float32, types.int64: types.float64}


@intrinsic
def fma(context, a, b, c):
    """a * b + c, rounded once, for three numbers of one dtype; the same bits on every CPU."""

    def codegen(context, builder, signature, arguments):
        scalar = SCALAR[signature.return_type]
        name = "llvm.fma.f32" if signature.return_type == types.float32 else "llvm.fma.f64"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(scalar, [scalar] * 3), name)
        return builder.call(function, arguments)

    if a not in SCALAR or b != a or c != a:
        return None
    return a(a, a, a), codegen


@intrinsic
def bits_of(context, x):
    """The bits of a float as a signed integer of the same width."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return INTEGER[x](x), codegen


@intrinsic
def float_of(context, bits):
    """The float whose bits are a signed integer of the same width."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return FLOAT[bits](bits), codegen


@intrinsic
def number(context, like, value):
    """A constant in the dtype of `like`."""

    def codegen(context, builder, signature, arguments):
        if signature.return_type == types.float64:
            return arguments[1]
        return builder.fptrunc(arguments[1], ir.FloatType())

    return like(like, types.float64), codegen


MANTISSA = {types.float32: 23, types.float64: 52}
BIAS = {types.float32: 127, types.float64: 1023}
INTEGER_IR = {types.float32: ir.IntType(32), types.float64: ir.IntType(64)}


def _rounding(dtype):
    """1.5 · 2^mantissa: added to a small float, it leaves the nearest integer in the low bits."""
    return 1.5 * 2.0 ** MANTISSA[dtype]


@intrinsic
def nearest(context, x):
    """The integer nearest to x, |x| < 2^21, as a float: exact, and a vector operation everywhere."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        shift = ir.Constant(SCALAR[dtype], _rounding(dtype))
        return builder.fsub(builder.fadd(arguments[0], shift), shift)

    return x(x), codegen


@intrinsic
def scale_by_power(context, x, k):
    """x · 2^k for an integral float k; two exact factors, so that a subnormal result is rounded once."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        integer, scalar = INTEGER_IR[dtype], SCALAR[dtype]
        bits = builder.bitcast(builder.fadd(arguments[1], ir.Constant(scalar, _rounding(dtype))), integer)
        zero = builder.bitcast(ir.Constant(scalar, _rounding(dtype)), integer)
        power = builder.sub(bits, zero)
        half = builder.ashr(power, integer(1))
        result = arguments[0]
        for part in (half, builder.sub(power, half)):
            factor = builder.shl(builder.add(part, integer(BIAS[dtype])), integer(MANTISSA[dtype]))
            result = builder.fmul(result, builder.bitcast(factor, scalar))
        return result

    return x(x, x), codegen


def _exponent_bits(builder, dtype, x):
    """The bits of a positive normal x and k · 2^mantissa, where x / 2^k lies in [sqrt(1/2), sqrt(2))."""
    integer = INTEGER_IR[dtype]
    root = 0x3FE6A09E00000000 if dtype == types.float64 else 0x3F3504F3
    bits = builder.bitcast(x, integer)
    mantissa = integer(MANTISSA[dtype])
    return bits, builder.shl(builder.ashr(builder.sub(bits, integer(root)), mantissa), mantissa)


@intrinsic
def binary_exponent(context, x):
    """k as a float, where a positive normal x / 2^k lies in [sqrt(1/2), sqrt(2))."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        integer, shift = INTEGER_IR[dtype], ir.Constant(SCALAR[dtype], _rounding(dtype))
        _, power = _exponent_bits(builder, dtype, arguments[0])
        k = builder.ashr(power, integer(MANTISSA[dtype]))
        return builder.fsub(builder.bitcast(builder.add(builder.bitcast(shift, integer), k), SCALAR[dtype]), shift)

    return x(x), codegen


@intrinsic
def binary_fraction(context, x):
    """x / 2^k in [sqrt(1/2), sqrt(2)) for a positive normal x."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        bits, power = _exponent_bits(builder, dtype, arguments[0])
        return builder.bitcast(builder.sub(bits, power), SCALAR[dtype])

    return x(x), codegen


def polynomial(wide, narrow):
    """Emit a polynomial in fused multiply-adds, its coefficients from the highest down: `wide` in float64, `narrow` in float32."""

    @intrinsic
    def evaluate(context, x):
        def codegen(context, builder, signature, arguments):
            dtype = signature.return_type
            scalar = SCALAR[dtype]
            name = "llvm.fma.f64" if dtype == types.float64 else "llvm.fma.f32"
            fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(scalar, [scalar] * 3), name)
            coefficients = [ir.Constant(scalar, float(c)) for c in (wide if dtype == types.float64 else np.float32(narrow))]
            total = coefficients[0]
            for coefficient in coefficients[1:]:
                total = builder.call(fused, [total, arguments[0], coefficient])
            return total

        return x(x), codegen

    return evaluate


def register_tile(rows, panels):
    """Emit the one inner loop under every product: `rows` times `panels` cache lines of sums held in registers.

    C[i, j] = begin + sum_k A[i, k] B[k, j], then times M[i, j] where `finish` says so. A is read a number at a time
    through two strides, B, C and M a cache line at a time; the lines of one panel lie `*_panel` numbers apart. The inner
    index runs over `outer` stretches of `inner`, between which A jumps by `a_outer`. Each element of C is one chain
    of fused multiply-adds in the order of k: its bits depend on nothing else.
    `begin`: 0 starts at zero, 1 at what C holds, 2 at A[start + i]. `finish`: 0 stores, 1 multiplies by M first.
    """

    @intrinsic
    def tile(context, A, a, B, b, C, c, M, m, shape, modes):
        """a = (first, row stride, column stride, outer stride, start); b, c, m = (first, stride, panel stride);
        shape = (inner, outer); modes = (begin, finish)."""
        signature = types.void(A, a, B, b, C, c, M, m, shape, modes)

        def codegen(context, builder, signature, arguments):
            dtype = signature.args[0].dtype
            scalar = SCALAR[dtype]
            size = 4 if dtype == types.float32 else 8
            lanes = LINE // size
            vector = ir.VectorType(scalar, lanes)
            i64, i32 = ir.IntType(64), ir.IntType(32)
            name = f"llvm.fma.v{lanes}f{8 * size}"
            fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
            arrays = (0, 2, 4, 6)
            A, B, C, M = (context.make_array(signature.args[k])(context, builder, arguments[k]).data for k in arrays)
            a, b, c, m, shape, modes = (cgutils.unpack_tuple(builder, arguments[k]) for k in (1, 3, 5, 7, 8, 9))
            inner, outer = shape
            begin, finish = modes
            grid = [(i, j) for i in range(rows) for j in range(panels)]
            undefined = ir.Constant(vector, ir.Undefined)
            zero_mask = ir.Constant(ir.VectorType(i32, lanes), [0] * lanes)

            def load(pointer):
                value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
                value.align = size
                return value

            def store(value, pointer):
                builder.store(value, builder.bitcast(pointer, vector.as_pointer())).align = size

            def broadcast(value):
                return builder.shuffle_vector(builder.insert_element(undefined, value, i32(0)), undefined, zero_mask)

            def line(array, place, i, j):
                offset = builder.add(builder.mul(place[1], i64(i)), builder.mul(place[2], i64(j)))
                return builder.gep(array, [builder.add(place[0], offset)])

            sums = {ij: cgutils.alloca_once(builder, vector) for ij in grid}
            at_zero, at_stored = (builder.icmp_signed("==", begin, i64(mode)) for mode in (0, 1))
            with builder.if_else(at_zero) as (then, otherwise):
                with then:
                    for ij in grid:
                        builder.store(ir.Constant(vector, [0.0] * lanes), sums[ij])
                with otherwise, builder.if_else(at_stored) as (stored, started):
                    with stored:
                        for ij in grid:
                            builder.store(load(line(C, c, *ij)), sums[ij])
                    with started:
                        for i in range(rows):
                            x = broadcast(builder.load(builder.gep(A, [builder.add(a[4], i64(i))])))
                            for j in range(panels):
                                builder.store(x, sums[i, j])
            with cgutils.for_range(builder, outer) as stretch:
                a_first = builder.add(a[0], builder.mul(stretch.index, a[3]))
                k_first = builder.mul(stretch.index, inner)
                with cgutils.for_range(builder, inner) as loop:
                    b_row = builder.add(b[0], builder.mul(builder.add(k_first, loop.index), b[1]))
                    lines = [load(builder.gep(B, [builder.add(b_row, builder.mul(b[2], i64(j)))])) for j in range(panels)]
                    a_column = builder.add(a_first, builder.mul(loop.index, a[2]))
                    for i in range(rows):
                        x = builder.load(builder.gep(A, [builder.add(a_column, builder.mul(a[1], i64(i)))]))
                        x = broadcast(x)
                        for j in range(panels):
                            builder.store(builder.call(fused, [x, lines[j], builder.load(sums[i, j])]), sums[i, j])
            with builder.if_else(builder.icmp_signed("==", finish, i64(0))) as (then, otherwise):
                with then:
                    for ij in grid:
                        store(builder.load(sums[ij]), line(C, c, *ij))
                with otherwise:
                    for ij in grid:
                        store(builder.fmul(builder.load(sums[ij]), load(line(M, m, *ij))), line(C, c, *ij))
            return context.get_dummy_value()

        return signature, codegen

    return tile
