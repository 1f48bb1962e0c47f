"""Calls from machine code to machine code that was compiled apart, by a symbol or through a table of addresses.

Relies on
---------
``context.call_conv``
    Numba's calling convention: pointers to the result and to an exception come first, the status is what is returned. Both ends
    are made by its own `get_function_type`, `call_function` and `return_user_exc`, so that no number of it stands here, except
    that two pointers precede the arguments (RESULTS).
``CompileResult.library``, ``.fndesc.llvm_func_name``
    Where the machine code of a compiled function begins.
``llvmlite.binding.add_symbol``
    A symbol is found by every module that Numba links afterwards, and by those that are read from the cache.
``context.make_array(type)(context, builder, value).meminfo``
    Where an array's references are counted; null where nobody counts them.
``context.cast``
    Numba converts an array that may not be written to, and tuples, but not named tuples that hold one: `_converted` does.
"""

import inspect

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable

RESULTS = 2  # arguments before a kernel's own: where its result goes, and an exception
WORD = ir.IntType(64)


def define(face, names, signature, lower):
    """Let kernels call `face(*names)`: signature(types of the arguments) gives the Numba signature, lower(context, builder,
    signature, values) the code."""
    def typer(*kinds):
        return signature(kinds)

    typer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names])
    type_callable(face)(lambda context: typer)
    lower_builtin(face, types.VarArg(types.Any))(lower)


def publish(symbol, address):
    """Give a symbol its address in this process."""
    llvmlite.binding.add_symbol(symbol, address)


def address_of_compiled(dispatcher, kinds):
    """Where the machine code of a dispatcher for such arguments begins, compiled or read from the cache; and its signature."""
    dispatcher.compile(kinds)
    result = dispatcher.overloads[kinds]
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name), result.signature


def _function_type(context, signature):
    return context.call_conv.get_function_type(signature.return_type, signature.args)


def declared(context, module, symbol, signature):
    """The function behind a symbol, for a caller in `module`."""
    return cgutils.get_or_insert_function(module, _function_type(context, signature), symbol)


def lookup(context, module, symbol, signature, count):
    """A function (code, *arguments of `signature`) in `module` that calls what lies at number `code` of a table of `count`
    addresses behind a symbol; it raises LookupError where that is 0, and for a code that is not below `count`."""
    name = f"{symbol}.member"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, _function_type(context, signature.return_type(types.int64, *signature.args)), name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    table = ir.GlobalVariable(module, ir.ArrayType(WORD, count), symbol)
    code = function.args[RESULTS]
    there = builder.icmp_unsigned("<", code, WORD(count))
    address = builder.load(builder.gep(table, [WORD(0), builder.select(there, code, WORD(0))]))
    with cgutils.if_unlikely(builder, builder.or_(builder.not_(there), builder.icmp_unsigned("==", address, WORD(0)))):
        context.call_conv.return_user_exc(builder, LookupError, (f"{symbol} has no member of this code that is compiled",))
    member = builder.inttoptr(address, _function_type(context, signature).as_pointer())
    builder.ret(builder.call(member, [*function.args[:RESULTS], *function.args[RESULTS + 1:]]))
    return function


def call(context, builder, function, signature, given, values):
    """Call what `declared` or `lookup` gave with values of the types `given`; an exception in it goes to the caller's caller."""
    converted = [lent(context, builder, _converted(context, builder, *argument), argument[2])
                 for argument in zip(values, given, signature.args, strict=True)]
    status, result = context.call_conv.call_function(builder, function, signature.return_type, signature.args, converted)
    with cgutils.if_unlikely(builder, status.is_error):
        context.call_conv.return_status_propagate(builder, status)
    return result


def lent(context, builder, value, kind):
    """The value, its arrays without the count of their references, for a call during which the caller keeps them. A count is an
    atomic operation on memory that all threads write to: gradient and Adam step of 4-32-16-4, m 10⁴, two threads, 0.63 ms down to
    0.56."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        fields: list[types.Type] = list(kind)  # type: ignore[call-overload]
        for i, field in enumerate(fields):
            value = builder.insert_value(value, lent(context, builder, builder.extract_value(value, i), field), i)
    return value


def _converted(context, builder, value, given, wanted):
    """A value of the wanted type; a named tuple field by field."""
    if given == wanted:
        return value
    if not isinstance(wanted, types.BaseNamedTuple):
        return context.cast(builder, value, given, wanted)
    fields = [_converted(context, builder, builder.extract_value(value, i), *kinds)
              for i, kinds in enumerate(zip(given.types, wanted.types, strict=True))]  # type: ignore[attr-defined]
    return context.make_tuple(builder, wanted, fields)
