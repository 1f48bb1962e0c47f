"""How kernels call each other: a few are compiled apart, once a dtype, and called by symbol.

Numba compiles what a function calls again inside every caller, so that a tree of kernels costs its depth times its size: a
Jacobian of 64-64-32-10 in float32 from an empty cache took 19 s so, and takes 6 s by symbol.
"""

import dis
import functools

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import config, typeof
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_untracked
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin

from .compiled import preset
from .signatures import argument_types

REALS = types.float32, types.float64
_faces: dict = {}  # what kernels name, and the _Shared or _Family behind it


def kernel(function):
    """Compile `function` into each of its callers, under the preset."""
    return preset(function, _publish_called)


def shared(arguments):
    """Decorate a kernel that many others call: compiled apart, for the kinds of arguments that its annotations name, and called
    by symbol. Nothing is returned.
    """
    if callable(arguments):
        return shared(None)(arguments)
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return lambda function: function

    def decorate(function):
        dispatcher = kernel(function)

        @functools.wraps(function)
        def face(*values):
            return dispatcher(*values)

        _Shared(face, dispatcher, arguments)
        return face

    return decorate


def family(name, members):
    """A kernel that calls one of `members`, shared kernels with the same arguments, by its place among them: only those that
    `prepare` was told of are compiled.

    Gives face(code, *arguments) and prepare(codes, dtype), which comes before the first call from another kernel.
    """
    def face(code, *values):
        return members[code](*values)

    face.__name__ = name
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return face, lambda codes, dtype: None
    return face, _Family(face, [_faces[member] for member in members]).prepare


def _argument(word, real):
    if word.isdigit():
        return types.UniTuple(types.int64, int(word))
    return {"line": types.Array(real, 1, "C"), "table": types.Array(real, 2, "C"), "indices": types.Array(types.int64, 1, "C"),
            "plan": types.Array(types.int64, 2, "C"), "integer": types.int64, "float": types.float64}[word]


def _real(kinds):
    """The dtype of the first array of floats among types."""
    for kind in kinds:
        if isinstance(kind, types.Array) and kind.dtype in REALS:
            return kind.dtype
    return next(filter(None, (_real(kind) for kind in kinds if isinstance(kind, types.BaseTuple))), None)


@functools.cache
def _called(function):
    """The faces that a kernel calls, itself or through others that are compiled into it."""
    found = []
    for name in {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"}:
        value = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            found += _called(value.py_func)
        elif callable(value) and value in _faces:
            found.append(_faces[value])
    return found


def _publish_called(function, signature):
    for called in _called(function):
        called.publish(_real(signature))


def address_of(function, arguments):
    """Where the machine code of a kernel for such arguments begins."""
    if function in _faces:
        return _faces[function].publish(_real([typeof(argument) for argument in arguments]))
    kinds = tuple(typeof(argument) for argument in arguments)
    function.compile(kinds)
    return _address(function.overloads[kinds])


def _address(result):
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


class _Symbol:
    """A name in machine code for each dtype, and what Numba needs to call it."""

    def __init__(self, face, signatures):
        self.name, self.signatures, self.addresses = face.__name__, signatures, {}
        _faces[face] = self
        typing = type(self.name, (AbstractTemplate,), {"key": face, "generic": lambda _, kinds, named: signatures[_real(kinds)]})
        infer_global(face, types.Function(typing))
        for real, signature in signatures.items():
            lower_builtin(face, *signature.args)(functools.partial(self.lower, real))

    def symbol(self, real):
        return f"gammachain.{self.name}.{real}"

    def kind(self, real, context):
        """Its type in LLVM."""
        return context.call_conv.get_function_type(types.none, self.signatures[real].args)

    def address(self, real):
        """Where what it names begins in this process."""
        raise NotImplementedError

    def callee(self, real, context, module):
        """The function of a module in LLVM that a caller calls."""
        raise NotImplementedError

    def publish(self, real):
        """Give the symbol an address in this process; the address."""
        if real not in self.addresses:
            self.addresses[real] = self.address(real)
            llvmlite.binding.add_symbol(self.symbol(real), self.addresses[real])
        return self.addresses[real]

    def lower(self, real, context, builder, signature, arguments):
        """A call by symbol."""
        self.publish(real)
        function = self.callee(real, context, builder.module)
        status, value = context.call_conv.call_function(builder, function, types.none, signature.args, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return impl_ret_untracked(context, builder, types.none, value)


class _Shared(_Symbol):
    """A kernel behind a symbol."""

    def __init__(self, face, dispatcher, arguments):
        self.dispatcher = dispatcher
        def kinds(real):
            return argument_types(dispatcher.py_func, real) if arguments is None else [_argument(word, real) for word in
                                                                                       arguments.split()]

        super().__init__(face, {real: types.void(*kinds(real)) for real in REALS})

    def address(self, real):
        kinds = self.signatures[real].args
        self.dispatcher.compile(kinds)
        return _address(self.dispatcher.overloads[kinds])

    def callee(self, real, context, module):
        """The symbol."""
        return cgutils.get_or_insert_function(module, self.kind(real, context), self.symbol(real))


class _Family(_Symbol):
    """A table of addresses behind a symbol."""

    def __init__(self, face, members):
        self.members = members
        self.tables = {real: np.zeros(len(members), np.int64) for real in REALS}
        super().__init__(face, {real: types.void(types.int64, *kind.args) for real, kind in members[0].signatures.items()})

    def prepare(self, codes, dtype):
        """Have members `codes` compiled for `dtype`; those below 0 are not the kernels'."""
        real = types.float32 if dtype == np.float32 else types.float64
        for code in codes:
            if code >= 0 and not self.tables[real][code]:
                self.tables[real][code] = self.members[code].address(real)

    def address(self, real):
        return self.tables[real].ctypes.data

    def callee(self, real, context, module):
        """A function of the calling module that looks up the member and goes there."""
        name = self.symbol(real) + ".member"
        if name in module.globals:
            return module.globals[name]
        word = ir.IntType(64)
        function = ir.Function(module, self.kind(real, context), name)
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block())
        table = ir.GlobalVariable(module, ir.ArrayType(word, len(self.members)), self.symbol(real))
        address = builder.load(builder.gep(table, [word(0), function.args[2]]))  # after room for a result and for an exception
        member = builder.inttoptr(address, self.members[0].kind(real, context).as_pointer())
        builder.ret(builder.call(member, [*function.args[:2], *function.args[3:]]))
        return function
