"""The only file that emits LLVM: fused multiply-add, the bits of a float, the register tile."""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

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
