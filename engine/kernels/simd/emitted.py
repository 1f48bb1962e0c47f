"""How a function that emits LLVM is declared, with its plain-Python twin beside it."""

from llvmlite import ir
from numba import config
from numba.core import cgutils, types
from numba.extending import intrinsic

from ..numba_internals import cpu_and_features

SCALAR = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


def emitted(twin):
    """Decorate a function that emits LLVM; where NUMBA_DISABLE_JIT is set its `twin` in plain Python takes its place."""
    return (lambda emitter: twin) if config.DISABLE_JIT else intrinsic  # type: ignore[attr-defined]


def lanes_in(dtype):
    """Numbers of a Numba float type in a cache line of 64 bytes."""
    return 16 if dtype == types.float32 else 8


def line_type(dtype, size=None):
    """A cache line, or `size` of its numbers, as an LLVM vector."""
    return ir.VectorType(SCALAR[dtype], size or lanes_in(dtype))


def line_in_register(context):
    """Whether a register of the CPU that is compiled for holds a line, and there are 32; no bit may depend on it."""
    name, features = cpu_and_features()
    return "+avx512f" in features or "avx512" in name


def data_of(context, builder, array_type, array):
    """The pointer to an array's numbers."""
    return context.make_array(array_type)(context, builder, array).data


def load_line(builder, dtype, pointer, size=None):
    """A line, or `size` numbers, from any address."""
    vector = line_type(dtype, size)
    value = builder.load(builder.bitcast(pointer, vector.as_pointer()))
    value.align = dtype.bitwidth // 8
    return value


def store_line(builder, dtype, value, pointer):
    """A line, or some of its numbers, to any address."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = dtype.bitwidth // 8


def broadcast(builder, dtype, value, size=None):
    """A line of one number, or `size` of it."""
    vector = line_type(dtype, size)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None))


def shuffle(builder, first, second, lanes):
    """The lanes of two vectors that a list names, those of the second counted after those of the first."""
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))


def fused_lines(builder, dtype, size=None):
    """The fused multiply-add of lines, or of `size` numbers at a time."""
    vector = line_type(dtype, size)
    name = f"llvm.fma.v{vector.count}f{dtype.bitwidth}"
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
