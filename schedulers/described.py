"""Values and functions as text that another process writes too: equal text, equal settings. Functions are known by their code."""

from __future__ import annotations

import contextlib
import dataclasses
import dis
import enum
import functools
import hashlib
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIBRARIES = {*sys.stdlib_module_names, "engine", "schedulers", "numpy", "scipy", "numba"} - {"__main__"}
CHANGERS = {"append", "extend", "add", "update", "insert", "pop", "popitem", "clear", "remove", "discard", "setdefault", "sort"}
LONGEST = 200  # characters that a text or a list may take before its hash stands for it
DEEPEST = 20  # containers inside each other


def digest(*parts: Any) -> str:
    """A short hash of texts, bytes and whatever else holds bytes, such as arrays.

    Examples
    --------
    >>> from schedulers.described import digest
    >>> digest("a", b"b")
    '0e52b5f187de1088'
    """
    made = hashlib.blake2b(digest_size=8)
    for part in parts:
        made.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part)
    return made.hexdigest()


def described(value: object) -> str:
    """A value as text, by what it holds and never by where it lies.

    Numbers, texts and containers are written out, arrays by dtype, shape and a hash of their bytes. A function is written as its
    qualified name and a hash of its code: instructions, constants, defaults, and what it reads of its surroundings, closure and
    globals, where that is numbers, text, arrays, containers of these or functions, and the function does not change it. Line
    numbers, file names, docstrings and addresses play no part. A partial, a method or a callable object is written as its parts, an
    object as its class, the code of that class where it is a user's own, and its attributes, other than those that methods change.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> import functools
    >>> from schedulers.described import described
    >>> described({"rate": 0.1, "order": None})
    "{'order': None, 'rate': 0.1}"
    >>> described(lambda t: 0.1 / t) == described(lambda t: 0.1 / t), described(lambda t: 0.1 / t) == described(lambda t: 0.2 / t)
    (True, False)
    """
    return _Description().text(value)


class _Description:
    """One description; `_begun` holds what it is inside of, for what refers to itself."""

    def __init__(self) -> None:
        self._begun: list[Any] = []

    def text(self, value: Any) -> str:
        """Any value."""
        if value is None or value is Ellipsis or isinstance(value, (bool, int, complex)) and type(value) in (bool, int, complex):
            return repr(value)
        if isinstance(value, float):
            return repr(float(value))
        if isinstance(value, (str, bytes)):
            return repr(value) if len(value) <= LONGEST else f"{repr(value[:40])}… #{digest(value)}"
        if isinstance(value, np.generic):
            return f"{value.dtype}({value.item()!r})"
        if any(value is one for one in self._begun):
            return "…"
        self._begun.append(value)
        try:
            return self._compound(value)
        finally:
            self._begun.pop()

    def _compound(self, value: Any) -> str:
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, dict):
            return _short("{", sorted(f"{self.text(key)}: {self.text(one)}" for key, one in value.items()), "}")
        if isinstance(value, (set, frozenset)):
            return _short("{", sorted(map(self.text, value)), "}")
        if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
            return _short("(" if isinstance(value, tuple) else "[", list(map(self.text, value)),
                          ")" if isinstance(value, tuple) else "]")
        if isinstance(value, enum.Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, (np.dtype, types.ModuleType)):
            return str(value) if isinstance(value, np.dtype) else value.__name__
        if isinstance(value, type):
            return self._class(value)
        if callable(value):
            return self._callable(value)
        return self._object(value)

    def _array(self, array: NDArray[Any]) -> str:
        if array.dtype.hasobject:
            return f"array{list(array.shape)} of {self.text(array.ravel().tolist())}"
        return f"{array.dtype} {list(array.shape)} #{digest(np.ascontiguousarray(array).tobytes())}"

    def _callable(self, value: Any) -> str:
        if isinstance(value, functools.partial):
            return f"partial({self.text(value.func)}, {self.text(value.args)}, {self.text(value.keywords)})"
        if isinstance(value, types.MethodType):
            return f"{self.text(value.__self__)}.{self._function(value.__func__)}"
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, np.ufunc):
            return f"numpy.{value.__name__}"
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            return f"{owner.__name__ if isinstance(owner, types.ModuleType) else self.text(owner)}.{value.__name__}"
        for inner in ("py_func", "__wrapped__"):  # what Numba compiled; a cache around a function
            function = getattr(value, inner, None)
            if isinstance(function, types.FunctionType):
                return self._function(function)
        return self._object(value)

    def _function(self, function: Any) -> str:
        if _is_library(function.__module__) and "<" not in function.__qualname__:  # lambdas share a name
            return f"{function.__module__}.{function.__qualname__}"
        closure = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
        read, _, changed = _names(function.__code__)
        surroundings = {}
        for name, cell in closure.items():
            with contextlib.suppress(ValueError):  # a cell that is still empty
                surroundings[name] = cell.cell_contents
        surroundings |= {name: function.__globals__[name] for name in read if name in function.__globals__}
        plain = {name: self.text(value) for name, value in surroundings.items()
                 if name not in changed and _is_plain(value)}
        code = _code(function.__code__, function.__doc__)
        parts = code, self.text(function.__defaults__), self.text(function.__kwdefaults__), repr(sorted(plain.items()))
        return f"{function.__qualname__} (code #{digest(*parts)})"

    def _class(self, kind: type) -> str:
        if _is_library(kind.__module__):
            return f"{kind.__module__}.{kind.__qualname__}"
        own = [one for one in kind.__mro__ if not _is_library(one.__module__)]
        functions = [self._function(function) for one in own for function in _functions(one)]
        return f"{kind.__qualname__} (code #{digest(*functions)})"

    def _object(self, value: Any) -> str:
        kind: Any = type(value)
        name = kind.__qualname__ if _is_library(kind.__module__) else self._class(kind)
        if dataclasses.is_dataclass(value):
            attributes = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
        elif kind.__reduce__ is not object.__reduce__:
            with contextlib.suppress(Exception):
                made = value.__reduce__()
                return made if isinstance(made, str) else f"{name}({', '.join(map(self.text, made[1:]))})"
            return name
        else:
            attributes = _attributes(value)
        changed = {stored for one in kind.__mro__ if not _is_library(one.__module__) for function in _functions(one)
                   if function.__name__ not in ("__init__", "__new__", "__post_init__", "__setstate__")
                   for stored in _names(function.__code__)[1]}
        kept = sorted((key, one) for key, one in attributes.items() if key not in changed)
        return _short(f"{name}(", [f"{key}={self.text(one)}" for key, one in kept], ")")


def _short(begin: str, parts: list[str], end: str) -> str:
    text = begin + ", ".join(parts) + end
    return text if len(text) <= 8 * LONGEST else f"{text[:LONGEST]}… {len(parts)} in all #{digest(text)}{end}"


def _attributes(value: Any) -> dict[str, Any]:
    found = dict(getattr(value, "__dict__", {}))
    for one in type(value).__mro__:
        slots = one.__dict__.get("__slots__", ())
        found |= {name: getattr(value, name) for name in ((slots,) if isinstance(slots, str) else slots) if hasattr(value, name)}
    return found


def _functions(kind: type) -> Iterator[types.FunctionType]:
    """The functions in the body of a class, in the order of their names."""
    for _, member in sorted(vars(kind).items()):
        member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        member = getattr(member, "func", member) if isinstance(member, functools.cached_property) else member
        if isinstance(member, types.FunctionType):
            yield member


def _is_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in LIBRARIES


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether what a function finds around itself is a setting: a number, text, an array, a function, or a container of such."""
    if isinstance(value, (dict, tuple, list, set, frozenset)):
        return depth < DEEPEST and all(_is_plain(one, depth + 1) for one in (value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic, np.ndarray, types.FunctionType,
                                               functools.partial))


@functools.lru_cache(maxsize=4096)
def _names(code: types.CodeType) -> tuple[list[str], list[str], set[str]]:
    """The globals that a function reads, the attributes that it sets, and the names whose values it changes; nested functions
    included."""
    read: list[str] = []
    attributes: list[str] = []
    changed: set[str] = set()
    line: set[str] = set()
    before = ""
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if instruction.starts_line:
            line = set()
        if name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            line.add(value)
            read += [value] if name in ("LOAD_GLOBAL", "LOAD_NAME") else []
        elif name in ("STORE_GLOBAL", "STORE_DEREF"):
            changed.add(value)
        elif name == "STORE_ATTR":
            attributes.append(value)
        elif name in ("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_SLICE"):
            changed |= line
        elif name in ("LOAD_METHOD", "LOAD_ATTR") and value in CHANGERS:
            changed.add(before)
        before = value
    for constant in filter(inspect.iscode, code.co_consts):
        inner = _names(constant)
        read, attributes, changed = read + inner[0], attributes + inner[1], changed | inner[2]
    return read, attributes, changed


def _code(code: types.CodeType, docstring: str | None = None) -> str:
    """Instructions, names and constants of a code object and those inside it, as text."""
    constants = []
    for i, constant in enumerate(code.co_consts):
        if inspect.iscode(constant):
            constants.append(_code(constant))
        elif not (i == 0 and isinstance(constant, str) and constant == docstring):
            constants.append(_Description().text(constant))
    return repr((code.co_code.hex(), code.co_names, code.co_freevars, code.co_argcount, code.co_kwonlyargcount,
                 code.co_flags & 0x0C, constants))
