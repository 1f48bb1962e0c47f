"""Manners: the caller's settings, the interpreter's end, pickles."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import engine
from engine import Cost, Network, reductions, value_and_gradient
from tests.cases import network
from tests.processes import BEGIN, process

pytestmark = pytest.mark.compiled


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
@pytest.mark.robustness
def test_the_interpreter_ends_well(end):
    for _ in range(2):
        assert process(BEGIN + end) == ""


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
