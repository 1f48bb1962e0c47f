"""How a function that emits LLVM is declared, with its plain-Python twin beside it."""

from llvmlite import ir
from numba import config
from numba.core import types
from numba.extending import intrinsic

SCALAR = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


def emitted(twin):
    """Decorate a function that emits LLVM; where NUMBA_DISABLE_JIT is set its `twin` in plain Python takes its place."""
    return (lambda emitter: twin) if config.DISABLE_JIT else intrinsic


def lanes_in(dtype):
    """Numbers of a Numba float type in a cache line of 64 bytes."""
    return 16 if dtype == types.float32 else 8


def line_type(dtype):
    """A cache line as an LLVM vector."""
    return ir.VectorType(SCALAR[dtype], lanes_in(dtype))


def line_in_register(context):
    """Whether a register of the CPU that is compiled for holds a line, and there are 32; no bit may depend on it."""
    _, name, features = context.codegen().magic_tuple()
    return "+avx512f" in features or "avx512" in name


def data_of(context, builder, array_type, array):
    """The pointer to an array's numbers."""
    return context.make_array(array_type)(context, builder, array).data


def load_line(builder, dtype, pointer):
    """A line from any address."""
    value = builder.load(builder.bitcast(pointer, line_type(dtype).as_pointer()))
    value.align = dtype.bitwidth // 8
    return value


def store_line(builder, dtype, value, pointer):
    """A line to any address."""
    builder.store(value, builder.bitcast(pointer, line_type(dtype).as_pointer())).align = dtype.bitwidth // 8


def broadcast(builder, dtype, value):
    """A line of one number."""
    lanes, undefined = lanes_in(dtype), ir.Constant(line_type(dtype), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))
