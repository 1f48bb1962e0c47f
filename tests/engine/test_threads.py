"""Threads: many callers, interrupts, threads that cannot be had, and a number of threads that changes."""

import os
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import engine
from engine import Cost, fit, pool, reductions, value_and_gradient
from engine.kernels.linked import kernel
from engine.kernels.numba_internals import pause
from engine.turns import Turn, Turns
from engine.workspace import thread_workspaces
from schedulers import BatchSchedule
from tests.cases import UPDATES, network
from tests.processes import BEGIN, process

pytestmark = pytest.mark.compiled


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
    assert not pool._pool.turns.taken


@kernel
def who_runs(slots, place):
    """The slot of each item, each of which takes some 10 µs."""
    for i in range(place[0], place[1]):
        for _ in range(500):
            pause()
        slots[i] = place[2]


def test_a_thread_that_sleeps_is_woken_by_a_call_that_holds_the_gil(threads):
    """And the more so one that is about to fall asleep: pauses end at about the moment when it does."""
    for seconds in (0.02, *np.linspace(1e-4, 6e-4, 50)):
        end, helped = time.monotonic() + 10, False
        while not helped and time.monotonic() < end:
            time.sleep(seconds)
            slots = np.zeros(400)
            pool.over(400, 1e9, who_runs, slots)
            helped = slots.any()
        assert helped


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


def test_an_interrupt_leaves_the_threads_usable():
    code = BEGIN + """
import signal
signal.signal(signal.SIGALRM, lambda number, frame: signal.raise_signal(signal.SIGINT))
expected, interrupted = work(), 0
for wait in (0.001, 0.002, 0.004, 0.008, 0.016, 0.03) * 5:
    try:
        signal.setitimer(signal.ITIMER_REAL, wait)
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
        pool.over(12, 1e9, fails_at_seven, values)
    assert not pool._pool.turns.taken
    values = np.zeros(7)
    pool.over(7, 1e9, fails_at_seven, values)
    assert values.all()


def test_a_kernel_on_threads_is_always_called_with_the_same_types(threads, monkeypatch):
    """Its address is looked up by dtype alone."""
    from numba import typeof

    kinds, address = {}, pool._Pool.address

    def plain(kind):
        """Without what does not change how an argument lies in memory."""
        return str(kind).replace("readonly ", "").replace("nonaligned ", "")

    def seen(owner, function, arguments):
        key = function, pool._dtype(arguments)
        kinds.setdefault(key, set()).add(tuple(plain(typeof(argument)) for argument in arguments))
        return address(owner, function, arguments)

    monkeypatch.setattr(pool._Pool, "address", seen)
    work()()
    frozen = np.asfortranarray(np.ones((600, 12)))
    frozen.flags.writeable = False
    net = network((12, 40, 24, 4))
    for X in (frozen, frozen.copy(order="C"), np.ones((1200, 12))[::2], [[1] * 12] * 600):
        value_and_gradient(net, X, np.ones((600, 4)), Cost(engine.losses.huber(1), "mean"))
        value_and_gradient(net, X, np.ones((600, 4)), Cost(engine.losses.huber(1), reductions.cvar(0.5)))
        net.jacobian(X).gram(net.jacobian(X))
    assert len(kinds) > 5 and {key: found for key, found in kinds.items() if len(found) > 1} == {}


def test_threads_that_cannot_be_started_are_done_without_and_asked_for_again(threads, monkeypatch):
    run = work()
    expected = run()
    engine.set_num_threads(4)
    starts, began = [], threading.Thread.start

    def none(thread):
        starts.append(thread)
        if len(starts) != 1:
            raise RuntimeError("can't start new thread")
        began(thread)

    monkeypatch.setattr(pool, "AGAIN", 1e9)
    monkeypatch.setattr(pool._pool, "_asked", -2e9)
    monkeypatch.setattr(threading.Thread, "start", none)
    assert run() == expected and len(pool._pool.workers) == 1
    assert run() == expected and len(starts) == 2  # not again before the time has passed
    monkeypatch.setattr(threading.Thread, "start", began)
    monkeypatch.setattr(pool, "AGAIN", 0)
    assert run() == expected and len(pool._pool.workers) == 3


def test_where_no_thread_can_be_had_a_call_works_alone():
    code = BEGIN.replace("engine.set_num_threads(3)", "engine.set_num_threads(1)") + """
expected = work()
threading.stack_size(1 << 46)
engine.set_num_threads(3)
assert work() == expected and engine.pool._pool.workers == []
threading.stack_size(0)
engine.pool.AGAIN = 0
assert work() == expected and len(engine.pool._pool.workers) == 2
"""
    process(code)


def ours():
    """The engine's threads."""
    return [thread for thread in threading.enumerate() if thread.name == "gammachain"]


def test_a_start_of_threads_that_was_interrupted_is_begun_anew(threads, monkeypatch):
    run = work()
    expected = run()
    engine.set_num_threads(4)
    began = pool._thread.start_new_thread

    def interrupted(function, arguments):
        began(function, arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pool._thread, "start_new_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    assert run() == expected and len(pool._pool.workers) == 3 == len(ours()) and not pool._pool.turns.taken
    engine.set_num_threads(1)
    assert not ours()


def test_an_interrupt_while_threads_end_leaves_none_behind(threads, monkeypatch):
    run = work()
    expected = run()
    stopped, woken = [], pool._Worker.wake

    def interrupted(worker):
        stopped.append(worker)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pool._Worker, "wake", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.set_num_threads(2)
    assert not pool._pool.turns.taken and woken is pool._Worker.wake
    assert run() == expected and not stopped[0].is_alive() and len(ours()) == 2
    engine.set_num_threads(1)
    assert not ours()


def test_a_workspace_has_a_row_for_each_thread_that_takes_part(threads, monkeypatch):
    """Whatever another thread does to the number of threads between the two."""
    seen = []
    monkeypatch.setattr(pool._Pool, "address", lambda *rest: 0)
    monkeypatch.setattr(pool._Pool, "run", lambda owner, threads, *rest: seen.append(threads))
    for first, then in ((2, 7), (7, 2), (1, 7)):
        engine.set_num_threads(first)
        rows = thread_workspaces(100, np.dtype(np.float64))
        assert rows.shape[0] == first and rows.shape[1] >= 100
        engine.set_num_threads(then)
        seen.clear()
        pool.over(1000, 1e9, lambda *arguments: None, rows)
        assert seen == ([min(first, then)] if first > 1 else [])
        seen.clear()
        pool.over(1000, 1e9, lambda *arguments: None, np.ones(3))  # what needs no row may use them all
        assert seen == [then]


def test_an_array_that_threads_share_is_as_long_as_it_is_asked_for(threads, monkeypatch):
    """A number of threads that changes at every read shortens nothing."""
    from engine import backward

    net, generator = network((12, 40, 24, 4)), np.random.default_rng(0)
    X, y = generator.standard_normal((600, 12)), generator.standard_normal((600, 4))
    monkeypatch.setattr(backward, "rows_shared", lambda network, m: True)
    expected, reads, lengths, shared = value_and_gradient(net, X, y, Cost("squared_error")), [], [], backward.shared_workspace

    class Flickering(type(pool._pool)):
        @property
        def count(self):
            reads.append(len(reads))
            return 7 if len(reads) % 2 else 1

        @count.setter
        def count(self, count):
            pass

    def kept(numbers, dtype):
        workspace = shared(numbers, dtype)
        lengths.append((numbers, workspace.size))
        return workspace

    monkeypatch.setattr(backward, "shared_workspace", kept)
    monkeypatch.setattr(pool, "_pool", Flickering())
    try:
        found = [value_and_gradient(net, X, y, Cost("squared_error")) for _ in range(4)]
    finally:
        pool._pool._crew.stop()
    assert len(reads) > 8 and all(value == expected[0] and np.array_equal(gradient, expected[1]) for value, gradient in found)
    assert len(lengths) == 4 and all(wanted == given for wanted, given in lengths)


def test_turns_follow_each_other():
    turns, first, second, third = Turns(), Turn(), Turn(), Turn()
    assert turns.take(first) and turns.taken
    assert not turns.take(second) and not turns.take(third)
    first.end()
    assert not turns.taken and turns.take(third) and not turns.take(second)
    third.end()
    third.end()
    assert turns.take(second)


def test_a_turn_that_nobody_ended_is_over_once_its_function_is():
    """As after an interrupt in the midst of `finally`; even where a traceback keeps the frame alive."""
    turns, kept = Turns(), []

    def interrupted():
        turn = Turn()
        assert turns.take(turn) and not turns.take(Turn())
        kept.append((turn, sys._getframe()))
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert not turns.taken
    entered, leave = threading.Event(), threading.Event()

    def elsewhere():
        turn = Turn()
        assert turns.take(turn)
        entered.set()
        leave.wait(20)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert entered.wait(20) and turns.taken and not turns.take(Turn())
    leave.set()
    thread.join()
    assert not turns.taken and turns.take(Turn())
