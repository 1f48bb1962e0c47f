"""The one preset under every compiled function."""

import functools
from typing import Any

from numba import config, njit
from numba.core import types

from .cache import KernelCache

PRESET: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def _called_by_kernels(dispatcher, build):
    """Have kernels call what `build` makes, compiled without the function that converts Python's arguments, which takes as long to
    compile as a kernel does. A caller's constants are numbers like others: Numba compiles a function once for each constant."""
    if not hasattr(dispatcher, "get_call_template"):  # where NUMBA_DISABLE_JIT is set
        return
    inside = functools.cache(build)

    def template(kinds, named):
        return inside().get_call_template([types.unliteral(kind) for kind in kinds], named)

    dispatcher.get_call_template = template
    dispatcher.get_overload = lambda signature: inside().get_overload(signature)
    dispatcher.called_by_kernels = inside


def preset(function, before_loading):
    """Compile `function` for arrays: cached on disk where a folder for it can be written, free of the GIL, divisions as
    IEEE 754 has them. `before_loading(function, argument types)` is called before an entry is read from the cache."""
    def build(caller, options):
        dispatcher = njit(**options)(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            try:
                dispatcher._cache = KernelCache(function, before_loading, caller)
            except RuntimeError:  # no folder can be written: compiled anew in every process
                pass
        return dispatcher

    dispatcher = build("python", PRESET)
    _called_by_kernels(dispatcher, lambda: build("kernels", {**PRESET, "no_cpython_wrapper": True}))
    return dispatcher


def inlined(function):
    """Compile a function of single numbers that every caller takes in whole, so that loops over it become vector code."""
    options = {**PRESET, "forceinline": True}
    dispatcher = njit(**options)(function)
    _called_by_kernels(dispatcher, lambda: njit(**{**options, "no_cpython_wrapper": True})(function))
    return dispatcher
