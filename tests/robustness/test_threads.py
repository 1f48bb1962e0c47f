"""Threads under fire: interrupts by the thousand, a number of threads that never stays, arrays that another thread writes to."""

import os
import threading

import numpy as np
import pytest

import engine
from engine import Cost, operators, reductions, runtime, value_and_gradient
from tests.cases import network
from tests.processes import BEGIN, process

pytestmark = [pytest.mark.robustness, pytest.mark.compiled]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such signals here")
def test_interrupts_at_any_instruction_leave_the_threads_usable():
    """Two a millisecond, some in the midst of `finally`, of a start and of an end of threads."""
    out = process(BEGIN + """
import random, signal
def interrupt(number, frame):
    while frame is not None:
        if frame.f_code is once.__code__:
            raise KeyboardInterrupt
        frame = frame.f_back
def once():
    while True:
        engine.set_num_threads(random_.randint(1, 4))
        work()
expected, interrupted, ours = work(), 0, lambda: [
    thread for thread in threading.enumerate() if thread.name == "gammachain" and thread.is_alive()]
signal.signal(signal.SIGALRM, interrupt)
end, random_ = time.monotonic() + 5, random.Random(0)
signal.setitimer(signal.ITIMER_REAL, 1e-3, 4e-4)
while time.monotonic() < end:
    try:
        once()
    except KeyboardInterrupt:
        interrupted += 1
signal.setitimer(signal.ITIMER_REAL, 0)
engine.set_num_threads(3)
assert work() == expected and not engine.runtime._pool.turns.taken and len(engine.runtime._pool.workers) == 2
engine.set_num_threads(1)
end = time.monotonic() + 5
while ours() and time.monotonic() < end:
    time.sleep(0.01)
print(interrupted, len(ours()))
""", errors=None)  # Python itself reports interrupts that come inside weak references' callbacks
    interrupted, left = map(int, out.split())
    assert interrupted > 300 and left <= 2 + interrupted // 500  # Thread.start itself can be cut in two by an interrupt


@pytest.fixture
def threads():
    """The former number of threads afterwards."""
    before = runtime.num_threads()
    engine.set_num_threads(3)
    yield
    engine.set_num_threads(before)


def beside(action, calls):
    """Run `calls` while another thread repeats `action` as fast as it can."""
    done = threading.Event()

    def repeat():
        while not done.is_set():
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        return [call() for call in calls]
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("widths", [(12, 40, 24, 4), (64, 400, 400, 10)], ids=["by blocks", "by rows"])
def test_a_number_of_threads_that_never_stays_changes_no_bit(threads, widths):
    net, generator = network(widths), np.random.default_rng(0)
    X, y = generator.standard_normal((300, widths[0])), generator.standard_normal((300, widths[-1]))
    square, worst, v = Cost("squared_error"), Cost("squared_error", reductions.cvar(0.5)), np.ones(net.size)

    def run():
        J, G = net.jacobian(X), operators.ggn(net, X, y, square)
        return b"".join(part.tobytes() for part in (
            value_and_gradient(net, X, y, square)[1], value_and_gradient(net, X, y, worst)[1], net(X), J @ v,
            J.T @ np.ones(J.shape[0]), engine.per_sample_gradient_norms(net, X, y, square), G @ v))

    expected, counts = run(), iter(np.random.default_rng(1).integers(1, 8, 10**6).tolist())
    found = beside(lambda: engine.set_num_threads(next(counts)), [run] * (60 if widths[1] == 40 else 6))
    assert all(part == expected for part in found) and not runtime._pool.turns.taken


def test_class_numbers_that_another_thread_changes_are_refused_or_were_right(threads):
    net, generator = network((6, 8, 3)), np.random.default_rng(0)
    X, y = generator.standard_normal((2000, 6)), generator.integers(0, 3, 2000)
    entropy, right, wrong = Cost("softmax_cross_entropy"), y.copy(), np.full(2000, 10**9)
    expected = value_and_gradient(net, X, right, entropy)[1]

    def change():
        y[:] = wrong
        y[:] = right

    def call():
        try:
            found = value_and_gradient(net, X, y, entropy)[1]
            operators.ggn(net, X, y, entropy).diagonal()
            return np.isfinite(found).all() and np.abs(found - expected).max() < 1
        except ValueError as error:
            return "class numbers 0 … 2" in str(error)

    assert all(beside(change, [call] * 400))
