"""Numba's compiler: what kernels call of each other, its cache, its locks, what it tells as it compiles, and for which CPU.

Relies on
---------
``Dispatcher.get_call_template``, ``.get_overload``
    By these alone a kernel that is compiled asks for one that it calls.
``no_cpython_wrapper``, ``no_cfunc_wrapper``
    Options of the decorator that leave out functions for callers other than kernels.
``FunctionCache``, ``CompileResultCacheImpl``
    ``_impl_class``, ``_impl.locator``, ``_impl.filename_base``, ``_index_key``, ``_cache_path`` and ``_cache_file``, with `load`,
    `save` and `flush`; ``_locator_classes`` with `from_function`.
``Dispatcher._cache``, ``.overloads``, ``.targetctx``
    A cache is put there; the code for each tuple of types; for which target.
``numba.core.event``
    "numba:compile" begins and ends with ``data["dispatcher"]``; events of other kinds may be started and ended.
``global_compiler_lock``, ``ffi.lib._lock``
    Numba's lock and LLVM's, taken in this order by a thread that compiles.
``numba.config``
    CPU_NAME, CPU_FEATURES and ENABLE_AVX say what differs from the host's CPU.
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import llvmlite
import llvmlite.binding
import numba
from llvmlite.binding import ffi
from numba import config, types
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler_lock import global_compiler_lock
from numba.core.serialize import dumps

from .linking import rebuilt


def apart_from_python(dispatcher, build, build_addressed=None):
    """Have kernels call what `build` makes in place of `dispatcher`, and with a caller's constants as numbers like others, for
    Numba compiles a function once for each constant. What `build_addressed` makes is called by its address. Nothing is done where
    NUMBA_DISABLE_JIT is set.

    What only kernels call is compiled without the function that converts Python's arguments, which takes as long as a kernel does.
    """
    if not hasattr(dispatcher, "get_call_template"):
        return
    inside = functools.cache(build)

    def template(kinds, named):
        return inside().get_call_template([types.unliteral(kind) for kind in kinds], named)

    dispatcher.get_call_template = template
    dispatcher.get_overload = lambda signature: inside().get_overload(signature)
    dispatcher.called_by_kernels = inside
    dispatcher.called_by_address = functools.cache(build_addressed or build)


def cache_class(allowed, entries):
    """A class for ``dispatcher._cache``: Numba's cache of a function in files of our own.

    Parameters
    ----------
    allowed : callable
        allowed(folder, given by the user): whether a folder may hold them.
    entries : callable
        entries(folder, name, stamp of the function's file): an object with `load(key)`, `save(key, data)` and `flush()`.

    Returns
    -------
    class
        Made of a function, `before_loading(function, caller, argument types)`, which is called before an entry is read, and the
        word for who calls it, "python", "kernels" or "address". RuntimeError where no folder is allowed or can be written.
    """
    def restricted(locator):
        class Restricted(locator):  # type: ignore[misc, valid-type]
            @classmethod
            def from_function(cls, function, file):
                found = super().from_function(function, file)
                given = locator.__name__ == "UserProvidedCacheLocator"
                return found if found is None or allowed(found.get_cache_path(), given) else None

        return Restricted

    class Folders(CompileResultCacheImpl):
        _locator_classes = [restricted(locator) for locator in CompileResultCacheImpl._locator_classes]

        def rebuild(self, target_context, payload):
            return rebuilt(target_context, payload) or super().rebuild(target_context, payload)

    class KernelCache(FunctionCache):
        _impl_class = Folders

        def __init__(self, function, before_loading, caller):
            super().__init__(function)
            self._function, self._caller, self._before_loading = function, caller, before_loading
            self._cache_file = entries(self._cache_path, f"{self._impl.filename_base}.{caller}",
                                       self._impl.locator.get_source_stamp())

        def load_overload(self, signature, target_context):
            self._before_loading(self._function, self._caller, signature)
            try:
                return super().load_overload(signature, target_context)
            except Exception:  # what another build of Numba or Python wrote: compiled anew, and written over
                return None

        def holds(self, kinds, target_context):
            """Whether the cache has an entry for such arguments."""
            return self._cache_file.holds(self._index_key(kinds, target_context.codegen()))  # type: ignore[attr-defined]

        def save_overload(self, signature, data):
            with contextlib.suppress(OSError):  # a full disk, or a folder that can no longer be written
                super().save_overload(signature, data)

    return KernelCache


def compiled_before(dispatcher, kinds):
    """Whether a dispatcher has code for arguments of such types, here or in the cache."""
    holds = getattr(dispatcher._cache, "holds", None)
    return kinds in dispatcher.overloads or holds is not None and holds(kinds, dispatcher.targetctx)


def serialised(data):
    """The bytes of what a cache saves, functions inside it too."""
    return dumps(data)


WAITING = "gammachain:waiting"  # an event: a thread waits for a kernel that another process compiles


@contextlib.contextmanager
def waiting_for(function):
    """A thread waits inside for a kernel that another process compiles."""
    event.start_event(WAITING, data={"function": function})
    try:
        yield
    finally:
        event.end_event(WAITING, data={"function": function})


class Compilations(event.Listener):
    """What Numba compiles in the thread that made this, or waits for, kernels that are called by others not among them.

    Attributes
    ----------
    names : list of str
        Of the functions compiled so far.
    nested : list of str
        Of those that were compiled inside others.
    seconds : float
        Spent on all of them.
    """

    def __init__(self, say: Callable[[Any], object]) -> None:
        self.names: list[str] = []
        self.nested: list[str] = []
        self.seconds = 0.0
        self._say, self._thread = say, threading.get_ident()
        self._depth, self._begun = 0, 0.0

    def on_start(self, event):
        """Numba begins to compile a function."""
        if threading.get_ident() != self._thread:
            return
        function = event.data["function"] if event.kind == WAITING else event.data["dispatcher"].py_func
        (self.nested if self._depth else self.names).append(function.__qualname__)
        self._depth += 1
        if self._depth == 1:
            self._begun = time.perf_counter()
            self._say(function)

    def on_end(self, event):
        """It is done."""
        if threading.get_ident() != self._thread:
            return
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._begun
            self._say(None)


@contextlib.contextmanager
def compilations(say=lambda function: None):
    """The Compilations inside; `say` is called with a function as it begins to be compiled, and with None as it is done."""
    listener = Compilations(say)
    with event.install_listener("numba:compile", listener), event.install_listener(WAITING, listener):
        yield listener


def compiler_locks():
    """Numba's lock, then LLVM's, as context managers, in the order in which a thread that compiles takes them."""
    return global_compiler_lock, ffi.lib._lock


def cpu_and_features():
    """The name of the CPU that kernels are compiled for, and its features as LLVM writes them: the host's, unless NUMBA_CPU_NAME,
    NUMBA_CPU_FEATURES or NUMBA_ENABLE_AVX say otherwise."""
    name = config.CPU_NAME or llvmlite.binding.get_host_cpu_name()  # type: ignore[attr-defined]
    if config.CPU_FEATURES is not None:  # type: ignore[attr-defined]
        return name, config.CPU_FEATURES  # type: ignore[attr-defined]
    features = llvmlite.binding.get_host_cpu_features()
    for feature in features:
        if feature.startswith("avx") and not config.ENABLE_AVX:  # type: ignore[attr-defined]
            features[feature] = False
    return name, features.flatten()


def versions():
    """Those of Numba and llvmlite."""
    return {"numba": numba.__version__, "llvmlite": llvmlite.__version__}
