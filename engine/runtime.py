"""Threads: one thin driver that hands ranges of a serial kernel to a few of them."""

import _thread
import atexit
import os
import platform
import threading
import time

import llvmlite
import numba
import numpy as np
import scipy

from schedulers import share

from . import checks, forks
from .kernels.layout import LINE
from .kernels.linked import address_of
from .kernels.threads import FAILED, STOP, launch, new_board, wait_for_jobs
from .turns import Turn, Turns

WORTH_A_THREAD = 2.5e5  # multiply-adds, about what a thread does while a range is handed to it
RANGES = 16  # ranges for each thread, so that none waits long for the others: 4 take 8 percent longer for a gradient of C
NODES = 1 << 21  # bytes of the nodes of a sum
NAP = 1e-3  # seconds between looks at whether another thread's call is done
AGAIN = 1.0  # seconds until threads are asked for once more where the system gave none
STOPPED = new_board()
STOPPED[STOP] = 1


class _Worker(threading.Thread):
    """A thread that takes ranges from a board, and sleeps when nothing was posted for a while."""

    def __init__(self, board, slot):
        super().__init__(name="gammachain", daemon=True)
        self.board, self.slot, self._bell = board, slot, threading.Lock()
        self._bell.acquire()

    def run(self):
        while not self.board[STOP]:
            wait_for_jobs(self.board, self.slot)
            self._bell.acquire()  # at once where a call came while it looked or waited for the GIL: one in three of some 5 ms

    def wake(self):
        try:
            self._bell.release()  # no Event or Semaphore: an interrupt inside one leaves its lock held
        except RuntimeError:  # it rings already
            pass


class _Team:
    """A board and the threads that look at it. One that was told to stop, or whose start was interrupted, is never used again."""

    def __init__(self):
        self.board, self.workers, self.whole = new_board(), [], True

    def grow(self, threads):
        """Start threads until there are so many, or the system gives no more; whether all could be started."""
        self.whole = False  # an interrupt inside leaves it so
        done = threading.Lock()
        done.acquire()
        try:
            _thread.start_new_thread(self._start, (threads, done))
        except (RuntimeError, MemoryError):
            done.release()
        done.acquire()
        self.whole = True
        return len(self.workers) == threads

    def _start(self, threads, done):
        """Start threads from a thread where no interrupt comes: in the midst of `Thread.start` one can leave a thread running and
        raise the very RuntimeError of a system that gives none, or leave a lock taken that the new thread waits for."""
        try:
            while len(self.workers) < threads and not self.board[STOP]:
                self.workers.append(_Worker(self.board, len(self.workers) + 1))
                self.workers[-1].start()
        except (RuntimeError, MemoryError):  # the system gives no more
            self.workers.pop()
        finally:
            done.release()

    @property
    def usable(self):
        """Whether it can be given work."""
        return self.whole and not self.board[STOP]

    def stop(self):
        """End its threads. To do so twice, or again after an interrupt, does no harm."""
        self.board[STOP] = 1
        for worker in self.workers:
            worker.wake()
        for worker in self.workers:
            if worker.is_alive():
                worker.join()


class _Pool:
    """The threads of this process; forgotten by a forked child, which starts its own."""

    def __init__(self):
        self.count = share.machine()
        self.forget()

    def forget(self):
        self.turns, self._team, self._addresses, self._asked = Turns(), _Team(), {}, -AGAIN

    @property
    def workers(self):
        """The threads that were started."""
        return self._team.workers

    def close(self):
        """End the threads with the interpreter; a daemon thread that goes on works alone."""
        self.count = 1
        self._team.stop()

    def resize(self, count):
        """Use `count` threads; called by whoever has the turn."""
        self._team.stop()
        self.count = count

    def run(self, threads, count, function, arguments):
        """Run the kernel on threads; called by whoever has the turn."""
        team = self._started()
        threads = min(threads, len(team.workers) + 1)
        if threads < 2:
            function(*arguments, (0, count, 0))
            return
        for worker in team.workers[:threads - 1]:
            worker.wake()
        board = team.board
        if launch(self._address(function, arguments), arguments, board, count, min(count, RANGES * threads), threads) == 0:
            function(*arguments, (0, count, 0))
        checks.workspace_found(board[FAILED])

    def _started(self):
        """A team with the threads it should have, or those that the system gives."""
        if not self._team.usable:
            self._team.stop()
            self._team = _Team()
        team = self._team
        if len(team.workers) != self.count - 1 and time.monotonic() - self._asked >= AGAIN:
            wait_for_jobs(STOPPED, 0)  # compiled here: a thread that compiles holds Numba's lock
            if not team.grow(self.count - 1):
                self._asked = time.monotonic()
        return team

    def _address(self, function, arguments):
        key = function, _dtype(arguments)
        if key not in self._addresses:
            self._addresses[key] = address_of(function, (*arguments, (0, 1, 0)))
        return self._addresses[key]


def _dtype(arguments):
    """The dtype of the first array of floats."""
    for argument in arguments:
        if type(argument) is np.ndarray and argument.dtype.kind == "f":
            return argument.dtype
    return next(filter(None, (_dtype(argument) for argument in arguments if isinstance(argument, tuple))), None)


_pool, _mine = _Pool(), threading.local()
atexit.register(_pool.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)
    forks.wait_for_compilation()


def _threads_for(work):
    """How many threads so many multiply-adds are worth; little work does not ask how many there are."""
    worth = int(work / WORTH_A_THREAD)
    return min(worth, num_threads()) if worth > 1 else 1


def over(count, work, function, *arguments):
    """Call ``function(*arguments, (first, last, slot))`` over ranges that make up 0 … count, on threads where the work is worth it.

    Parameters
    ----------
    count : int
        What there is to split.
    work : float
        Multiply-adds in all; small work stays on the caller's thread, and so does that of a caller who finds the threads busy
        with another's.
    function : kernel
        Serial, free of the GIL, and indifferent to how the range is cut; no two that run at once have the same slot, a row of
        the `workspace` among the arguments, which has a row for each thread that takes part, whatever `set_num_threads` says
        meanwhile.
    """
    threads = min(count, _threads_for(work))
    if threads > 1:
        room = getattr(_mine, "workspace", None)
        if room is not None and any(argument is room for argument in arguments):
            threads = min(threads, len(room))
    if threads < 2 or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        function(*arguments, (0, count, 0))
        return
    turns, turn = _pool.turns, Turn()
    try:
        taken = turns.take(turn)
        if taken:
            _pool.run(threads, count, function, arguments)
    finally:
        turn.end()
    if not taken:
        function(*arguments, (0, count, 0))


def aligned(numbers, dtype):
    """A new array of so many numbers that begins with a cache line."""
    raw = np.empty((numbers + LINE // dtype.itemsize) * dtype.itemsize, np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first:first + numbers * dtype.itemsize].view(dtype)


def workspace(numbers, dtype):
    """An array [threads, numbers or more], a row for each thread: the caller's until it asks for one again.

    The number of threads is read once, here: `over` gives no more threads a slot than the array has rows. Fresh memory costs as
    much as the work in it: a gradient of 64-64-32-10, 1797 samples, float32: 0.50 ms down to 0.41.
    """
    threads = _pool.count
    wanted = threads * (-(-numbers * dtype.itemsize // LINE) + 1) * LINE
    _mine.workspace = rows = _memory(wanted).view(dtype).reshape(threads, -1)
    return rows


def scratch(numbers, dtype):
    """An array of so many numbers that all threads share, in the memory of `workspace`: the caller's until it asks for either
    again."""
    return _memory(numbers * dtype.itemsize).view(dtype)


def _memory(wanted):
    """So many bytes of the calling thread's own, kept from call to call."""
    kept = getattr(_mine, "memory", None)
    if kept is None or kept.size < wanted:
        _mine.memory = kept = aligned(wanted, np.dtype(np.uint8))
    return kept[:wanted]


def sum_chunks(blocks, work, bytes_each):
    """Into how many nodes of the tree of sums, of `bytes_each` bytes, to split `blocks` blocks: enough for every thread, and few
    enough to stay in the cache."""
    threads = _threads_for(work)
    if threads < 2 or blocks < 2:
        return 1
    size, most = 1, max(2 * threads, min(16 * threads, NODES // bytes_each))
    while size * most < blocks:
        size *= 2
    return -(-blocks // size)


def set_num_threads(k):
    """Use `k` threads, the caller's own included, in every later call of this process.

    Parameters
    ----------
    k : int
        At least 1; may be larger than the number of cores. No result depends on it.

    Examples
    --------
    >>> import engine
    >>> engine.set_num_threads(2)
    """
    k = checks.whole_number(k, "k", 1)
    turns, turn = _pool.turns, Turn()
    try:
        while not turns.take(turn):
            time.sleep(NAP)
        _pool.resize(k)
    finally:
        turn.end()


def num_threads():
    """The most threads that the caller may use: fewer than there are for a worker of a sweep, whose share is smaller."""
    return min(_pool.count, share.cores())


def show_config():
    """Print what the engine runs on: versions, the CPU that LLVM compiles for, threads, the kernels' cache.

    Returns
    -------
    dict
        The same by name.
    """
    from .kernels.forward import propagate

    cpu = numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()  # type: ignore[attr-defined]
    found = {"python": platform.python_version(), "numba": numba.__version__, "numpy": np.__version__,
             "scipy": scipy.__version__, "llvmlite": llvmlite.__version__, "cpu": cpu, "threads": _pool.count,
             "cache": propagate.stats.cache_path if hasattr(propagate, "stats") else None}
    for name, value in found.items():
        print(f"{name:10} {value}")
    return found
