"""Many epochs in one call into the kernels: the bits of single steps, and an end at any step of it."""

import contextlib
import time

import numpy as np
import pytest

import engine
from engine import Adam, AdamW, Cost, DivergenceError, GradientDescent, Interrupted, RMSprop, compiled_run, fit, training
from engine.callbacks import Callback
from schedulers import BatchSchedule, orders, rates
from tests.cases import network

pytestmark = pytest.mark.compiled
GENERATOR = np.random.default_rng(3)
X, CLASSES = GENERATOR.standard_normal((300, 6)).astype(np.float32), GENERATOR.integers(0, 3, 300)
MEAN = Cost("softmax_cross_entropy")
NET = network((6, 12, 3), "tanh", np.float32)
UPDATES = {"momentum": GradientDescent(0.1, momentum=0.9), "adam": Adam(0.02), "adamw": AdamW(rates.cosine(0.02, steps=40)),
           "rmsprop": RMSprop(rates.warmup(0.01, steps=5, after=rates.step_decay(0.01, every=7)))}
ORDERS = {"sequential": orders.sequential, "shuffled": orders.shuffled, "with_replacement": orders.with_replacement,
          "stratified": orders.stratified(CLASSES), "poisson": orders.poisson_sampling(0.1)}


def run(update=UPDATES["adam"], schedule=None, cost=MEAN, net=NET, **more):
    settings = dict(epochs=12, progress=False) | more
    return fit(net, X, CLASSES, cost, update, schedule or BatchSchedule(70, seed=5), **settings)


def stepwise(monkeypatch):
    monkeypatch.setattr(training._Run, "fused", lambda run, steps: False)


def same(found, expected):
    assert found.network.parameters.tobytes() == expected.network.parameters.tobytes()
    assert [row["cost"] for row in found.history] == [row["cost"] for row in expected.history]
    assert [list(row) for row in found.history] == [list(row) for row in expected.history]
    for name, array in expected.state.arrays.items():
        assert array.tobytes() == found.state.arrays[name].tobytes(), name
    return True


@contextlib.contextmanager
def calls_of(monkeypatch, steps):
    """Calls into the kernels of so many steps, or as many whole epochs as they hold; a list of how many each made."""
    made, real = [], compiled_run.CompiledBatch.call

    def call(batch, theta, batches, *rest):
        called = real(batch, theta, batches, *rest)
        made.append(called.made)
        seconds = compiled_run.CALL * called.made / steps * (1 - 1e-6)  # less than rounding of `began` after days of a clock
        return called._replace(ended=called.began + seconds)

    with monkeypatch.context() as patch:
        patch.setattr(compiled_run.CompiledBatch, "call", call)
        yield made


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("update", UPDATES)
def test_many_epochs_a_call_have_the_bits_of_single_steps(update, order, drop_last, monkeypatch):
    schedule = BatchSchedule(70, order=ORDERS[order], seed=2**40 + 3, drop_last=drop_last)
    found = run(UPDATES[update], schedule)
    stepwise(monkeypatch)
    assert same(found, run(UPDATES[update], schedule))


@pytest.mark.parametrize("cost", [MEAN, Cost("softmax_cross_entropy", engine.reductions.cvar(0.4)),
                                  Cost("softmax_cross_entropy", engine.reductions.weighted_mean(GENERATOR.random(300) + 0.1))])
def test_full_batches_have_the_same_bits_on_any_number_of_threads(cost, monkeypatch):
    monkeypatch.setattr(engine.backward, "worth_threads", lambda network, m: True)
    monkeypatch.setattr(engine.compiled_batch, "worth_threads", lambda network, m: True)
    monkeypatch.setattr(engine.compiled_batch, "chunk_count", lambda network, m, work: -(-m // 128))
    results, used = [], set()
    real = compiled_run.CompiledBatch.call

    def call(batch, theta, batches, largest, order, update, privacy, whole, threads):
        called = real(batch, theta, batches, largest, order, update, privacy, whole, engine.pool.num_threads())
        used.add(called.threads)
        return called

    monkeypatch.setattr(compiled_run.CompiledBatch, "call", call)
    try:
        for threads in (1, 2, 3):
            engine.set_num_threads(threads)
            results.append(run(schedule=BatchSchedule(300), cost=cost, epochs=6))
    finally:
        engine.set_num_threads(2)
    stepwise(monkeypatch)
    results.append(run(schedule=BatchSchedule(300), cost=cost, epochs=6))
    assert used == {1, 2, 3} and all(same(result, results[-1]) for result in results[:-1])


def test_an_epoch_may_be_several_calls_and_a_call_several_epochs(monkeypatch):
    whole = run(epochs=20)  # of 5 steps
    for steps, expected in ((1, 1), (3, 3), (5, 5), (12, 10)):
        with calls_of(monkeypatch, steps) as made:
            found = run(epochs=20)
        assert same(found, whole) and max(made[3:]) == expected, made


def test_a_listener_hears_of_every_epoch_and_changes_no_bit():
    rows = []

    class Listener(Callback):
        def batches(self, sizes, costs):
            assert sizes.tolist() == [70, 70, 70, 70, 20] and np.isfinite(costs).all()

        def __call__(self, row, network):
            rows.append(row)

    assert same(run(callbacks=[Listener()]), run()) and [row["epoch"] for row in rows] == list(range(12))


@pytest.mark.parametrize("steps", [1, 5, 60])
def test_divergence_inside_a_call_gives_the_last_whole_epoch(steps, monkeypatch):
    blast = GradientDescent(rates.exponential_decay(0.1, factor=30.0, every=5), momentum=0.5)
    with calls_of(monkeypatch, steps), pytest.raises(DivergenceError) as caught:
        run(blast, epochs=60)
    result = caught.value.result
    count = len(result.history)
    assert 3 < count < 60 and f"in epoch {count};" in str(caught.value)
    assert same(result, run(blast, epochs=count))


def test_a_rate_that_fails_inside_a_call_gives_the_last_whole_epoch():
    growing = GradientDescent(rates.step_decay(1e-5, factor=1e200, every=37))  # 1e395 is no number of float64
    with pytest.raises(ValueError, match="the rate at batch time step 74 must be") as caught:
        run(growing, epochs=30, net=NET.astype(np.float64), trainable=np.zeros(NET.size, bool))
    assert len(caught.value.result.history) == 14


def test_an_interrupt_between_calls_gives_the_last_whole_epoch(monkeypatch):
    count, real = 0, compiled_run.CompiledBatch.call

    def call(batch, *rest):
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return real(batch, *rest)

    monkeypatch.setattr(compiled_run.CompiledBatch, "call", call)
    with pytest.raises(Interrupted) as caught:
        run(epochs=10**7)
    monkeypatch.undo()
    result = caught.value.result
    assert len(result.history) > 4 and same(result, run(epochs=len(result.history)))


def test_a_run_resumed_in_the_middle_is_the_whole_run(tmp_path):
    whole = run(epochs=23, checkpoint=tmp_path / "whole.npz", checkpoint_every=5)
    for epochs in (3, 11, 23):
        found = run(epochs=epochs, checkpoint=tmp_path / "run.npz", checkpoint_every=4, resume=True)
    assert same(found, whole)


def test_a_users_own_rate_is_asked_once_a_step_and_an_epoch_at_a_time(monkeypatch):
    asked = []
    rows = []

    def rate(time):
        asked.append(time)
        return 0.05

    found = run(GradientDescent(rate), epochs=4)
    assert asked == list(range(20))
    assert same(found, run(GradientDescent(0.05), epochs=4)) and rows == []


def test_where_numpy_draws_otherwise_so_does_the_run(monkeypatch):
    permuted = np.random.Generator.permutation
    expected = run()

    class Turned(np.random.Generator):
        def permutation(self, n):
            return permuted(self, n)[::-1].copy()

    monkeypatch.setitem(compiled_run._agreed, compiled_run.OrderCode.SHUFFLED, None)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Turned(np.random.PCG64(seed)))
    found = run()
    stepwise(monkeypatch)
    assert same(found, run()) and found.network.parameters.tobytes() != expected.network.parameters.tobytes()


def test_the_bar_is_fed_ten_times_a_second_at_most(monkeypatch):
    fed = []

    class Bar:
        def __init__(self, **settings):
            fed.append(settings)

        def set_postfix(self, **settings):
            assert set(settings) == {"cost", "refresh"}

        def update(self, count):
            fed.append(count)

        def close(self):
            fed.append("closed")

    monkeypatch.setattr(engine.fit_progress, "progress_bar", Bar)
    began = time.perf_counter()
    run(epochs=300, progress=True, callbacks=[lambda row, network: False])
    most = 10 * (time.perf_counter() - began) + 2
    assert fed[0] == {"total": 300, "initial": 0, "unit": "epoch"} and fed[-1] == "closed"
    assert sum(fed[1:-1]) == 300 and len(fed) - 2 <= most
