"""The one preset under every compiled function."""

from typing import Any

from numba import config, njit

from .cache import KernelCache
from .numba_internals import LINKED, WHOLE, apart_from_python

PRESET: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def preset(function, before_loading):
    """Compile `function` for arrays: cached on disk where a folder for it can be written, free of the GIL, divisions as
    IEEE 754 has them. `before_loading(function, caller, argument types)` is called before an entry is read from the cache."""
    def build(caller, options):
        dispatcher = njit(**options)(function)
        if not config.DISABLE_JIT:  # type: ignore[attr-defined]
            try:
                dispatcher._cache = KernelCache(function, before_loading, caller)
            except RuntimeError:  # no folder can be written: compiled anew in every process
                pass
        return dispatcher

    dispatcher = build("python", {**PRESET, "pipeline_class": WHOLE})
    apart = {**PRESET, "no_cpython_wrapper": True}
    apart_from_python(dispatcher, lambda: build("kernels", {**apart, "pipeline_class": LINKED}),
                      lambda: build("address", {**apart, "pipeline_class": WHOLE}))
    return dispatcher


def inlined(function):
    """Compile a function of single numbers that every caller takes in whole, so that loops over it become vector code."""
    options = {**PRESET, "forceinline": True}
    dispatcher = njit(**options)(function)
    apart_from_python(dispatcher, lambda: njit(**{**options, "no_cpython_wrapper": True, "pipeline_class": LINKED})(function))
    return dispatcher
