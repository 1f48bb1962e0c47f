"""Where runs run: processes with their share of the cores, threads, or an executor that was given."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, NoReturn

from . import share
from . import sweep_checks as checks
from .outcome import outcome
from .typing import Outcome, Settings

AHEAD = 2  # runs handed out for each worker, so that none waits for its next
VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
             "VECLIB_MAXIMUM_THREADS")


class Processes:
    """Spawned processes that die with this one."""

    def __init__(self, run: Callable[..., Any], stored: bool, count: int) -> None:
        self._payload, self._stored, self._count = _payload(run), stored, count
        self.window = AHEAD * count
        self.begin()

    def begin(self) -> None:
        """Start processes, and wait for one that can run."""
        cores = max(1, share.machine() // self._count)
        self._context = _Spawn({name: os.environ.get(name, str(cores)) for name in VARIABLES})
        self._pool = ProcessPoolExecutor(self._count, self._context, _begin, (self._payload, self._stored, cores))
        try:
            self._pool.submit(_ready).result()
        except BrokenExecutor as error:
            raise RuntimeError("the worker processes end before they can run anything: see above what they say. A script that "
                               'calls sweep does so under `if __name__ == "__main__":`, since each process imports the '
                               "script") from error

    def submit(self, settings: Settings) -> Future[Outcome]:
        """A future of the outcome."""
        return self._pool.submit(_outcome_here, settings)

    def mend(self, error: BaseException) -> str:
        """New processes for those that broke; how the first one died."""
        self._pool.shutdown()
        codes = [code for code in self._context.exit_codes() if code != -signal.SIGTERM] or [-signal.SIGTERM]
        self.begin()
        return f"exit code {codes[0]}"

    def stop(self) -> None:
        """End at once."""
        self._context.kill()
        self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """End when nothing is left to run."""
        self._pool.shutdown()


class Threads:
    """Threads of this process."""

    def __init__(self, run: Callable[..., Any], stored: bool, count: int) -> None:
        self._run, self._stored, self.window = run, stored, AHEAD * count
        self._pool = ThreadPoolExecutor(count, "sweep", share.take_for_thread, (max(1, share.machine() // count),))

    def submit(self, settings: Settings) -> Future[Outcome]:
        """A future of the outcome."""
        return self._pool.submit(outcome, self._run, settings, self._stored)

    def stop(self) -> None:
        """Wait for what has begun; the rest is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def mend(self, error: BaseException) -> NoReturn:
        """Threads of this process do not break."""
        raise error

    close = stop


class Given:
    """A user's executor, which stays open."""

    def __init__(self, executor: Executor, run: Callable[..., Any], stored: bool, window: int) -> None:
        self._executor, self._run, self._stored, self.window = executor, run, stored, window
        self._futures: set[Future[Outcome]] = set()

    def submit(self, settings: Settings) -> Future[Outcome]:
        """A future of the outcome."""
        future = self._executor.submit(outcome, self._run, settings, self._stored)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def mend(self, error: BaseException) -> NoReturn:
        """It cannot be."""
        raise RuntimeError(f"the executor given, {self._executor!r}, no longer works. What finished is in the store, where there "
                           "is one; call again with a new executor to go on") from error

    def stop(self) -> None:
        """Cancel what has not begun."""
        for future in list(self._futures):
            future.cancel()

    def close(self) -> None:
        """Nothing is left to do."""


def crew(executor: Executor | str | None, run: Callable[..., Any], stored: bool, runs: int,
         workers: int | None) -> Processes | Threads | Given:
    """The workers for so many runs."""
    if isinstance(executor, Executor):
        return Given(executor, run, stored, workers or runs)
    return (Processes if executor is None else Threads)(run, stored, min(workers or share.machine(), runs))


class _Spawn(SpawnContext):
    """Spawns processes whose environment has these variables too."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables
        self._processes: list[_Process] = []

    def Process(self, *args: Any, **keywords: Any) -> SpawnProcess:  # type: ignore[override]
        process = _Process(*args, **keywords)
        process.variables = self._variables
        self._processes.append(process)
        return process

    def exit_codes(self) -> list[int]:
        """Of those that ended."""
        return [process.exitcode for process in self._processes if process.exitcode is not None]

    def kill(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()


class _Process(SpawnProcess):
    variables: dict[str, str]

    def start(self) -> None:
        with _environment(self.variables), _no_interrupts():
            super().start()


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """SIGINT is held back, and stays so in what is started inside: an interrupt is the sweep's to handle."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_environment_lock = threading.Lock()


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """os.environ with `variables`, for what is started inside: libraries read them when a child's own script imports them."""
    with _environment_lock:
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _payload(run: Callable[..., Any]) -> bytes:
    """`run` as bytes: by reference where another process can import it, else by value, which cloudpickle can."""
    try:
        by_reference, reason = pickle.dumps(run), "it is in a notebook or a command line"
    except Exception as error:  # whatever the object's own code raises
        by_reference, reason = None, str(error)
    main = sys.modules["__main__"]
    nameless = getattr(main, "__spec__", None) is None and getattr(main, "__file__", None) is None
    if by_reference is not None and not (nameless and b"__main__" in by_reference):
        return by_reference
    try:
        import cloudpickle
    except ImportError:
        return checks.can_travel(None, run, reason)
    return cloudpickle.dumps(run)


_here: tuple[Any, ...] = ()  # in a worker: the function, once for all runs, and whether outcomes are stored


def _begin(payload: bytes, stored: bool, cores: int) -> None:
    global _here
    _here = payload, stored
    share.take_for_process(cores)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _ready() -> None:
    global _here
    if isinstance(_here[0], bytes):
        _here = pickle.loads(_here[0]), _here[1]


def _outcome_here(settings: Settings) -> Outcome:
    _ready()
    run, stored = _here
    return outcome(run, settings, stored)
