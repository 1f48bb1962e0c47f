"""Threads under fire: interrupts by the thousand, a number of threads that never stays, arrays that another thread writes to."""

import os
import threading

import numpy as np
import pytest

import engine
from engine import Cost, operators, pool, reductions, value_and_gradient
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
expected, interrupted = work(), 0
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
assert work() == expected and not engine.pool._pool.turns.taken and len(engine.pool._pool.workers) == 2
engine.set_num_threads(1)
end = time.monotonic() + 30
while len(sys._current_frames()) > 1 and time.monotonic() < end:
    time.sleep(0.01)
print(interrupted, len(sys._current_frames()))
""", errors=None)  # Python itself reports interrupts that come inside weak references' callbacks
    interrupted, left = map(int, out.split())
    assert interrupted > 300 and left == 1


def test_an_interrupt_at_each_instruction_of_a_start_and_an_end_of_threads_leaves_none_behind():
    """One after the other, and each is raised: none is taken for a system that gives no more threads."""
    out = process(BEGIN + """
from engine import pool
def work():
    return value_and_gradient(net, X, y, Cost("squared_error"))[1].tobytes()
def once():
    engine.set_num_threads(3)
    work()
    engine.set_num_threads(1)
def interrupted_at(wanted):
    seen = 0
    def trace(frame, event, argument):
        nonlocal seen
        frame.f_trace_opcodes = True
        if event == "opcode":
            seen += 1
            if seen == wanted:
                raise KeyboardInterrupt
        return trace
    def call(frame, event, argument):
        return trace(frame, event, argument) if frame.f_code.co_filename in files else None
    sys.settrace(call)
    try:
        once()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
files, expected = (pool.__file__, threading.__file__, engine.turns.__file__), work()
for k in range(1, 10**5):
    ended = not interrupted_at(k)
    if ended or k % 20 == 0:
        engine.set_num_threads(3)
        assert work() == expected and not pool._pool.turns.taken and len(pool._pool.workers) == 2
        engine.set_num_threads(1)
        end = time.monotonic() + 30
        while len(sys._current_frames()) > 1 and time.monotonic() < end:
            time.sleep(0.001)
        assert len(sys._current_frames()) == 1, (k, sys._current_frames())
    if ended:
        break
print(k)
""", errors=None)
    assert int(out) > 300


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
    found = beside(lambda: engine.set_num_threads(next(counts)), [run] * (8 if widths[1] == 40 else 2))
    assert all(part == expected for part in found) and not pool._pool.turns.taken


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

    assert all(beside(change, [call] * 80))
