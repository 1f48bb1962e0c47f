"""The one preset under every compiled function, and a cache that notices a change in any kernel file."""

import hashlib
import pathlib

from numba import njit

_SOURCES = sorted(pathlib.Path(__file__).parent.glob("*.py"))
_STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()


def kernel(function):
    """Compile `function` for arrays: cached on disk, free of the GIL, divisions as IEEE 754 has them.

    Numba's cache looks at the function's own file only; a kernel is linked with what it calls in other
    files, so the stamp of its cache entry is taken over all of them.
    """
    dispatcher = njit(cache=True, nogil=True, error_model="numpy")(function)
    cache_file = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = (cache_file._source_stamp, _STAMP)
    return dispatcher


def inlined(function):
    """Compile a function of single numbers that every caller takes in whole, so that loops over it become vector code."""
    return njit(nogil=True, error_model="numpy", forceinline=True)(function)
