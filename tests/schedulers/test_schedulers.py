"""Two levels of time steps, orders, rates, slabs, assembly."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedulers import BatchSchedule, BatchStep, assemble, orders, rates, slabs
from tests.cases import ORDERS, RATES


@pytest.mark.parametrize("name", ORDERS)
@settings(max_examples=25, deadline=None)
@given(samples=st.integers(1, 60), batch_size=st.integers(1, 25), seed=st.integers(0, 99), e=st.integers(0, 9), drop=st.booleans())
def test_an_epoch_depends_on_seed_and_epoch_alone(name, samples, batch_size, seed, e, drop):
    schedule = BatchSchedule(batch_size, order=ORDERS[name](samples), seed=seed, drop_last=drop)
    steps = list(schedule.epoch(samples, e))
    again = list(pickle.loads(pickle.dumps(schedule)).epoch(samples, e))
    assert all(np.array_equal(a.indices, b.indices) and a.time == b.time for a, b in zip(steps, again))
    assert len(steps) == schedule.steps(samples)
    assert [step.time for step in steps] == list(range(e * len(steps), (e + 1) * len(steps)))
    assert all(step.epoch == e for step in steps)
    for step in steps:
        assert len(step) == len(step.indices) and ((step.indices >= 0) & (step.indices < samples)).all()
        inner = list(step.samples())
        assert [(s.time, s.position, s.index) for s in inner] == [(step.time, i, k) for i, k in enumerate(step.indices)]
    if name in ("sequential", "shuffled", "sharded", "stratified") and not drop:
        assert sorted(np.concatenate([step.indices for step in steps])) == list(range(samples))


def test_epochs_and_seeds_differ():
    first, second = (np.concatenate([s.indices for s in BatchSchedule(10).epoch(100, e)]) for e in (0, 1))
    other = np.concatenate([s.indices for s in BatchSchedule(10, seed=1).epoch(100, 0)])
    assert not np.array_equal(first, second) and not np.array_equal(first, other)


def test_stratified_batches_hold_every_label():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    for step in BatchSchedule(20, order=orders.stratified(labels)).epoch(100, 0):
        counts = np.bincount(labels[step.indices], minlength=3)
        assert abs(counts - np.array([12, 6, 2])).max() <= 2


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(1, 6), st.integers(1, 12), st.integers(1, 8), st.integers(0, 9))
def test_blocks_of_sharded_batches_hold_samples_of_one_shard(samples, shard, batch, block, e):
    order = orders.sharded(shard * block, block)
    steps = [step.indices for step in BatchSchedule(batch * block, order=order).epoch(samples, e)]
    assert sorted(np.concatenate(steps)) == list(range(samples))
    for indices in steps:
        for first in range(0, len(indices), block):
            assert len(set(indices[first:first + block] // (shard * block))) == 1
    run = order.run(samples, batch * block)
    assert run % block == 0 and (batch * block) % run == (shard * block) % run == 0


def test_sharded_batches_hold_every_shard_alike_and_shuffled():
    steps, others = ([step.indices for step in BatchSchedule(1024, order=orders.sharded(1024)).epoch(4096, e)] for e in (0, 1))
    for indices in steps:
        assert np.bincount(indices // 1024, minlength=4).tolist() == [256] * 4
        assert (np.diff(indices[:256]) < 0).sum() > 100
    assert set(steps[0]) != set(others[0])


def test_sharded_wants_whole_blocks():
    with pytest.raises(ValueError, match="shard must be a whole number of blocks of 128, but is 200"):
        orders.sharded(200)
    with pytest.raises(ValueError, match="batch_size must be a whole number of blocks of 128, or hold all 500.*100"):
        list(BatchSchedule(100, order=orders.sharded(256)).epoch(500, 0))
    assert len(next(iter(BatchSchedule(500, order=orders.sharded(256)).epoch(500, 0)))) == 500


def test_importance_draws_in_proportion():
    schedule = BatchSchedule(1000, order=orders.importance([0.0, 1.0, 3.0]))
    drawn = np.bincount(np.concatenate([s.indices for e in range(2000) for s in schedule.epoch(3, e)]), minlength=3)
    assert drawn[0] == 0 and 2.5 < drawn[2] / drawn[1] < 3.5


@pytest.mark.parametrize("name", RATES)
def test_a_rate_is_what_one_works_out_by_hand_before_and_after_pickling(name):
    rate, expected = RATES[name]
    for function in (rate, pickle.loads(pickle.dumps(rate))):
        assert function == rate and {time: function(time) for time in expected} == pytest.approx(expected)


def test_rates():
    assert rates.constant(0.1)(5) == 0.1
    assert rates.step_decay(1.0, factor=0.5, every=2)(5) == 0.25
    assert rates.exponential_decay(1.0, factor=0.25, every=2)(1) == 0.5
    assert rates.cosine(1.0, steps=10)(0) == 1.0 and rates.cosine(1.0, steps=10)(5) == pytest.approx(0.5)
    assert rates.cosine(1.0, steps=10, last=0.1)(99) == pytest.approx(0.1)
    assert [rates.warmup(1.0, steps=4)(t) for t in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rates.warmup(1.0, steps=4, after=rates.step_decay(1.0, every=1))(5) == pytest.approx(0.1)
    cycle = rates.one_cycle(1.0, steps=100)
    assert cycle(0) == pytest.approx(1 / 25) and cycle(30) == pytest.approx(1.0) and cycle(100) == pytest.approx(1e-4)


@given(st.integers(0, 200), st.integers(1, 9), st.integers(1, 400), st.integers(1, 7))
def test_slabs_are_whole_multiples_that_fit(count, each, most, unit):
    if most < each * unit:
        with pytest.raises(MemoryError, match=str(each * unit)):
            slabs(count, each, most, unit)
        return
    cuts = list(slabs(count, each, most, unit))
    assert sum(cut.stop - cut.start for cut in cuts) == count
    for cut in cuts:
        assert (cut.stop - cut.start) * each <= most and cut.start % unit == 0


@given(st.lists(st.integers(0, 49), max_size=30), st.none() | st.integers(1, 40))
def test_sample_step_s_writes_block_s(indices, slab):
    X = np.random.default_rng(0).standard_normal((50, 3))
    step = BatchStep(0, 0, np.array(indices, np.int64))
    out = np.full((len(indices), 3), np.nan)
    assert assemble(step, lambda k, rows: np.copyto(rows, X[k]), out, slab=slab) is out
    assert np.array_equal(out, X[step.indices])


@pytest.mark.parametrize("call, words", [
    (lambda: BatchSchedule(0), "batch_size.*0"), (lambda: BatchSchedule(2.5), "batch_size.*2.5"),
    (lambda: BatchSchedule(2, order="random"), "sequential.*random"), (lambda: BatchSchedule(2, seed=-1), "seed.*-1"),
    (lambda: orders.poisson_sampling(1.5), "probability.*1.5"), (lambda: orders.importance([1.0, -2.0]), r"w\[1\] is -2"),
    (lambda: orders.importance([0.0]), "all 0"), (lambda: rates.constant(0), "rate.*0"),
    (lambda: rates.warmup(1.0, after=3), "after.*callable"), (lambda: rates.cosine("x"), "rate.*'x'"),
    (lambda: list(BatchSchedule(2, order=orders.importance([1.0])).epoch(3, 0)), "3 samples.*1"),
    (lambda: list(BatchSchedule(2, order=orders.stratified([1])).epoch(3, 0)), r"3 samples.*\[1\]"),
    (lambda: assemble(BatchStep(0, 0, np.arange(3)), None, np.empty((2, 1))), r"\[3, n\].*\[2, 1\]"),
    (lambda: list(BatchSchedule(2).epoch(-1, 0)), "samples.*-1"),
])
def test_refusals(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_a_schedule_does_not_change():
    with pytest.raises(AttributeError, match="batch_size"):
        BatchSchedule(2).batch_size = 3


def test_imports_nothing_of_engine():
    script = "import schedulers, sys; sys.exit('engine' in sys.modules or 'numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script])
    assert done.returncode == 0


def test_draws_take_each_sample_with_its_probability():
    """Within five standard deviations of what is expected, of 4000 draws among 8 samples."""
    w = np.arange(8.0)
    for order, shares in (("with_replacement", np.full(8, 1 / 8)), (orders.importance(w), w / w.sum()),
                          (orders.poisson_sampling(0.25), np.full(8, 1 / 8))):
        schedule = BatchSchedule(2, order=order)
        drawn = np.concatenate([schedule.joined(8, e)[0] for e in range(500)])
        counts = np.bincount(drawn, minlength=8)
        assert len(counts) == 8 and (abs(counts - 4000 * shares) <= 5 * (4000 * shares)**0.5).all()


@pytest.mark.parametrize("steps", [1, 2, 4, 10])
@pytest.mark.parametrize("rise", [0.3, 0.75, 1.0])
def test_one_cycle_begins_peaks_and_ends_where_it_says(steps, rise):
    cycle = rates.one_cycle(2.0, steps=steps, rise=rise, start=4.0, end=100.0)
    assert cycle(0) == pytest.approx(0.5)
    assert cycle(rise * steps) == pytest.approx(2.0)
    if rise * steps <= steps - 1:
        assert cycle(steps) == cycle(steps + 5) == pytest.approx(0.02)


@pytest.mark.parametrize("given, words", [((-1, 0, [0]), "time must"), ((0, -1, [0]), "epoch must"), ((0, 0, [0, -1]), "indices")])
def test_a_batch_step_names_what_is_wrong(given, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        BatchStep(*given)
    kept = BatchStep(2, 1, [0, 1]).read_only()
    assert (kept.time, kept.epoch, kept.indices.tolist()) == (2, 1, [0, 1]) and not kept.indices.flags.writeable
