"""Threads: one thin driver that hands ranges of a serial kernel to a few of them."""

import os
import platform
import threading
from concurrent.futures import ThreadPoolExecutor

import llvmlite
import numba
import numpy as np
import scipy

from . import checks

WORTH_A_THREAD = 1.5e6  # multiply-adds; handing a range to a thread costs 25 µs, some 1e6 of them in small layers
RANGES = 4  # chunks of a sum a thread gets at most, so that none waits long for the others


class _Pool:
    """The threads of this process; forgotten by a forked child, which starts its own."""

    def __init__(self):
        self.count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.forget()

    def forget(self):
        self._lock = threading.Lock()
        self._executor = None

    def resize(self, count):
        with self._lock:
            self.count, old, self._executor = count, self._executor, None
        if old is not None:
            old.shutdown(wait=False)

    def submit(self, function, *arguments):
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(max(1, self.count - 1), thread_name_prefix="gammachain")
            return self._executor.submit(function, *arguments)


_pool = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)


def over(count, work, function, *arguments):
    """Call ``function(*arguments, (first, last))`` over ranges that make up 0 … count, on threads where the work is worth it.

    Parameters
    ----------
    count : int
        What there is to split.
    work : float
        Multiply-adds in all; small work stays on the caller's thread.
    function : kernel
        Serial, free of the GIL, and indifferent to how the range is cut.
    """
    if work < 2 * WORTH_A_THREAD or count < 2 or _pool.count == 1:
        function(*arguments, (0, count))
        return
    threads = min(_pool.count, count, int(work / WORTH_A_THREAD))
    cuts = [count * i // threads for i in range(threads + 1)]
    waiting = [_pool.submit(function, *arguments, pair) for pair in zip(cuts[1:], cuts[2:])]
    try:
        function(*arguments, (0, cuts[1]))
    finally:
        for future in waiting:
            future.result()


def sum_chunks(blocks, work):
    """Into how many nodes of the tree of sums to split `blocks` blocks: enough for every thread, and no more."""
    threads = min(_pool.count, int(work / WORTH_A_THREAD))
    if threads < 2 or blocks < 2:
        return 1
    size = 1
    while size * threads * RANGES < blocks:
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
    _pool.resize(checks.whole_number(k, "k", 1))


def num_threads():
    """The number of threads in use."""
    return _pool.count


def show_config():
    """Print what the engine runs on: versions, the CPU that LLVM compiles for, threads, the kernels' cache.

    Returns
    -------
    dict
        The same by name.
    """
    from .kernels.forward import propagate

    cpu = numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    found = {"python": platform.python_version(), "numba": numba.__version__, "numpy": np.__version__,
             "scipy": scipy.__version__, "llvmlite": llvmlite.__version__, "cpu": cpu, "threads": _pool.count,
             "cache": propagate.stats.cache_path if hasattr(propagate, "stats") else None}
    for name, value in found.items():
        print(f"{name:10} {value}")
    return found
