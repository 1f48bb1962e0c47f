"""The one preset under every compiled function."""

from numba import config, njit
from numba.core import types

from .cache import KernelCache


def _call_by_kind(dispatcher):
    """Let a caller's constants be numbers like others: Numba compiles a function once for each constant it is called with."""
    found = getattr(dispatcher, "get_call_template", None)
    if found is not None:  # None where NUMBA_DISABLE_JIT is set
        dispatcher.get_call_template = lambda kinds, named: found([types.unliteral(kind) for kind in kinds], named)


def preset(function, before_loading):
    """Compile `function` for arrays: cached on disk where a folder for it can be written, free of the GIL, divisions as
    IEEE 754 has them. `before_loading(function, argument types)` is called before an entry is read from the cache."""
    dispatcher = njit(nogil=True, error_model="numpy")(function)
    _call_by_kind(dispatcher)
    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        try:
            dispatcher._cache = KernelCache(function, before_loading)  # type: ignore[attr-defined]
        except RuntimeError:  # no folder can be written: compiled anew in every process
            pass
    return dispatcher


def inlined(function):
    """Compile a function of single numbers that every caller takes in whole, so that loops over it become vector code."""
    dispatcher = njit(nogil=True, error_model="numpy", forceinline=True)(function)
    _call_by_kind(dispatcher)
    return dispatcher
