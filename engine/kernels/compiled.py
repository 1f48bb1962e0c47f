"""The one preset under every compiled function, and a cache that notices a change in any kernel file."""

import contextlib
import hashlib
import pathlib

from numba import config, njit
from numba.core import types
from numba.core.caching import FunctionCache

_SOURCES = sorted(pathlib.Path(__file__).parent.rglob("*.py"))
_STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()


class _KernelCache(FunctionCache):
    """Numba's cache looks at a function's own file only; a kernel is linked with what it calls in other files, so the stamp of
    its entries is taken over all of them."""

    def __init__(self, function, before_loading):
        super().__init__(function)
        self._function, self._before_loading = function, before_loading
        self._cache_file._source_stamp = (self._cache_file._source_stamp, _STAMP)

    def load_overload(self, signature, target_context):
        self._before_loading(self._function, signature)
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # a file that cannot be read, or was cut short: the index begins again
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature, data):
        with contextlib.suppress(OSError):  # a full disk, or a folder that can no longer be written
            super().save_overload(signature, data)


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
    if not config.DISABLE_JIT:
        try:
            dispatcher._cache = _KernelCache(function, before_loading)
        except RuntimeError:  # no folder can be written: compiled anew in every process
            pass
    return dispatcher


def inlined(function):
    """Compile a function of single numbers that every caller takes in whole, so that loops over it become vector code."""
    return njit(nogil=True, error_model="numpy", forceinline=True)(function)
