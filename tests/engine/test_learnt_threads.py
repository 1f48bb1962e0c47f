"""Calls learn how many threads to use: with a clock that the test moves, in forked children, and with the same bits."""

import os
import types

import numpy as np
import pytest

import engine
from engine import Cost, pool, value_and_gradient
from engine.kernels.linked import kernel
from tests.cases import network

pytestmark = pytest.mark.compiled


@kernel
def fill(values, place):
    """A kernel over a range."""
    for i in range(place[0], place[1]):
        values[i] = i


@pytest.fixture
def clock(threads, monkeypatch):
    """A clock on which each call takes `.seconds` by its number of threads, which `.used` lists; calls learn from it."""
    clock = types.SimpleNamespace(now=1.0, seconds={1: 1e-4, 3: 5e-5}, used=[])
    launch = pool.launch

    def timed(*arguments):
        clock.used.append(arguments[-1])
        clock.now += clock.seconds[arguments[-1]]
        return launch(*arguments)

    monkeypatch.setattr(pool, "launch", timed)
    monkeypatch.setattr(pool, "time", types.SimpleNamespace(perf_counter=lambda: clock.now, monotonic=lambda: clock.now))
    monkeypatch.setattr(pool.learner, "learning", True)
    pool.learner.forget()
    yield clock
    pool.learner.forget()


def share_on_threads(clock, calls, pause=0.0, work=1e6):
    """The share of so many calls that used threads."""
    clock.used.clear()
    for _ in range(calls):
        clock.now += pause
        values = np.zeros(40)
        pool.over(40, work, fill, values)
        assert np.array_equal(values, np.arange(40.0))
    assert set(clock.used) <= {1, 3}
    return sum(threads == 3 for threads in clock.used) / calls


def test_calls_use_threads_while_those_take_less_time(clock):
    assert share_on_threads(clock, 1000) > 0.9
    clock.seconds[3] = 2e-3
    assert share_on_threads(clock, 1000) < 0.03
    clock.seconds[3] = 5e-5
    share_on_threads(clock, 20000)
    assert share_on_threads(clock, 1000) > 0.9


def test_sizes_of_work_and_pauses_are_learnt_apart(clock):
    share_on_threads(clock, 100)
    clock.seconds[3] = 2e-3
    assert share_on_threads(clock, 300, pause=1e-3) < 0.1
    assert share_on_threads(clock, 300, work=4e6) < 0.1
    clock.seconds[3] = 5e-5
    assert share_on_threads(clock, 300) > 0.9
    found = {(kind["multiply_adds"], kind["pause"]): kind for kind in pool.learnt()}
    assert {key: kind["threads"] for key, kind in found.items()} == {(2**20, 0.0): 3, (2**20, 2e-4): 1, (2**22, 0.0): 1}
    assert all(kind["kernel"] == "fill" and kind["most"] == 3 for kind in found.values())
    assert found[2**20, 0.0]["share"] == pytest.approx(0.5) and found[2**22, 0.0]["share"] > 2


def test_small_work_is_not_even_timed(clock):
    clock.now = None  # which no call may read
    values = np.zeros(40)
    pool.over(40, 1e5, fill, values)
    assert values[-1] == 39 and not clock.used


def test_what_was_learnt_is_told(clock, capsys):
    share_on_threads(clock, 100)
    found = engine.show_config()["learnt"]
    assert [kind["kernel"] for kind in found] == ["fill"]
    assert "fill, up to 1.0e+06 multiply-adds, at once after another call: 3 threads; 3 take 0.50 of the time of one" in (
        capsys.readouterr().out)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_child_forgets(clock):
    share_on_threads(clock, 100)
    assert pool.learnt()
    child = os.fork()
    if child == 0:
        os._exit(len(pool.learnt()))
    assert os.waitpid(child, 0)[1] == 0 and pool.learnt()


def test_what_is_chosen_changes_no_bit(threads, monkeypatch):
    net, generator = network((12, 40, 24, 4)), np.random.default_rng(0)
    X, y = generator.standard_normal((1200, 12)), generator.standard_normal((1200, 4))

    def work():
        return value_and_gradient(net, X, y, Cost("squared_error"))[1].tobytes() + net.jacobian(X).dense().tobytes()

    expected = work()
    monkeypatch.setattr(pool.learner, "learning", True)
    used = iter(np.random.default_rng(1).choice([1, 3], 10**4).tolist())
    monkeypatch.setattr(pool.Choice, "threads", lambda choice: min(next(used), choice.most))
    assert all(work() == expected for _ in range(20))
    pool.learner.forget()
