"""Manners: many callers, fork, exit, signals, the caller's settings, caches that cannot be written, pickles."""

import copy
import os
import pathlib
import pickle
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import engine
from engine import Cost, Network, fit, reductions, runtime, value_and_gradient
from engine.kernels.linked import kernel
from engine.kernels.threads import ACTIVE, STOP, new_board
from schedulers import BatchSchedule
from tests.cases import UPDATES, network

pytestmark = pytest.mark.compiled
ROOT = pathlib.Path(__file__).parents[2]
BEGIN = """
import os, sys, threading, time
import numpy as np, engine
from engine import Cost, Network, value_and_gradient
engine.set_num_threads(3)
net = Network.initialize((12, 40, 24, 4), "tanh", seed=1)
generator = np.random.default_rng(0)
X, y = generator.standard_normal((600, 12)), generator.standard_normal((600, 4))
def work():
    return net.jacobian(X).dense().tobytes() + value_and_gradient(net, X, y, Cost("squared_error"))[1].tobytes()
"""


def process(code, **environment):
    """What a new process prints; it must end well and say nothing on stderr."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, cwd=variables["PYTHONPATH"], capture_output=True, text=True,
                          timeout=200)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def threads():
    """Three threads, and the former number afterwards."""
    before = runtime.num_threads()
    engine.set_num_threads(3)
    yield
    engine.set_num_threads(before)


def work():
    """Calls that are worth threads, and a fit; as a function that gives their bytes."""
    net, generator = network((12, 40, 24, 4)), np.random.default_rng(0)
    X, y = generator.standard_normal((600, 12)), generator.standard_normal((600, 4))
    cost = Cost("squared_error", reductions.cvar(0.5))

    def run():
        J = net.jacobian(X)
        fitted = fit(net, X, y, cost, UPDATES["adam"][0], BatchSchedule(100), epochs=1, progress=False).network.parameters
        return [part.tobytes() for part in (J.dense(), J.gram(), J @ np.ones(net.size), fitted,
                                            value_and_gradient(net, X, y, cost)[1])]

    return run


def test_many_threads_call_at_once_and_change_the_number_of_threads(threads):
    run = work()
    expected = run()

    def caller(k):
        return all([run() == expected for _ in range(6)])

    def changer(k):
        for count in (1, 4, 2, 3, 1, 5) * 3:
            engine.set_num_threads(count)
            time.sleep(0.002 * k)
        return True

    with ThreadPoolExecutor(10) as executor:
        results = [executor.submit(task, k) for task, count in ((caller, 7), (changer, 3)) for k in range(count)]
        assert all(result.result() for result in results)
    assert not runtime._pool.busy.locked()


def test_a_thread_that_is_called_while_it_waits_for_the_gil_does_not_fall_asleep(monkeypatch):
    looks = []

    def look(board, slot):
        looks.append(slot)
        if len(looks) == 2:
            board[STOP] = 1
        worker.wake()  # as a caller does who holds the GIL: what it posts is still to come

    monkeypatch.setattr(runtime._Worker, "start", lambda self: None)
    monkeypatch.setattr(runtime, "wait_for_jobs", look)
    worker = runtime._Worker(new_board(), 1)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    thread.join(5)
    assert looks == [1, 1] and not thread.is_alive()


def test_a_fork_after_use_works():
    code = BEGIN + """
from engine.runtime import _Worker, wait_for_jobs
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
        right = work() == expected and len(engine.runtime._pool._workers) == 2
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


def test_a_thread_that_hogs_the_gil_stalls_a_call_for_a_few_switch_intervals(threads):
    net, X = network((12, 40, 24, 4)), np.ones((600, 12))
    net(X)
    done, before, times = threading.Event(), sys.getswitchinterval(), []
    interval = 0.03

    def hog():
        while not done.is_set():
            pass

    thread = threading.Thread(target=hog)
    sys.setswitchinterval(interval)
    try:
        thread.start()
        for _ in range(9):
            started = time.perf_counter()
            net(X)
            times.append(time.perf_counter() - started)
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)
    assert statistics.median(times) < 6 * interval  # one for each time the call leaves the GIL; a range handed with it takes 12


def test_the_callers_settings_are_left_alone():
    code = """
import os, sys, signal, warnings, threading
import numpy as np, numba
try:
    from threadpoolctl import threadpool_info
except ImportError:
    threadpool_info = list
def settings():
    np.ones((50, 50)) @ np.ones((50, 50))
    layer = sys.modules.get("numba.np.ufunc.parallel")
    return (dict(os.environ), numba.get_num_threads(), numba.config.THREADING_LAYER, getattr(layer, "_is_initialized", None),
            [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()], np.geterr(), sys.getswitchinterval(),
            [signal.getsignal(k) for k in (signal.SIGINT, signal.SIGTERM)], list(warnings.filters),
            np.random.get_state()[1].tolist(), threading.excepthook, np.float64(5e-324) / 1)
import scipy.sparse.linalg, scipy.linalg, scipy.special, tqdm.auto
before = settings()
""" + BEGIN + """
work()
after = settings()
assert after == before, (after, before)
assert {thread.name for thread in threading.enumerate()} == {"MainThread", "gammachain"}
"""
    process(code)


@pytest.mark.parametrize("end", ["work()", "work(); sys.exit(0)", "work(); time.sleep(0.05)", """
def forever():
    while True:
        work()
for _ in range(3):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.3)
""", """
def last():
    for _ in range(20):
        work()
work()
threading.Thread(target=last).start()
"""], ids=["at once", "by sys.exit", "with threads asleep", "with daemon threads at work", "before a thread is done"])
def test_the_interpreter_ends_well(end):
    for _ in range(2):
        assert process(BEGIN + end) == ""


def test_an_interrupt_leaves_the_threads_usable():
    code = BEGIN + """
import signal
signal.signal(signal.SIGALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
expected, interrupted = work(), 0
for wait in (0.001, 0.002, 0.004, 0.008, 0.016, 0.03) * 5:
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        while True:
            work()
    except KeyboardInterrupt:
        interrupted += 1
    assert work() == expected
print(interrupted)
"""
    if not hasattr(os, "fork"):
        pytest.skip("no such signals here")
    assert process(code) == "30\n"


def test_a_second_interrupt_waits_for_the_others_too(threads, monkeypatch):
    """The memory of a call's arguments must not go while another thread writes to it."""
    sleeps, board = [], None

    def launch(address, arguments, posted, count, ranges, slots):
        nonlocal board
        board = posted
        board[ACTIVE] = 1
        raise KeyboardInterrupt

    def sleep(seconds):
        sleeps.append(seconds)
        if len(sleeps) == 5:
            board[ACTIVE] = 0
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "launch", launch)
    monkeypatch.setattr(runtime.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        network((12, 40, 24, 4))(np.ones((600, 12)))
    assert len(sleeps) == 5 and board[ACTIVE] == 0 and not runtime._pool.busy.locked()


@kernel
def fails_at_seven(values, place):
    """A kernel that raises in one of its ranges."""
    for i in range(place[0], place[1]):
        if i == 7:
            raise MemoryError
        values[i] = 1


def test_what_goes_wrong_on_a_thread_is_an_error_of_the_call(threads):
    values = np.zeros(12)
    with pytest.raises(MemoryError):
        runtime.over(12, 1e9, fails_at_seven, values)
    assert not runtime._pool.busy.locked()
    values = np.zeros(7)
    runtime.over(7, 1e9, fails_at_seven, values)
    assert values.all()


def test_a_kernel_on_threads_is_always_called_with_the_same_types(threads, monkeypatch):
    """Its address is looked up by dtype alone."""
    from numba import typeof

    kinds, address = {}, runtime._Pool._address

    def plain(kind):
        """Without what does not change how an argument lies in memory."""
        return str(kind).replace("readonly ", "").replace("nonaligned ", "")

    def seen(pool, function, arguments):
        key = function, runtime._dtype(arguments)
        kinds.setdefault(key, set()).add(tuple(plain(typeof(argument)) for argument in arguments))
        return address(pool, function, arguments)

    monkeypatch.setattr(runtime._Pool, "_address", seen)
    work()()
    frozen = np.asfortranarray(np.ones((600, 12)))
    frozen.flags.writeable = False
    net = network((12, 40, 24, 4))
    for X in (frozen, frozen.copy(order="C"), np.ones((1200, 12))[::2], [[1] * 12] * 600):
        value_and_gradient(net, X, np.ones((600, 4)), Cost(engine.losses.huber(1), "mean"))
        value_and_gradient(net, X, np.ones((600, 4)), Cost(engine.losses.huber(1), reductions.cvar(0.5)))
        net.jacobian(X).gram(net.jacobian(X))
    assert len(kinds) > 5 and {key: found for key, found in kinds.items() if len(found) > 1} == {}


def test_numba_cache_dir_is_where_kernels_go_and_broken_files_are_replaced(tmp_path):
    code = """
import numpy as np, engine
from engine.kernels.checks import first_not_finite
assert first_not_finite(np.ones(3)) == -1
print(sum(first_not_finite.stats.cache_hits.values()))
"""
    assert process(code, NUMBA_CACHE_DIR=str(tmp_path)) == "0\n"
    files = [path for path in tmp_path.rglob("*first_not_finite*") if path.is_file()]
    assert {path.suffix for path in files} == {".nbi", ".nbc"}
    assert process(code, NUMBA_CACHE_DIR=str(tmp_path)) == "1\n"
    for suffix in (".nbi", ".nbc"):
        for path in files:
            if path.suffix == suffix:
                path.write_bytes(path.read_bytes()[:40])
        assert process(code, NUMBA_CACHE_DIR=str(tmp_path)) == "0\n"
        assert process(code, NUMBA_CACHE_DIR=str(tmp_path)) == "1\n"


def test_a_read_only_install_with_no_cache_works(tmp_path):
    """No folder can be made where a file lies, not even by root."""
    for package in ("engine", "schedulers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [tmp_path / "engine", *(tmp_path / "engine").rglob("*")]:
        if folder.is_dir():
            (folder / "__pycache__").write_text("")
    code = """
import numpy as np, engine
net = engine.Network((1, 1), ("identity",), np.array([2.0, 1.0], np.float32))
assert engine.show_config()["cache"] is None
print(net(np.ones((1, 1)))[0, 0], engine.__file__)
"""
    nowhere = str(tmp_path / "engine" / "__pycache__" / "kernels")
    out = process(code, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=nowhere, HOME=nowhere, XDG_CACHE_HOME=nowhere)
    assert out.splitlines()[-1] == f"3.0 {tmp_path / 'engine' / '__init__.py'}"


def test_a_cache_that_goes_away_is_done_without(tmp_path):
    code = f"""
import pathlib, shutil, numpy as np, engine
from engine.kernels.checks import first_not_finite
shutil.rmtree({str(tmp_path / "kernels")!r})
pathlib.Path({str(tmp_path / "kernels")!r}).write_text("")
print(first_not_finite(np.ones(3)))
"""
    assert process(code, NUMBA_CACHE_DIR=str(tmp_path / "kernels")) == "-1\n"


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
def test_networks_travel(dtype):
    """A pickle of a network works in a process that never built one: kernels of its activations are made ready there."""
    X = np.random.default_rng(0).standard_normal((7, 3)).astype(dtype)
    net = network((3, 5, 4, 2), ("silu", "softsign", "erf"), dtype)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert np.array_equal(executor.submit(net, X).result(), net(X))
    for copied in (copy.deepcopy(net), copy.copy(net), pickle.loads(pickle.dumps(net)), copy.deepcopy(net.jacobian(X)).network):
        assert isinstance(copied, Network) and copied.activations == net.activations and copied.dtype == net.dtype
        assert copied.parameters.tobytes() == net.parameters.tobytes() and not copied.parameters.flags.writeable
        assert not np.shares_memory(copied.parameters, net.parameters)
        assert np.array_equal(copied.jacobian(X).dense(), net.jacobian(X).dense())
    cube = engine.Activation("cube", np.positive, np.ones_like)
    assert pickle.loads(pickle.dumps(Network((1, 1), (cube,), [2.0, 1.0]))).activations[0].name == "cube"
    cost = pickle.loads(pickle.dumps(Cost("squared_error", reductions.cvar(0.3))))
    value, gradient = value_and_gradient(net, X, X[:, :2], cost)
    assert np.array_equal(gradient, value_and_gradient(net, X, X[:, :2], Cost("squared_error", reductions.cvar(0.3)))[1])
