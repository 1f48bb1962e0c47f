"""Forked children start threads of their own and never inherit a lock that is held."""

import os

import pytest

from tests.processes import BEGIN, process

pytestmark = pytest.mark.compiled


def test_a_fork_after_use_works():
    code = BEGIN + """
from engine.pool import _Worker, wait_for_jobs
began = _Worker.__init__
def checked(*arguments):
    assert wait_for_jobs.overloads, "a thread that compiles holds a lock which a forked child can never have"
    began(*arguments)
_Worker.__init__ = checked
expected = work()
from multiprocessing import get_context
for _ in range(3):
    reader, writer = os.pipe()
    if os.fork() == 0:
        right = work() == expected and len(engine.pool._pool.workers) == 2
        os.write(writer, b"right" if right else b"wrong")
        sys.exit(0)
    assert work() == expected
    os.wait()
    assert os.read(reader, 5) == b"right"
def forked(k):
    return work() == expected
with get_context("fork").Pool(2) as pool:
    assert all(pool.map(forked, range(4)))
print("done")
"""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    assert process(code, PYTHONWARNINGS="ignore") == "done\n"


def test_a_fork_waits_until_no_thread_compiles():
    """In the child nobody would release the locks of Numba and LLVM."""
    code = BEGIN + """
from engine.kernels.numba_internals import compiler_locks
for lock in compiler_locks():
    taken, seen = threading.Event(), []
    def compiles():
        with lock:
            taken.set()
            time.sleep(0.4)
            seen.append("released")
    thread = threading.Thread(target=compiles)
    thread.start()
    taken.wait()
    child = os.fork()
    if child == 0:
        def takes():
            with lock:
                seen.append("taken")
        another = threading.Thread(target=takes, daemon=True)
        another.start()
        another.join(20)
        right = seen == ["released", "taken"] and len(work()) > 0
        os._exit(0 if right else 1)
    assert seen == ["released"]
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    with lock:  # the parent has them again too
        pass
print("done")
"""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    assert process(code, PYTHONWARNINGS="ignore") == "done\n"
