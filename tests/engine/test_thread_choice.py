"""One thread or all: what is chosen on simulated machines, whose clock is a number."""

import random
import statistics

import pytest

from engine.thread_choice import SAVED, SHARE, Learner


class Machine:
    """Calls of one kind, on a clock of its own: `one` and `all` give the seconds that a call takes."""

    def __init__(self, one, all_threads, most=2, units=1e6):
        self.choice, self.now, self.units = Learner().choice("gradient", most), 0.0, units
        self.seconds = {1: one, most: all_threads}

    def calls(self, count, pause=0.0):
        """How many threads each of so many calls used, and how long it took."""
        used = []
        for _ in range(count):
            self.now += pause
            threads = self.choice.threads()
            seconds = self.seconds[threads]()
            self.choice.took(threads, seconds, self.units)
            self.now += seconds
            used.append((threads, seconds))
        return used


def steady(seconds, noise=0.05, stalls=0.0, stall=3e-3, seed=0):
    """Calls of about so many seconds, of which some stall."""
    numbers = random.Random(seed)
    return lambda: seconds * (1 + noise * numbers.random()) + (stall if numbers.random() < stalls else 0.0)


def on_one(used):
    """The share of calls on one thread."""
    return sum(threads == 1 for threads, _ in used) / len(used)


def mean(used):
    """The mean time of a call."""
    return statistics.fmean(seconds for _, seconds in used)


@pytest.mark.parametrize("pause", [0.0, 5e-4, 5e-3])
@pytest.mark.parametrize("one", [5e-5, 5e-4, 2e-3])
def test_threads_that_pay_are_used(one, pause):
    machine = Machine(steady(one), steady(0.6 * one, seed=1))
    machine.calls(30, pause)
    used = machine.calls(3000, pause)
    assert on_one(used) < 0.1 and mean(used) < 0.65 * one


@pytest.mark.parametrize("pause", [0.0, 5e-4, 5e-3])
@pytest.mark.parametrize("extra", [2e-5, 2e-4, 2e-3])
def test_threads_that_cost_are_left_alone(extra, pause):
    machine = Machine(steady(1e-4), steady(1e-4 + extra))
    machine.calls(30, pause)
    used = machine.calls(3000, pause)
    assert on_one(used) > 0.8 and mean(used) < 1.1e-4 + 1e-3 * extra / (1e-4 + pause)
    assert statistics.median(seconds for _, seconds in used) < 1.08e-4


def test_threads_that_stall_now_and_then_are_left_alone():
    machine = Machine(steady(1e-4), steady(6e-5, stalls=0.1))
    machine.calls(100)
    used = machine.calls(10000)
    assert on_one(used) > 0.85 and mean(used) < 1.25e-4


def test_threads_lose_no_more_than_they_saved():
    machine = Machine(steady(1e-4), steady(6e-5))
    assert on_one(machine.calls(1000)) < 0.1
    machine.seconds[2] = steady(3e-3)
    used = machine.calls(200)
    assert 1 < sum(threads == 2 for threads, _ in used) <= SAVED / 2.9e-3 + 1


@pytest.mark.parametrize("one, stalls", [(1.5e-3, 0.05), (3e-4, 0.02), (1e-4, 5e-3)])
def test_stalls_that_cost_less_than_threads_save_do_not_end_their_use(one, stalls):
    machine = Machine(steady(one), steady(0.56 * one, stalls=stalls, stall=2e-3))
    machine.calls(100)
    used = machine.calls(5000)
    assert on_one(used) < 0.15 and mean(used) < 0.85 * one


@pytest.mark.parametrize("pause", [0.0, 5e-4, 5e-3])
def test_a_machine_that_becomes_idle_is_used_again(pause):
    machine = Machine(steady(1e-4), steady(3e-3))
    machine.calls(3000, pause)
    machine.seconds[2] = steady(6e-5)
    calls = 0
    while machine.choice.using == 1:
        machine.calls(1, pause)
        calls += 1
    assert calls * 1e-4 < 3e-3 / SHARE + 1e-3  # as many as one stall is paid for by
    assert on_one(machine.calls(1000, pause)) < 0.1


def test_one_thread_that_became_slower_too_is_no_reason_to_leave_threads():
    machine = Machine(steady(1e-4), steady(6e-5))
    machine.calls(1000)
    machine.seconds = {1: steady(2e-4), 2: steady(1.2e-4)}
    machine.calls(500)
    assert on_one(machine.calls(1000)) < 0.1


def test_long_calls_are_tried_on_one_thread_once_they_have_earned_it():
    machine = Machine(steady(1.0), steady(0.1), most=16, units=1e10)
    assert on_one(machine.calls(20)) == 0
    machine = Machine(steady(1.6e-2), steady(1e-2), most=2, units=1e9)
    used = machine.calls(400)
    assert 0 < on_one(used) < 0.06 and on_one(used[:20]) == 0


def test_the_first_call_teaches_nothing():
    """It may have compiled."""
    machine = Machine(steady(1e-4), steady(6e-5))
    machine.choice.took(2, 5.0, machine.units)
    assert machine.choice.all is None


def test_a_call_that_never_ended_and_calls_of_others_break_nothing():
    """An interrupt, and a call that was begun before another one changed the choice."""
    machine, numbers = Machine(steady(1e-4), steady(6e-5)), random.Random(0)
    for _ in range(3000):
        machine.calls(numbers.randrange(4))
        machine.choice.threads()
        if numbers.random() < 0.3:
            machine.choice.took(numbers.choice((1, 2)), 8e-5, machine.units)
    assert on_one(machine.calls(1000)) < 0.2


def test_a_learner_keeps_kinds_of_calls_apart_and_forgets():
    learner = Learner()
    first = learner.choice("a", 2)
    assert learner.choice("a", 2) is first and learner.choice("a", 3) is not first and learner.choice("b", 2) is not first
    assert learner.learnt() == []
    for _ in range(20):
        threads = first.threads()
        first.took(threads, 1e-4 * threads, 1e6)
    (kind,) = learner.learnt()
    assert (kind.key, kind.most, kind.threads) == ("a", 2, 1) and kind.share > 1.9
    for k in range(3000):
        learner.choice(k, 2)
    assert learner.choice("a", 2) is not first
    learner.forget()
    assert learner.learnt() == []


def test_a_learner_is_switched_off_for_a_while():
    learner = Learner()
    with learner.off():
        assert not learner.learning
        with learner.off():
            pass
        assert not learner.learning
    assert learner.learning
