"""Forks while another thread compiles kernels or reads them from the cache, and processes that fill one cache at once."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT, process

pytestmark = [pytest.mark.robustness, pytest.mark.compiled]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_that_are_forked_while_a_thread_compiles_work(tmp_path):
    out = process("""
import os, random, signal, threading, time
import numpy as np, engine
from engine.kernels.checks import first_not_finite
done, random_, children = threading.Event(), random.Random(0), []
def compiles():
    from numba import njit
    while not done.is_set():  # the same kernels, each time from nothing
        for k in range(3):
            njit(lambda a, k=k: (a * k).sum())(np.ones(3))
thread = threading.Thread(target=compiles)
thread.start()
for _ in range(25):
    time.sleep(random_.uniform(0, 0.15))
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        values = np.ones(4, random_.choice([np.float32, np.float64]))
        os._exit(0 if first_not_finite(values) == -1 else 1)
    children.append(child)
done.set()
thread.join()
print([os.waitpid(child, 0)[1] for child in children].count(0))
""", PYTHONWARNINGS="ignore", NUMBA_CACHE_DIR=str(tmp_path))
    assert out == "25\n"


def test_processes_that_fill_one_cache_at_once_leave_it_right(tmp_path):
    """Each compiles the kernel for other arguments than its neighbour: none may find the other's code under its own name."""
    code = """
import sys
import numpy as np, engine
from engine.kernels.checks import first_not_finite
for dtype in [np.float32, np.float64][::int(sys.argv[1])]:
    values = np.ones(64, dtype)
    values[63] = np.inf
    assert first_not_finite(values) == 63
print(sum(first_not_finite.stats.cache_hits.values()))
"""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        running = [subprocess.Popen([sys.executable, "-c", code, str(side)], env=variables, cwd=ROOT, stdout=subprocess.PIPE,
                                    text=True) for side in (1, -1)]
        hits = [process.communicate(timeout=200)[0] for process in running]
        assert [process.returncode for process in running] == [0, 0]
    assert hits == ["2\n", "2\n"] and not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".nbc"]


def test_no_flipped_byte_of_a_cached_kernel_is_run(tmp_path):
    """Each of many flips is compiled anew, with the same result."""
    import numpy as np

    from engine.kernels import cache

    entries = cache._Entries(tmp_path, "kernel", "stamp")
    entries.save("int64", list(range(200)))
    path, = tmp_path.iterdir()
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    for at in generator.integers(0, len(whole), 400).tolist():
        flipped = bytearray(whole)
        flipped[at] ^= 1 << int(generator.integers(8))
        path.write_bytes(flipped)
        assert entries.load("int64") is None
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        assert entries.load("int64") is None
    path.write_bytes(whole)
    assert entries.load("int64") == list(range(200))
