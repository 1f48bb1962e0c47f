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
from .signatures import signature_of

REALS = types.float32, types.float64
_faces: dict = {}  # what kernels name, and the _Shared or _Family behind it


def kernel(function):
    """Compile `function` into each of its callers, under the preset."""
    return preset(function, _publish_called)


def shared(function):
    """Decorate a kernel that many others call: compiled apart, for the kinds of arguments that its annotations name, and called
    by symbol. Nothing is returned.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    dispatcher = kernel(function)

    @functools.wraps(function)
    def face(*values):
        return dispatcher(*values)

    _Shared(face, dispatcher)
    return face


def family(name, members, unknown):
    """A kernel that calls one of `members` by its code: {code: shared kernel}, codes 0, 1, 2 …, all with the same arguments.

    Only the members that `prepare` was told of are compiled. For another code it is `unknown`, which fills what a member would
    write with NaN.

    Returns
    -------
    call : callable
        call(code, *arguments), from kernels and from Python.
    prepare : callable
        prepare(codes, dtype), which comes before a kernel that uses `call` is run.
    """
    members = {int(code): member for code, member in members.items()}

    def face(code, *values):
        return members.get(code, unknown)(*values)

    face.__name__ = name
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return face, lambda codes, dtype: None
    return face, _Family(face, [_faces[members[code]] for code in range(len(members))], _faces[unknown]).prepare


def _real(kinds):
    """The dtype of the first array of floats among types."""
    for kind in kinds:
        if isinstance(kind, types.Array) and kind.dtype in REALS:
            return kind.dtype
    return next(filter(None, (_real(kind) for kind in kinds if isinstance(kind, types.BaseTuple))), None)


def _converted(context, builder, value, given, wanted):
    """A named tuple of the wanted type, field by field."""
    if given == wanted:
        return value
    fields = [context.cast(builder, builder.extract_value(value, i), *kinds)
              for i, kinds in enumerate(zip(given.types, wanted.types, strict=True))]
    return context.make_tuple(builder, wanted, fields)


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
    kinds, dispatcher = tuple(typeof(argument) for argument in arguments), function.called_by_kernels()
    dispatcher.compile(kinds)
    return _address(dispatcher.overloads[kinds])


def _address(result):
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name)


class _Symbol:
    """A name in machine code for each dtype, and what Numba needs to call it."""

    def __init__(self, face, signatures):
        self.name, self.signatures, self.addresses = face.__name__, signatures, {}
        _faces[face] = self
        typing = type(self.name, (AbstractTemplate,), {"key": face, "generic": lambda _, kinds, named: self.signature(kinds)})
        infer_global(face, types.Function(typing))
        lower_builtin(face, types.VarArg(types.Any))(self.lower)

    def signature(self, kinds):
        """That of a call; what arrays a named tuple holds, read-only or not, is left to `lower`, for Numba does not convert it."""
        signature = self.signatures[_real(kinds)]
        return signature.return_type(*(given if isinstance(wanted, types.BaseNamedTuple) else wanted
                                       for given, wanted in zip(kinds, signature.args, strict=True)))

    def symbol(self, real):
        return f"gammachain.{self.name}.{real}"

    def kind(self, real, context):
        """Its type in LLVM."""
        signature = self.signatures[real]
        return context.call_conv.get_function_type(signature.return_type, signature.args)

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

    def lower(self, context, builder, signature, arguments):
        """A call by symbol."""
        real = _real(signature.args)
        self.publish(real)
        function = self.callee(real, context, builder.module)
        result, wanted = signature.return_type, self.signatures[real].args
        values = [_converted(context, builder, *argument) for argument in zip(arguments, signature.args, wanted)]
        status, value = context.call_conv.call_function(builder, function, result, wanted, values)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return impl_ret_untracked(context, builder, result, value)


class _Shared(_Symbol):
    """A kernel behind a symbol."""

    def __init__(self, face, dispatcher):
        self.dispatcher = dispatcher
        super().__init__(face, {real: signature_of(dispatcher.py_func, real) for real in REALS})

    def address(self, real):
        signature, dispatcher = self.signatures[real], self.dispatcher.called_by_kernels()
        dispatcher.compile(signature.args)
        compiled = dispatcher.overloads[signature.args]
        assert compiled.signature.return_type == signature.return_type, f"{self.name} gives {compiled.signature.return_type}"
        return _address(compiled)

    def callee(self, real, context, module):
        """The symbol."""
        return cgutils.get_or_insert_function(module, self.kind(real, context), self.symbol(real))


class _Family(_Symbol):
    """A table of addresses behind a symbol; its last is that of what unknown codes call, and so is any that is not prepared."""

    def __init__(self, face, members, unknown):
        self.members, self.unknown, self.prepared = members, unknown, set()
        self.tables = {real: np.zeros(len(members) + 1, np.int64) for real in REALS}
        super().__init__(face, {real: signature.return_type(types.int64, *signature.args)
                                for real, signature in unknown.signatures.items()})

    def prepare(self, codes, dtype):
        """Have members `codes` compiled for `dtype`; those below 0 are not the kernels'."""
        for code in codes:
            if (code, dtype) not in self.prepared and 0 <= code < len(self.members):
                real = types.float32 if dtype == np.float32 else types.float64
                self.publish(real)
                self.tables[real][code] = self.members[code].address(real)
                self.prepared.add((code, dtype))

    def address(self, real):
        self.tables[real][:] = self.unknown.address(real)
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
        count = word(len(self.members))
        table = ir.GlobalVariable(module, ir.ArrayType(word, len(self.members) + 1), self.symbol(real))
        code = function.args[2]  # after those that take the result and an exception
        code = builder.select(builder.icmp_unsigned("<", code, count), code, count)
        member = builder.inttoptr(builder.load(builder.gep(table, [word(0), code])), self.unknown.kind(real, context).as_pointer())
        builder.ret(builder.call(member, [*function.args[:2], *function.args[3:]]))
        return function
