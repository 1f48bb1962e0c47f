"""How kernels call each other: a few are compiled apart, once a dtype, and called by symbol.

Numba compiles what a function calls again inside every caller, so that a tree of kernels costs its depth times its size: a
Jacobian of 64-64-32-10 in float32 from an empty cache took 19 s so, and takes 6 s by symbol.
"""

import dis
import functools
import inspect
from typing import NamedTuple

import numpy as np
from numba import config, typeof, types

from .compiled import preset
from .numba_internals import address_of_compiled, call, compiled_before, declared, define, lookup, publish
from .signatures import signature_of

REALS = types.float32, types.float64
NOWHERE = np.zeros(8, np.int64)  # what lies behind the symbols of kernels in a process that compiles one kernel at a time
_faces: dict = {}  # what kernels name, and the _Shared or _Family behind it


def kernel(function):
    """Compile `function` into each of its callers, under the preset."""
    return preset(function, _before_loading)


def shared(function):
    """Decorate a kernel that many others call: compiled apart, for the kinds of arguments that its annotations name, and called
    by symbol. It returns nothing, or what its return annotation names.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    dispatcher = kernel(function)

    @functools.wraps(function)
    def face(*values):
        return dispatcher(*values)

    _Shared(face, dispatcher)
    return face


def family(name, members):
    """A kernel that calls one of `members` by its code: {code: shared kernel}, codes 0, 1, 2 …, all with the same arguments.

    Only the members that `prepare` was told of are compiled. For another code it raises LookupError.

    Returns
    -------
    call : callable
        call(code, *arguments), from kernels and from Python.
    prepare : callable
        prepare(codes, dtype), which comes before a kernel that uses `call` is run.
    """
    members = {int(code): member for code, member in members.items()}

    def face(code, *values):
        return members[code](*values)

    face.__name__ = name
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return face, lambda codes, dtype: None
    return face, _Family(face, [_faces[members[code]] for code in range(len(members))]).prepare


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
    for name in dict.fromkeys(step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"):
        value = function.__globals__.get(name)
        if hasattr(value, "py_func"):
            found += _called(value.py_func)
        elif callable(value) and value in _faces:
            found.append(_faces[value])
    return found


def _before_loading(function, caller, kinds):
    """Compile what a kernel calls, and hear whether another process compiles the kernel."""
    for called in _called(function):
        called.publish(_real(kinds))
    elsewhere.ask(function, Entry(function.__module__, function.__qualname__, caller, kinds))


class Entry(NamedTuple):
    """A kernel for arguments of such types, as the cache keeps it for those who call it from Python or by its address."""

    module: str
    name: str
    caller: str
    kinds: tuple

    def compile(self, module):
        """Compile it into the cache, but nothing that it calls by symbol; `module` is where it stands. This process can run no
        kernels afterwards."""
        elsewhere.alone = True
        function = getattr(module, self.name)
        dispatcher = _faces[function].dispatcher if function in _faces else function
        (_addressed(dispatcher, self.kinds) if self.caller == "address" else dispatcher).compile(self.kinds)


class _Elsewhere:
    """What other processes compile.

    Attributes
    ----------
    ask : callable
        ask(function, entry), called before an entry is read from the cache, to wait until it is there.
    alone : bool
        Whether this process compiles one kernel at a time for others, and calls none.
    """

    def __init__(self):
        self.ask, self.alone = lambda function, entry: None, False


elsewhere = _Elsewhere()


def entries_to_compile(functions, members, dtype):
    """The shared kernels, in the order in which they are needed, that have yet to be compiled before kernels can call what
    `functions` call of each other, in this process and in any before: {Entry: function}.

    Parameters
    ----------
    functions : iterable of callable
        Kernels, or what `family` and `shared` gave.
    members : dict
        Of each family, the codes that are used.
    dtype : DType
    """
    real, found, seen = real_of(dtype), {}, set()
    codes = {_faces[face]: used for face, used in members.items()}

    def visit(symbol):
        if symbol in seen:
            return
        seen.add(symbol)
        if isinstance(symbol, _Family):
            for code in codes.get(symbol, ()):
                if 0 <= code < len(symbol.members):
                    visit(symbol.members[code])
        elif symbol.kind(real) not in symbol.addresses:
            for called in _called(symbol.dispatcher.py_func):
                visit(called)
            found.update(entry_to_compile(symbol.dispatcher, "address", symbol.signatures[symbol.kind(real)].args))

    for function in functions:
        for symbol in [_faces[function]] if function in _faces else _called(function.py_func):
            visit(symbol)
    return found


def entry_to_compile(function, caller, kinds):
    """A kernel for arguments of such types as {Entry: function}; {} where it was compiled before."""
    dispatcher = function if hasattr(function, "py_func") else _faces[function].dispatcher
    called = _addressed(dispatcher, kinds) if caller == "address" else dispatcher
    function = dispatcher.py_func
    entry = Entry(function.__module__, function.__qualname__, caller, kinds)
    return {} if compiled_before(called, kinds) else {entry: function}


def member_of(face, code):
    """The shared kernel that a family calls by a code."""
    return _faces[face].members[code].dispatcher


def _addressed(dispatcher, kinds):
    """What is called by its address: what Python calls, where that is compiled already, or else the same without the function that
    converts Python's arguments, which compiles sooner."""
    apart = dispatcher.called_by_address()
    return dispatcher if compiled_before(dispatcher, kinds) and not compiled_before(apart, kinds) else apart


def kinds_of(*arguments):
    """The types of arguments that a kernel is called with."""
    return tuple(typeof(argument) for argument in arguments)


def real_of(dtype):
    """The type of a kernel's numbers."""
    return types.float32 if dtype == np.float32 else types.float64


def address_of(function, arguments):
    """Where the machine code of a kernel for such arguments begins."""
    kinds = kinds_of(*arguments)
    if function in _faces:
        return _faces[function].publish(_real(kinds))
    return address_of_compiled(_addressed(function, kinds), kinds)[0]


class _Symbol:
    """A name in machine code for each dtype, or one where no number has the kernel's, and what Numba needs to call it."""

    def __init__(self, face, names, signatures):
        self.name, self.signatures, self.addresses = face.__name__, signatures, {}
        _faces[face] = self
        define(face, names, lambda kinds: self.signatures[self.kind(_real(kinds))].return_type(*kinds), self.lower)

    def kind(self, real):
        """What it is for a caller whose numbers have the type `real`: the same, or None."""
        return real if real in self.signatures else None

    def symbol(self, real):
        return f"gammachain.{self.name}.{real}"

    def address(self, real):
        """Where what it names begins in this process."""
        raise NotImplementedError

    def callee(self, real, context, module):
        """The function of a module in LLVM that a caller calls."""
        raise NotImplementedError

    def publish(self, real):
        """Give the symbol an address in this process; the address."""
        real = self.kind(real)
        if real not in self.addresses:
            self.addresses[real] = self.address(real)
            publish(self.symbol(real), self.addresses[real])
        return self.addresses[real]

    def lower(self, context, builder, signature, values):
        """A call by symbol."""
        real = self.kind(_real(signature.args))
        self.publish(real)
        return call(context, builder, self.callee(real, context, builder.module), self.signatures[real], signature.args, values)


class _Shared(_Symbol):
    """A kernel behind a symbol."""

    def __init__(self, face, dispatcher):
        self.dispatcher = dispatcher
        signatures = {real: signature_of(dispatcher.py_func, real) for real in REALS}
        if len(set(signatures.values())) == 1:
            signatures = {None: signatures[REALS[0]]}
        super().__init__(face, inspect.signature(dispatcher.py_func).parameters, signatures)

    def address(self, real):
        if elsewhere.alone:
            return NOWHERE.ctypes.data
        wanted = self.signatures[real]
        address, compiled = address_of_compiled(_addressed(self.dispatcher, wanted.args), wanted.args)
        assert compiled.return_type == wanted.return_type, f"{self.name} gives {compiled.return_type}, not {wanted.return_type}"
        return address

    def callee(self, real, context, module):
        """The symbol."""
        return declared(context, module, self.symbol(real), self.signatures[real])


class _Family(_Symbol):
    """A table of addresses behind a symbol, 0 where a member is not prepared."""

    def __init__(self, face, members):
        self.members, self.prepared = members, set()
        self.tables = {real: np.zeros(len(members), np.int64) for real in REALS}
        names = inspect.signature(members[0].dispatcher.py_func).parameters
        super().__init__(face, ["code", *names], {real: signature.return_type(types.int64, *signature.args)
                                                  for real, signature in members[0].signatures.items()})

    def prepare(self, codes, dtype):
        """Have members `codes` compiled for `dtype`; those below 0 are not the kernels'."""
        for code in codes:
            if (code, dtype) not in self.prepared and 0 <= code < len(self.members):
                real = real_of(dtype)
                self.publish(real)
                self.tables[real][code] = self.members[code].address(real)
                self.prepared.add((code, dtype))

    def address(self, real):
        return self.tables[real].ctypes.data

    def callee(self, real, context, module):
        """A function of the calling module that looks up the member and goes there."""
        return lookup(context, module, self.symbol(real), self.members[0].signatures[real], len(self.members))
