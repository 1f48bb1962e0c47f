"""Single numbers: fused multiply-add, the bits of a float, its exponent, constants, polynomials."""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from . import plain
from .emitted import SCALAR, emitted

INTEGER: dict = {types.float32: types.int32, types.float64: types.int64}
FLOAT: dict = {types.int32: types.float32, types.int64: types.float64}


@emitted(plain.fma)
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


@emitted(plain.bits_of)
def bits_of(context, x):
    """The bits of a float as a signed integer of the same width."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return INTEGER[x](x), codegen


@emitted(plain.float_of)
def float_of(context, bits):
    """The float whose bits are a signed integer of the same width."""

    def codegen(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return FLOAT[bits](bits), codegen


@emitted(plain.number)
def number(context, like, value):
    """A constant in the dtype of `like`."""

    def codegen(context, builder, signature, arguments):
        if signature.return_type == types.float64:
            return arguments[1]
        return builder.fptrunc(arguments[1], ir.FloatType())

    return like(like, types.float64), codegen


@emitted(plain.negated_by_quadrant)
def negated_by_quadrant(context, x, bits):
    """x, or -x where the last bit but one of `bits`, an integer as wide as x, is set: the sign of sin and cos by their quadrant."""

    def codegen(context, builder, signature, arguments):
        value, bits = arguments
        width = bits.type.width
        sign = builder.and_(builder.shl(bits, bits.type(width - 2)), bits.type(1 << (width - 1)))
        return builder.bitcast(builder.xor(builder.bitcast(value, bits.type), sign), value.type)

    return x(x, INTEGER[x]), codegen


MANTISSA = {types.float32: 23, types.float64: 52}
BIAS = {types.float32: 127, types.float64: 1023}
INTEGER_IR = {types.float32: ir.IntType(32), types.float64: ir.IntType(64)}


def _rounding(dtype):
    """1.5 · 2^mantissa: added to a small float, it leaves the nearest integer in the low bits."""
    return 1.5 * 2.0 ** MANTISSA[dtype]


@emitted(plain.nearest)
def nearest(context, x):
    """The integer nearest to x, |x| < 2^21, as a float: exact, and a vector operation everywhere."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        shift = ir.Constant(SCALAR[dtype], _rounding(dtype))
        return builder.fsub(builder.fadd(arguments[0], shift), shift)

    return x(x), codegen


def _emit_integral(builder, dtype, k):
    """The bits of an integral float k plus those of the rounding constant, whose low bits are those of the integer k."""
    return builder.bitcast(builder.fadd(k, ir.Constant(SCALAR[dtype], _rounding(dtype))), INTEGER_IR[dtype])


def _emit_power(builder, dtype, exponent):
    """2^exponent for an integer whose low bits alone count, where that is a normal number."""
    integer = INTEGER_IR[dtype]
    bits = builder.shl(builder.add(exponent, integer(BIAS[dtype])), integer(MANTISSA[dtype]))
    return builder.bitcast(bits, SCALAR[dtype])


@emitted(plain.half_power)
def half_power(context, k):
    """2^(k - 1) for an integral float k, where that is a normal number."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        return _emit_power(builder, dtype, builder.sub(_emit_integral(builder, dtype, arguments[0]), INTEGER_IR[dtype](1)))

    return k(k), codegen


@emitted(plain.scale_by_power)
def scale_by_power(context, x, k):
    """x · 2^k for an integral float k; two exact factors, so that a subnormal result is rounded once.

    k is halved by a shift that does not keep the sign, after 2^12 is added: AVX2 has no other for int64.
    """

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        integer, scalar = INTEGER_IR[dtype], SCALAR[dtype]
        zero = builder.bitcast(ir.Constant(scalar, _rounding(dtype)), integer)
        power = builder.sub(_emit_integral(builder, dtype, arguments[1]), zero)
        half = builder.sub(builder.lshr(builder.add(power, integer(1 << 12)), integer(1)), integer(1 << 11))
        result = arguments[0]
        for part in (half, builder.sub(power, half)):
            result = builder.fmul(result, _emit_power(builder, dtype, part))
        return result

    return x(x, x), codegen


def _exponent_bits(builder, dtype, x):
    """The bits of a positive normal x and k · 2^mantissa, where x / 2^k lies in [sqrt(1/2), sqrt(2))."""
    integer = INTEGER_IR[dtype]
    root = 0x3FE6A09E00000000 if dtype == types.float64 else 0x3F3504F3
    bits = builder.bitcast(x, integer)
    mantissa = integer(MANTISSA[dtype])
    return bits, builder.shl(builder.ashr(builder.sub(bits, integer(root)), mantissa), mantissa)


@emitted(plain.binary_exponent)
def binary_exponent(context, x):
    """k as a float, where a positive normal x / 2^k lies in [sqrt(1/2), sqrt(2))."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        integer, shift = INTEGER_IR[dtype], ir.Constant(SCALAR[dtype], _rounding(dtype))
        _, power = _exponent_bits(builder, dtype, arguments[0])
        k = builder.ashr(power, integer(MANTISSA[dtype]))
        return builder.fsub(builder.bitcast(builder.add(builder.bitcast(shift, integer), k), SCALAR[dtype]), shift)

    return x(x), codegen


@emitted(plain.binary_fraction)
def binary_fraction(context, x):
    """x / 2^k in [sqrt(1/2), sqrt(2)) for a positive normal x."""

    def codegen(context, builder, signature, arguments):
        dtype = signature.return_type
        bits, power = _exponent_bits(builder, dtype, arguments[0])
        return builder.bitcast(builder.sub(bits, power), SCALAR[dtype])

    return x(x), codegen


def polynomial(wide, narrow, evaluate=plain.horner):
    """Emit a polynomial in fused multiply-adds, its coefficients from the highest down: `wide` in float64, `narrow` in float32.

    `evaluate` is `plain.horner` or, for long ones, `plain.horner_by_two`, where half as many operations wait for each other.
    """

    @emitted(plain.polynomial(wide, narrow, evaluate))
    def emit(context, x):
        def codegen(context, builder, signature, arguments):
            dtype = signature.return_type
            scalar = SCALAR[dtype]
            name = "llvm.fma.f64" if dtype == types.float64 else "llvm.fma.f32"
            fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(scalar, [scalar] * 3), name)
            rounded = wide if dtype == types.float64 else np.asarray(narrow, np.float32)
            coefficients = [ir.Constant(scalar, float(c)) for c in rounded]
            return evaluate(arguments[0], coefficients, lambda *numbers: builder.call(fused, numbers), builder.fmul)

        return x(x), codegen

    return emit
