"""Helper processes: they fill the cache with kernels that a call is about to need, while this process compiles the rest.

LLVM takes most of the time of a first call, and in one process it works on one core. Whoever knows what will be needed calls
`compile_in_helpers`, and goes on as if nothing had happened: a kernel that a helper has begun with is waited for and read from the
cache, and all others are compiled here. No result depends on it, and no failure of a helper is one of the call.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numba
import numpy as np

from .kernels.linked import Entry, elsewhere, entries_to_compile, entry_to_compile, kinds_of
from .kernels.numba_internals import waiting_for
from .kernels.threads import launch, wait_for_jobs
from .typing import DType

LEAST = 4  # kernels that are worth a process, which takes 0.7 s to import Numba
MOST = 3  # processes
LOOK = 2e-3  # seconds between two looks whether a kernel is there
LONGEST = 60.0  # seconds for which one is waited for before it is compiled here
LIST = "entries"
# the package under its name, without what stands above the kernels: 0.7 s to import where all of it takes 1.4
WORKER = """import sys, types
package, folder, claims, sys.path[:] = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
sys.modules[package] = types.ModuleType(package)
sys.modules[package].__path__ = [folder]
__import__(package + ".helper_processes")
sys.modules[package + ".helper_processes"].serve(claims)"""


class _Claims:
    """A folder with a list of entries, in which each of several processes says with which of them it has begun."""

    def __init__(self, folder: str) -> None:
        self.folder = pathlib.Path(folder)

    def take(self, number: int) -> bool:
        """Begin with an entry; False where another process has."""
        try:
            os.close(os.open(self.folder / str(number), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def done(self, number: int) -> None:
        """Say that an entry is in the cache, or cannot be compiled here."""
        (self.folder / f"{number}.done").touch()

    def is_done(self, number: int) -> bool:
        """Whether that was said."""
        return (self.folder / f"{number}.done").exists()


def serve(folder: str) -> None:
    """Compile the entries listed in a folder that nobody has begun with, from the last on, until the caller ends."""
    claims, caller = _Claims(folder), os.getppid()
    for number, entry in reversed(list(enumerate(pickle.loads((claims.folder / LIST).read_bytes())))):
        if os.getppid() != caller:
            shutil.rmtree(folder, ignore_errors=True)
            return
        if claims.take(number):
            with contextlib.suppress(Exception):
                entry.compile(import_module(entry.module))
            claims.done(number)


class _Helpers:
    """The processes that compile for this one."""

    def __init__(self) -> None:
        self.wanted = True
        self._lock = threading.Lock()
        self._known: set[Hashable] = set()  # of what was asked for before
        self._processes: list[subprocess.Popen[bytes]] = []
        self._claims: _Claims | None = None
        self._numbers: dict[Entry, int] = {}  # of the entries that this process has not asked for yet
        self._pid = 0

    def begin(self, entries: Sequence[Entry], count: int) -> None:
        """Have `count` processes compile entries, the last ones first, unless others are still at work."""
        with self._lock:
            if self._pid == os.getpid() and any(process.poll() is None for process in self._processes):
                return
            self.close()
            if self._pid == 0:
                atexit.register(self.close)
            self._pid, self._claims = os.getpid(), _Claims(tempfile.mkdtemp(prefix="gammachain-"))
            (self._claims.folder / LIST).write_bytes(pickle.dumps(list(entries)))
            self._numbers = {entry: number for number, entry in enumerate(entries)}
            cache = numba.config.CACHE_DIR  # type: ignore[attr-defined]
            package, folder = str(__package__), str(pathlib.Path(__file__).parent)
            command = [sys.executable, "-c", WORKER, package, folder, str(self._claims.folder), *map(str, sys.path)]
            quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
            for _ in range(count):  # in a session of their own, so that Ctrl-C reaches this process alone
                self._processes.append(subprocess.Popen(command, env=environment, start_new_session=True, **quiet))

    def ask(self, function: Callable[..., Any], entry: Entry) -> None:
        """Return once the cache has an entry that another process has begun with."""
        if not self._numbers or self._pid != os.getpid() or self._claims is None:
            return
        number = self._numbers.pop(entry, None)
        if number is None or self._claims.take(number):
            return
        with waiting_for(function):
            latest = time.monotonic() + LONGEST
            while not self._claims.is_done(number) and time.monotonic() < latest:
                if any(process.poll() for process in self._processes):  # one has failed
                    return
                time.sleep(LOOK)

    def close(self) -> None:
        """End the processes, unless they are another's, from which this one was forked."""
        processes, claims, self._processes, self._claims, self._numbers = self._processes, self._claims, [], None, {}
        if self._pid != os.getpid():
            return
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        if claims is not None:
            shutil.rmtree(claims.folder, ignore_errors=True)


_helpers = _Helpers()


@contextlib.contextmanager
def without_helpers() -> Iterator[None]:
    """Inside it no helper is started."""
    before, _helpers.wanted = _helpers.wanted, False
    try:
        yield
    finally:
        _helpers.wanted = before


def compile_in_helpers(key: Hashable, threads: int, entries: Callable[[], Sequence[Entry]]) -> None:
    """Have helpers compile what a call is about to need, where that is much and nothing stands against it.

    Parameters
    ----------
    key : hashable
        The same for calls that need the same: only the first looks into the cache.
    threads : int
        How many cores the caller may use. With one, nothing is done.
    entries : callable
        It gives what has yet to be compiled, in the order in which it is needed.
    """
    if key in _helpers._known:
        return
    _helpers._known.add(key)
    if threads < 2 or not _helpers.wanted or numba.config.DISABLE_JIT or not _is_python():  # type: ignore[attr-defined]
        return
    with contextlib.suppress(Exception):
        found = entries()
        if len(found) >= LEAST:
            elsewhere.ask = _helpers.ask
            _helpers.begin(found, min(threads - 1, MOST, len(found) // LEAST))


class KernelCall(NamedTuple):
    """A kernel that is about to be called from Python, with such arguments.

    Attributes
    ----------
    function : kernel
    arguments : tuple
    threads : int, optional
        On how many `pool.over` calls it; None where it is called without.
    """

    function: Any
    arguments: tuple[Any, ...]
    threads: int | None = None


def entries_of(calls: Iterable[KernelCall], codes: dict[Any, tuple[int, ...]], dtype: DType) -> dict[Entry, Any]:
    """What has yet to be compiled for calls, in the order in which it is needed: {Entry: function}.

    `codes` has those of each family that are used.
    """
    found: dict[Entry, Any] = {}
    for function, arguments, threads in calls:
        found |= entries_to_compile([function] if threads is None or threads < 2 else [function, launch], codes, dtype)
        found |= _called_directly(function, arguments) if threads is None else _called_over(function, threads, arguments)
    return found


def _called_directly(function: Any, arguments: tuple[Any, ...]) -> dict[Entry, Any]:
    """A kernel as Python calls it, besides what it calls by symbol."""
    return entry_to_compile(function, "python", kinds_of(*arguments))


def _called_over(function: Any, threads: int, arguments: tuple[Any, ...]) -> dict[Entry, Any]:
    """A kernel as `pool.over` calls it, besides what it calls by symbol."""
    board, span = np.empty(0, np.int64), (0, 0, 0)
    if threads < 2:
        return _called_directly(function, (*arguments, span))
    return {**_called_directly(wait_for_jobs, (board, board, 0)),
            **entry_to_compile(function, "address", kinds_of(*arguments, span)),
            **_called_directly(launch, (0, arguments, board, 0, 0, 0))}


def _is_python() -> bool:
    """Whether this program is Python's own, and not another in which it is embedded, or one that was frozen."""
    return not getattr(sys, "frozen", False) and pathlib.Path(sys.executable or "").name.lower().startswith("python")
