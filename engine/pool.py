"""The pool of threads: `over` runs a serial kernel on a few of them where that pays, a range of its work at a time."""

from __future__ import annotations

import _thread
import atexit
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from schedulers import share

from . import checks, forks
from .kernels.linked import address_of
from .kernels.numba_internals import NEXT_BELL, new_bell, release_bell
from .kernels.threads import BELLS, FAILED, RANGES_EACH, STOP, launch, new_board, wait_for_jobs
from .thread_choice import Choice, Kind, Learner
from .turns import Turn, Turns

WORTH_A_THREAD = 2.5e5  # multiply-adds: about what a thread computes in the time it takes to hand a range to it
NAP = 1e-3  # seconds between two looks at whether another call is done with the threads
PATIENCE = 10 * NAP  # seconds for which nobody takes the threads for long after a call has waited to change their number
AGAIN = 1.0  # seconds after which threads are asked for once more, where the system gave too few
PAUSES = 2e-4, 2e-3  # seconds before a call from which on it takes longer: threads fall asleep, caches and cores cool down
STOPPED = new_board()
STOPPED[STOP] = 1


Given = TypeVar("Given")


class _Worker(threading.Thread):
    """A thread that takes ranges from a board, asleep on its bell once nothing has been posted for a while."""

    def __init__(self, board: NDArray[np.int64], slot: int) -> None:
        super().__init__(name="gammachain", daemon=True)
        self.board, self.slot, self.bell = board, slot, new_bell()

    def run(self) -> None:
        wait_for_jobs(self.board, self.bell, self.slot)

    def wake(self) -> None:
        """Have it look at the board again."""
        release_bell(self.bell)


class _Crew:
    """A board and the threads that watch it. A crew that was stopped, or whose start was interrupted, is never used again."""

    def __init__(self) -> None:
        self.board, self.whole = new_board(), True
        self.workers: list[_Worker] = []

    def grow(self, threads: int) -> bool:
        """Start threads until there are `threads` of them or the system gives no more. Returns whether all were started."""
        self.whole = False  # and stays so after an interrupt
        done = threading.Lock()
        done.acquire()
        try:
            _thread.start_new_thread(self._start, (threads, done))
        except (RuntimeError, MemoryError):
            done.release()
        done.acquire()
        self.whole = True
        return len(self.workers) == threads

    def _start(self, threads: int, done: _thread.LockType) -> None:
        """Start the threads. This runs on a thread of its own, where Python raises no interrupt.

        An interrupt inside `Thread.start` can leave a thread running and raise the same RuntimeError as a system that gives no
        more threads, or leave a lock taken that the new thread waits for.
        """
        try:
            while len(self.workers) < threads and not self.board[STOP]:
                self.workers.append(_Worker(self.board, len(self.workers) + 1))
                self.workers[-1].start()
                self._hang()
        except (RuntimeError, MemoryError):  # the system gives no more
            self.workers.pop()
        finally:
            done.release()

    def _hang(self) -> None:
        """Have callers ring the newest thread's bell after those of the others."""
        address = self.workers[-1].bell.ctypes.data
        if len(self.workers) > 1:
            self.workers[-2].bell[NEXT_BELL] = address
        else:
            self.board[BELLS] = address

    @property
    def usable(self) -> bool:
        """Whether the crew can be given work."""
        return self.whole and not self.board[STOP]

    def stop(self) -> None:
        """End the threads. It does no harm to call this twice, or again after an interrupt."""
        self.board[STOP] = 1
        for worker in self.workers:
            worker.wake()
        for worker in self.workers:
            if worker.is_alive():
                worker.join()


class _Pool:
    """The threads of this process. A forked child forgets them and starts its own."""

    def __init__(self) -> None:
        self.count, self.learner = share.machine(), Learner()
        self.forget()

    def forget(self) -> None:
        """Start afresh, without stopping anything."""
        self.turns, self._crew, self._asked = Turns(), _Crew(), -AGAIN
        self.wanted = -math.inf  # when a call last waited to resize the pool
        self.addresses: dict[Any, int] = {}
        self.ended = 0.0  # when the last call did
        self.learner.forget()

    @property
    def workers(self) -> list[_Worker]:
        """The threads that are running."""
        return self._crew.workers

    def close(self) -> None:
        """End the threads as the interpreter exits. A daemon thread that still computes does so alone."""
        self.count = 1
        self._crew.stop()

    def resize(self, count: int) -> None:
        """Use `count` threads from now on. The caller must have the turn."""
        self._crew.stop()
        self.count = count

    def awake(self, threads: int) -> tuple[NDArray[np.int64], int]:
        """A board that at most `threads` threads watch, the caller included, and how many do. The caller must have the turn."""
        crew = self._started()
        threads = min(threads, len(crew.workers) + 1)
        return crew.board, threads

    def run(self, threads: int, address: int, count: int, arguments: tuple[Any, ...]) -> int:
        """Run the kernel at `address` on threads; 0 where its arguments are too many, and nothing was run. The caller must have
        the turn."""
        board, threads = self.awake(threads)
        return _launch(board, threads, address, count, arguments)

    def _started(self) -> _Crew:
        """A crew with as many threads as it should have, or as the system gives."""
        if not self._crew.usable:
            self._crew.stop()
            self._crew = _Crew()
        crew = self._crew
        if len(crew.workers) != self.count - 1 and time.monotonic() - self._asked >= AGAIN:
            wait_for_jobs(STOPPED, new_board(), 0)  # compiles it here: a thread that compiles would hold Numba's lock
            if not crew.grow(self.count - 1):
                self._asked = time.monotonic()
        return crew

    def address(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
        """Where the machine code of the kernel lies that takes arguments of these types."""
        key = function, _dtype(arguments)
        found = self.addresses.get(key)
        if found is None:
            found = self.addresses[key] = address_of(function, (*arguments, (0, 1, 0)))
        return found


def _dtype(arguments: Sequence[Any]) -> np.dtype[Any] | None:
    """The dtype of the first array of floats among the arguments, tuples of them included."""
    for argument in arguments:
        if type(argument) is np.ndarray and argument.dtype.kind == "f":
            return argument.dtype
    return next(filter(None, (_dtype(argument) for argument in arguments if isinstance(argument, tuple))), None)


def _launch(board: NDArray[np.int64], threads: int, address: int, count: int, arguments: tuple[Any, ...]) -> int:
    """Run the kernel at `address` on a board. 0 where its arguments are too many, and nothing was run."""
    launched: int = launch(address, arguments, board, count, min(count, RANGES_EACH * threads) if threads > 1 else 1, threads)
    checks.workspace_found(board[FAILED])
    return launched


_pool, _caller = _Pool(), threading.local()
learner = _pool.learner
atexit.register(_pool.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)
    forks.wait_for_compilation()


def thread_count() -> int:
    """Number of threads of the pool, the caller's own included."""
    return _pool.count


def num_threads() -> int:
    """The most threads that the caller may use: all of them, or the share of a sweep's worker, which is smaller."""
    return min(_pool.count, share.cores())


def threads_for(work: float) -> int:
    """Number of threads that `work` multiply-adds are worth. Small work does not even ask how many there are."""
    worth = int(work / WORTH_A_THREAD)
    return min(worth, num_threads()) if worth > 1 else 1


def learnt() -> list[dict[str, Any]]:
    """What calls have taught: for each kernel, size of work (at least half of, below `multiply_adds`) and pause before the call
    (at least `pause` seconds), how many threads are used now, and the time that all `most` of them take, as a share of one's."""
    names: dict[int | str, str] = {address: function.__name__ for (function, _), address in list(_pool.addresses.items())}
    found = [(kind.key, kind) for kind in learner.learnt() if isinstance(kind.key, Kind)]
    return [{"kernel": names.get(key.kernel, key.kernel), "multiply_adds": 2**key.bits, "pause": (0.0, *PAUSES)[key.pause],
             "threads": kind.threads, "most": kind.most, "share": kind.share} for key, kind in found]


def choice_for(kernel: int | str, work: float, threads: int, now: float) -> Choice:
    """The choice between one thread and `threads` for a call that begins now: of the kernel at an address, or under a name, on
    `work` multiply-adds, after as long a pause as there was."""
    pause = now - _pool.ended
    return learner.choice(Kind(kernel, math.frexp(work)[1], (pause > PAUSES[0]) + (pause > PAUSES[1])), threads)


def limit_threads(rows: NDArray[Any]) -> None:
    """From now on, a call of `over` in this Python thread with `rows` among its arguments uses at most len(rows) threads."""
    _caller.rows = rows


def resize(k: int) -> None:
    """Use `k` threads from now on, as soon as no other call uses them; where that many are used already, nothing is done."""
    if k == _pool.count:
        return
    turns, turn = _pool.turns, Turn()
    try:
        while not turns.take(turn):
            _pool.wanted = time.monotonic()
            time.sleep(NAP)
        _pool.resize(k)
    finally:
        turn.end()


def lend(threads: int, work: Callable[[NDArray[np.int64], int], Given]) -> Given:
    """Call ``work(board, threads)`` and give what it gives: for kernels that `launch` jobs of their own, for as long as they like.

    Parameters
    ----------
    threads : int
        The most that are wanted, the caller's own included.
    work : callable
        It is given the board that the threads watch and how many do, which is 1, the caller's own, where another caller uses the
        threads, or waits to change their number.
    """
    if threads > 1 and not numba.config.DISABLE_JIT and time.monotonic() - _pool.wanted > PATIENCE:  # type: ignore[attr-defined]
        turns, turn = _pool.turns, Turn()
        try:
            if turns.take(turn):
                return work(*_pool.awake(threads))
        finally:
            turn.end()
    return work(STOPPED, 1)


def over(count: int, work: float, function: Callable[..., Any], *arguments: Any) -> None:
    """Call ``function(*arguments, (first, stop, slot))`` for ranges that make up 0 … count, on threads where that pays.

    Parameters
    ----------
    count : int
        Number of items to go through.
    work : float
        Multiply-adds that all of them take. Small work stays on the caller's thread, as does all work while another caller uses
        the threads, and work that takes less time so at present (`learner`).
    function : kernel
        A serial kernel that releases the GIL and whose results do not depend on how 0 … count is cut into ranges. Two calls that
        run at the same time never have the same slot. The slot selects a row of the `thread_workspaces` among the arguments,
        which has a row for each thread that takes part, even if `set_num_threads` is called meanwhile.
    """
    threads = min(count, threads_for(work))
    if threads > 1:
        threads = min(threads, _rows(arguments))
    if threads < 2 or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        function(*arguments, (0, count, 0))
        return
    address, choice = _pool.address(function, arguments), None
    if learner.learning:
        started = time.perf_counter()
        choice = choice_for(address, work, threads, started)
        threads = choice.threads()
    launched, taken = 0, False
    if threads > 1:
        turns, turn = _pool.turns, Turn()
        try:
            taken = turns.take(turn)
            if taken:
                launched = _pool.run(threads, address, count, arguments)
        finally:
            turn.end()
    if not taken:
        launched = _launch(_own_board(), 1, address, count, arguments)
    if launched == 0:
        function(*arguments, (0, count, 0))
    elif choice is not None and (taken or threads == 1):
        _pool.ended = ended = time.perf_counter()
        choice.took(threads, ended - started, work)


def _rows(arguments: tuple[Any, ...]) -> int:
    """The most threads that the workspaces among the arguments have rows for."""
    rows = getattr(_caller, "rows", None)
    if rows is not None:
        for argument in arguments:
            if argument is rows:
                return len(rows)
    return sys.maxsize


def _own_board() -> NDArray[np.int64]:
    """A board of the calling Python thread that no other thread watches, for calls on one."""
    board: NDArray[np.int64] | None = getattr(_caller, "board", None)
    if board is None:
        _caller.board = board = new_board()
    return board
