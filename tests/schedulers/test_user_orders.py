"""Orders, schedules and batch steps of a user's own, and hostile values for ours."""

import array
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Cost, GradientDescent, Loss, fit, value_and_gradient
from engine.batch_problem import BatchProblem
from engine.evaluation import evaluate
from schedulers import BatchSchedule, BatchStep, assemble, orders
from tests.cases import network

X = np.random.default_rng(0).uniform(-1, 1, (24, 2))
Y = np.sin(2 * X[:, :1]) + X[:, 1:]
COSTS = Cost("squared_error"), Cost(Loss(lambda A, y: ((A - y)**2).sum(1) / 2, lambda A, y: A - y))
PLAIN = np.random.default_rng(1).permutation(24)


def order(indices=None, batches=None, steps=None, joined=None, base=orders.Order):
    """An order with methods of one's own, each given as what it returns."""
    methods = {name: (lambda self, *_, value=value: value) for name, value in
               (("indices", indices), ("batches", batches), ("steps", steps), ("joined", joined)) if value is not None}
    return type("Mine", (base,), methods)()


def schedule(steps=None, joined=None, base=object):
    """A schedule of one's own."""
    methods = {name: (lambda self, *_, value=value: value) for name, value in (("epoch", steps), ("joined", joined))
               if value is not None}
    return type("Mine", (base,), methods)(*(() if base is object else (8,)))


def trained(schedule_, cost=COSTS[0]):
    return fit(network((2, 4, 1)), X, Y, cost, GradientDescent(0.1), schedule_, epochs=1, progress=False)


def refused(schedule_, words):
    """By fit on both roads, and by the schedule itself where it is ours."""
    calls = [lambda: trained(schedule_, COSTS[0]), lambda: trained(schedule_, COSTS[1])]
    if isinstance(schedule_, BatchSchedule):
        calls += [lambda: list(schedule_.epoch(24, 0)), lambda: schedule_.joined(24, 0)]
    for call in calls:
        with pytest.raises((ValueError, TypeError), match=words):
            call()


GOOD = [np.asarray(PLAIN, kind) for kind in ("i1", "u1", "i4", "<u8", ">i8", "u2")] + [
    PLAIN.tolist(), tuple(PLAIN.tolist()), memoryview(PLAIN), array.array("i", PLAIN.tolist()), np.repeat(PLAIN, 2)[::2],
    np.broadcast_to(PLAIN, (1, 24))[0], np.ma.array(PLAIN)]
BAD = [(np.arange(1, 25), "from 0 to 23.*is 24"), (np.full(24, -1), "from 0 to 23.*is -1"),
       (np.where(PLAIN == 5, 10**12, 0), "is 1000000000000"), (np.full(24, 2**64 - 1, np.uint64), "18446744073709551615"),
       (np.arange(24.0), "whole numbers, but have dtype float64; .astype"), (np.full(24, np.nan), "dtype float64"),
       (PLAIN > 3, "but are booleans; np.flatnonzero"), (PLAIN.reshape(2, 12), r"shape \[m\].*\[2, 12\]"), (7, r"shape \[m\]"),
       (np.array(["a"] * 24), "dtype <U1"), ([2**70] * 24, "dtype object"), ([[1], [2, 3]], "rectangular"),
       (np.ma.array(PLAIN, mask=PLAIN > 20), "no masked entries, but has 3")]


@pytest.mark.parametrize("indices", GOOD, ids=lambda value: type(value).__name__ + str(getattr(value, "dtype", "")))
def test_whole_numbers_of_every_kind_are_taken(indices):
    cut = np.split(PLAIN, [8, 16])
    expected = trained(schedule([BatchStep(i, 0, part) for i, part in enumerate(cut)])).network.parameters
    given_cut = [indices[i:i + 8] for i in (0, 8, 16)]
    for made in (BatchSchedule(8, order=order(indices)), BatchSchedule(8, order=order(batches=given_cut)),
                 BatchSchedule(8, order=order(joined=(indices, [0, 8, 16, 24]))),
                 schedule(joined=(indices, (0, 8, 16, 24)), steps=[]),
                 schedule([BatchStep(i, 0, part) for i, part in enumerate(given_cut)])):
        for cost in COSTS:
            np.testing.assert_allclose(trained(made, cost).network.parameters, expected, rtol=1e-12)
    with_joined = BatchSchedule(8, order=order(indices))
    found, offsets = with_joined.joined(24, 0)
    steps = [step.indices for step in with_joined.epoch(24, 0)]
    assert np.array_equal(found, PLAIN) and offsets.tolist() == [0, 8, 16, 24] and found.dtype == np.int64
    assert all(step.dtype == np.int64 for step in steps) and np.array_equal(np.concatenate(steps), PLAIN)


@pytest.mark.parametrize("indices, words", BAD)
def test_indices_that_lead_outside_are_refused(indices, words):
    refused(BatchSchedule(24, order=order(indices)), words)
    refused(BatchSchedule(24, order=order(batches=[indices])), words)
    with pytest.raises((ValueError, TypeError), match=words):
        trained(BatchSchedule(24, order=order(joined=(indices, [0, 24]))))
    with pytest.raises((ValueError, TypeError), match=words):
        trained(schedule(joined=(indices, [0, 24]), steps=[]))

    class Step:
        time, epoch = 0, 0

    Step.indices = indices
    refused(schedule([Step]), words)


@pytest.mark.parametrize("offsets, words", [
    ([0, 30], "begin with 0 and end with 24"), ([1, 24], "begin with 0"), ([], "but are empty"), ([0, 20, 10, 24], "must not fall"),
    ([0, -5, 24], "must not fall"), ([0.0, 24.0], "dtype float64"), ([[0, 24]], r"shape \[m\]"), ([0, 2**62, 24], "must not fall")])
def test_offsets_are_checked(offsets, words):
    for made in (BatchSchedule(8, order=order(joined=(PLAIN, offsets))), schedule(joined=(PLAIN, offsets), steps=[])):
        with pytest.raises((ValueError, TypeError), match=words):
            trained(made)


def test_what_is_no_schedule_or_order_is_refused():
    for made, words in ((BatchSchedule(8, order=order(joined=PLAIN)), "as a pair"),
                        (BatchSchedule(8, order=order(batches=3)), "iterable"),
                        (schedule(joined=None, steps=3), "must yield BatchSteps"), (schedule([PLAIN]), "step 0 is"),
                        (BatchSchedule(8, order=order(PLAIN, steps=2.5)), "steps.*2.5"),
                        (BatchSchedule(8, order=order(PLAIN, steps=-1)), "steps.*-1"),
                        (BatchSchedule(8, order=order(batches=[PLAIN] * 4)), "at most as many batches.*3, but gave 4"),
                        (object(), "schedule must be"), (type("S", (), {"joined": 3})(), "schedule must be")):
        with pytest.raises((ValueError, TypeError), match=words):
            trained(made)
    with pytest.raises(NotImplementedError, match="Mine must define indices"):
        trained(BatchSchedule(8, order=order()))
    times = [BatchStep(3, 0, PLAIN[:8]), BatchStep(5, 0, PLAIN[8:])]
    refused(schedule(times), "must follow each other, but step 1 has time 5 where 4 is next")


def test_a_method_of_ones_own_is_called():
    """A subclass of BatchSchedule with its own epoch, of an order with its own indices; a batch without samples among others."""
    steps = [BatchStep(0, 0, PLAIN[:8]), BatchStep(1, 0, []), BatchStep(2, 0, PLAIN[8:])]
    expected = trained(schedule(steps))
    assert expected.history[0]["batch_steps"] == 3
    for cost in COSTS:
        found = trained(schedule(steps, base=BatchSchedule), cost)
        np.testing.assert_allclose(found.network.parameters, expected.network.parameters, rtol=1e-12)
    refused(BatchSchedule(8, order=order(np.full(24, 99), base=orders.Shuffled)), "from 0 to 23.*is 99")
    few = BatchSchedule(8, order=order([3, 1, 2]))
    assert [step.indices.tolist() for step in few.epoch(24, 0)] == [[3, 1, 2], [], []]
    assert few.joined(24, 0)[1].tolist() == [0, 3, 3, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-3, 27), max_size=30), st.integers(1, 12))
def test_an_epoch_and_its_joined_form_agree_or_both_refuse(indices, size):
    made = BatchSchedule(size, order=order(np.array(indices, np.int16)))
    used = indices[:made.steps(24) * size]
    if all(0 <= index < 24 for index in used):
        found, offsets = made.joined(24, 2)
        steps = list(made.epoch(24, 2))
        assert [step.indices.tolist() for step in steps] == [found[a:b].tolist() for a, b in zip(offsets, offsets[1:])]
        assert [step.time for step in steps] == [2 * made.steps(24) + i for i in range(len(steps))]
    else:
        for call in (lambda: made.joined(24, 2), lambda: list(made.epoch(24, 2))):
            with pytest.raises(ValueError, match="from 0 to 23"):
                call()


def test_indices_that_change_later_change_nothing():
    mine = PLAIN.copy()

    class Mine(orders.Order):
        def indices(self, samples, generator):
            return mine

    found, _ = BatchSchedule(8, order=Mine()).joined(24, 0)
    mine[:] = 10**12
    assert np.array_equal(found, PLAIN)


def test_batch_steps_are_checked_where_they_are_made_and_used():
    for indices, words in (*BAD[4:], (np.array([-1]), r"at least 0, but \[0\] is -1")):
        with pytest.raises((ValueError, TypeError), match=words):
            BatchStep(0, 0, indices)
    for time, epoch in ((-1, 0), (0, -1), (0.5, 0)):
        with pytest.raises((ValueError, TypeError), match="must be a whole number"):
            BatchStep(time, epoch, [0])
    net, step = network((2, 4, 1)), BatchStep(0, 0, [3, 1])
    value, gradient = evaluate(net, X, Y, COSTS[0], step)
    expected = value_and_gradient(net, X[[3, 1]], Y[[3, 1]], COSTS[0])
    assert value == expected[0] and np.array_equal(gradient, expected[1])
    for max_bytes in (None, 10**6):
        with pytest.raises(ValueError, match="from 0 to 23.*is 24"):
            BatchProblem(net, X, Y, COSTS[0], BatchStep(0, 0, [24]), max_bytes)
    for out in ([[0.0]], np.zeros(2), None):
        with pytest.raises((ValueError, TypeError), match="out must"):
            assemble(step, print, out)
    with pytest.raises(TypeError, match="step must be a schedulers.BatchStep"):
        assemble([3, 1], print, np.zeros((2, 1)))


@pytest.mark.parametrize("labels, count", [
    ([0.0, np.nan, 1.0, np.nan] * 6, 3), (["a", None, "b", None] * 6, 3), (np.array([1, "x", None, 2.5] * 6, object), 4),
    ([(1, 2), "a"] * 12, None), (np.array(["2020-01-01", "NaT"] * 12, "datetime64[D]"), 2), ([True, False] * 12, 2),
    ([1j, 2] * 12, 2),
    ([float("nan"), float("nan"), 1] * 8, 2)])
def test_stratified_labels_may_be_missing_or_mixed(labels, count):
    if count is None:
        labels, held = np.empty(24, object), labels
        labels[:] = held
        count = 2
    made = orders.stratified(labels)
    numbers = made._numbers
    assert len(set(numbers.tolist())) == count
    for e in range(3):
        steps = [step.indices for step in BatchSchedule(12, order=made).epoch(24, e)]
        assert sorted(np.concatenate(steps)) == list(range(24))
        for step in steps:
            assert all(abs(np.sum(numbers[step] == k) - np.sum(numbers == k) / 2) <= 1 for k in range(count))


def test_labels_keep_their_order_of_draws():
    """Text and numbers draw in the order of the labels, as a plain form of the definition does."""
    for labels in (np.array([3, 1, 2, 1] * 6), np.array(["c", "a", "b", "a"] * 6), np.array(["c", "a", "b", "a"] * 6, object)):
        generator, place = np.random.default_rng([0, 0]), np.empty(24)
        for label in sorted(set(labels.tolist())):
            members = generator.permutation(np.flatnonzero(labels == label))
            place[members] = (np.arange(len(members)) + generator.random()) / len(members)
        found, _ = BatchSchedule(24, order=orders.stratified(labels)).joined(24, 0)
        assert np.array_equal(found, np.argsort(place, kind="stable"))


@pytest.mark.parametrize("call, words", [
    (lambda: orders.stratified([[1, 2]]), r"labels must have shape \[samples\]"),
    (lambda: orders.stratified(3), "labels must have shape"),
    (lambda: orders.stratified(np.array([[1], "a", {}], object)), "hashable"),
    (lambda: orders.stratified(np.ma.array([1, 2], mask=[0, 1])), "masked"),
    (lambda: orders.importance([1.0, np.nan]), r"w\[1\] is nan"), (lambda: orders.importance([1.0, np.inf]), r"w\[1\] is inf"),
    (lambda: orders.importance(["1", "2"]), "dtype <U1"), (lambda: orders.importance([1j]), "complex128"),
    (lambda: orders.importance([[1.0]]), "shape"), (lambda: orders.importance(np.ma.array([1.0, 2], mask=[0, 1])), "masked"),
    (lambda: orders.poisson_sampling(np.nan), "nan"), (lambda: orders.poisson_sampling("0.5"), "'0.5'"),
    (lambda: orders.poisson_sampling([0.5]), r"\[0.5\]"), (lambda: orders.poisson_sampling(True), "True"),
    (lambda: orders.poisson_sampling(1j), "1j"), (lambda: orders.sharded(128.0), "128.0"), (lambda: orders.sharded(0), "0"),
    (lambda: orders.sharded(128, block=-1), "block.*-1"), (lambda: orders.sharded(None), "None")])
def test_hostile_values_are_refused(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_extreme_values_that_are_right():
    assert np.bincount(BatchSchedule(1000, order=orders.importance([1e308, 1e308, 0.0])).joined(3, 0)[0], minlength=3)[2] == 0
    huge = BatchSchedule(10**30, order="sequential")
    assert huge.joined(5, 10**20)[1].tolist() == [0, 5] and [len(step) for step in huge.epoch(5, 0)] == [5]
    weights = orders.importance([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        weights.weights[:] = np.nan


@pytest.mark.compiled
def test_nothing_of_this_ends_the_process():
    """The worst of it in a process of its own: addresses far outside X."""
    script = """
import numpy as np
from tests.schedulers.test_user_orders import BAD, order, schedule, trained
from schedulers import BatchSchedule, BatchStep
for indices, _ in BAD:
    for made in (BatchSchedule(24, order=order(indices)), schedule(joined=(indices, [0, 24]), steps=[])):
        try:
            trained(made)
        except (ValueError, TypeError):
            continue
        raise SystemExit("went on")
"""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, done.stderr
