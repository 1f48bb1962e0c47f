"""How a run ends: interrupts, exceptions of a user's own, divergence; what it had reached is handed on and saved."""

import _thread
import os
import signal
import warnings

import numpy as np
import pytest

import engine.endings
import engine.training
from engine import (
    Activation,
    Adam,
    Cost,
    DivergenceError,
    FitResult,
    GradientDescent,
    Interrupted,
    LevenbergMarquardt,
    Loss,
    Reduction,
    fit,
)
from schedulers import BatchSchedule, orders
from tests.cases import network

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
Y = np.sin(2 * X[:, :1]) + X[:, 1:]
SQUARES = Loss(lambda A, y: ((A - y) * (A - y)).sum(1) / 2, lambda A, y: A - y)
PLAIN = GradientDescent(0.1)
ROADS = {"fused": Cost("squared_error"), "stepwise": Cost(SQUARES)}


def run(cost=ROADS["fused"], update=PLAIN, schedule=None, start=None, **more):
    settings = dict(epochs=4, progress=False) | more
    return fit(start or network((2, 4, 1)), X, Y, cost, update, schedule or BatchSchedule(20, seed=1), **settings)


@pytest.fixture(params=ROADS)
def road(request, monkeypatch):
    """The name of a road and a list of the epochs that went along each."""
    taken = {name: [] for name in ROADS}
    for name, place, function in (("fused", engine.training.CompiledRun, "epochs"),
                                  ("stepwise", engine.training, "epoch_stepwise")):
        whole = getattr(place, function)
        monkeypatch.setattr(place, function, lambda run, steps, *rest, name=name, whole=whole: (taken[name].append(steps.epoch),
                                                                                              whole(run, steps, *rest))[1])
    yield request.param
    other = next(name for name in ROADS if name != request.param)
    assert taken[request.param] and not taken[other]


def interrupt():
    _thread.interrupt_main()
    for _ in range(1000):
        os.getpid()


def after(calls, act, value=None):
    """A function that acts at its call number `calls`, and at every other gives `value`, or its first argument."""
    count = iter(range(calls + 1))

    def call(*arguments):
        if next(count, None) == calls:
            act()
        return arguments[0] if value is None else value

    return call


def same(result, expected):
    assert np.array_equal(result.network.parameters, expected.network.parameters)
    assert [row["cost"] for row in result.history] == [row["cost"] for row in expected.history]
    for name, array in expected.state.arrays.items():
        assert np.array_equal(result.state.arrays[name], array), name
    return True


class Own(Exception):
    pass


def fail():
    raise Own("mine")


PLACES = ("callback", "rate", "validation", "order")


def stopped_at(place, act, cost, **more):
    """A run in whose third epoch something acts at one place."""
    if place == "callback":
        return run(cost, callbacks=[after(1, act)], **more)
    if place == "rate":
        return run(cost, GradientDescent(after(7, act, 0.1)), **more)
    if place == "validation":
        class Watching(Reduction):
            pass

        watched = after(1, act)
        own = Reduction(lambda L: (watched(L) if len(L) == 7 else L).mean(), lambda L: np.full(len(L), 1 / len(L)))
        return run(Cost(SQUARES, own), validation=(X[:7], Y[:7]), **more)
    acting = after(2, act)

    class Order(orders.Order):
        def indices(self, samples, generator):
            acting(samples)
            return np.random.default_rng(3).permutation(samples)

    return run(cost, schedule=BatchSchedule(20, order=Order()), **more)


@pytest.mark.parametrize("kind", [Interrupted, Own])
@pytest.mark.parametrize("place", PLACES)
def test_whatever_stops_a_run_it_hands_on_its_whole_epochs(place, kind, road, tmp_path):
    if place == "validation" and road == "fused":
        run()  # a user's own reduction has no fused road
        return
    whole_epochs = {"callback": 2, "rate": 2, "validation": 1, "order": 2}[place]
    path = tmp_path / "run.npz"
    act = interrupt if kind is Interrupted else fail
    with pytest.raises(kind) as caught:
        stopped_at(place, act, ROADS[road], checkpoint=path)
    found, free = caught.value.result, lambda: None
    expected = stopped_at(place, free, ROADS[road], epochs=whole_epochs)
    assert isinstance(found, FitResult) and len(found.history) == whole_epochs and same(found, expected)
    assert type(caught.value) is kind and [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_a_stopped_run_resumes_with_the_bits_of_one_that_did_not(road, tmp_path):
    path, whole = tmp_path / "run.npz", run(ROADS[road], Adam(0.01))
    with pytest.raises(KeyboardInterrupt) as caught:
        run(ROADS[road], Adam(0.01), checkpoint=path, callbacks=[after(1, interrupt)])
    assert len(caught.value.result.history) == 2
    assert same(run(ROADS[road], Adam(0.01), checkpoint=path, resume=True), whole)


@pytest.mark.parametrize("build", [
    lambda act: run(Cost(Loss(lambda A, y: (act(), ((A - y)**2).sum(1))[1], SQUARES.gradient))),
    lambda act: run(Cost(Loss(SQUARES.value, lambda A, y: (act(), A - y)[1]))),
    lambda act: run(Cost("squared_error", Reduction(lambda L: (act(), L.mean())[1], lambda L: np.full(len(L), 1 / len(L))))),
    lambda act: run(start=network((2, 4, 1), Activation("mine", lambda z: (act(), np.sin(z))[1], np.cos))),
    lambda act: run(callbacks=[lambda row, net: act()]),
])
def test_every_function_of_a_user_may_raise(build):
    calls = iter(range(100))

    def act():
        if next(calls) == 4:
            raise Own("mine")

    with pytest.raises(Own, match="mine") as caught:
        try:
            build(act)
            build(act)
        except Own as error:
            raise error
    assert isinstance(caught.value.result, FitResult) and not getattr(caught.value, "__notes__", [])


class Frozen(Exception):
    def __setattr__(self, name, value):
        raise AttributeError("frozen")


class Taken(Exception):
    result = "its own"


class Guarded(Exception):
    @property
    def result(self):
        raise RuntimeError("not now")


@pytest.mark.parametrize("kind, place", [(Own, "result"), (Frozen, "result"), (Taken, "fit_result"), (Guarded, "fit_result"),
                                         (SystemExit, "result"), (KeyError, "result"), (DivergenceError, "result")])
def test_the_result_finds_a_place_on_any_exception(kind, place):
    error = kind("mine")

    def stop(row, net):
        raise error

    for epochs in (1, 2):  # the same exception a second time carries the second run
        with pytest.raises(kind) as caught:
            run(callbacks=[stop], start=network((2, 4, 1), seed=epochs))
        assert caught.value is error
        expected = run(epochs=1, start=network((2, 4, 1), seed=epochs))
        assert np.array_equal(getattr(error, place).network.parameters, expected.network.parameters)
    assert any(".fit_result" in note for note in getattr(error, "__notes__", [])) == (place == "fit_result")


def test_an_interrupt_before_the_first_epoch():
    class Slow:
        def __array__(self, *_, **__):
            raise KeyboardInterrupt

    start = network((2, 4, 1))
    with pytest.raises(Interrupted) as caught:
        fit(start, Slow(), Y, Cost("squared_error"), Adam(), BatchSchedule(20), epochs=2, progress=False)
    assert caught.value.result.network is start and caught.value.result.state is None and len(caught.value.result.history) == 0
    with pytest.raises(Interrupted) as caught:
        run(Cost(SQUARES), GradientDescent(after(0, interrupt, 0.1)), start=start)
    assert np.array_equal(caught.value.result.network.parameters, start.parameters) and len(caught.value.result.history) == 0


def test_an_interrupt_inside_another_fit_is_the_outer_runs():
    def inner(row, net):
        if row["epoch"] == 1:
            run(start=network((2, 3, 1)), callbacks=[after(0, interrupt)])

    with pytest.raises(Interrupted) as caught:
        run(callbacks=[inner])
    assert len(caught.value.result.history) == 2 and caught.value.__cause__.result.network.widths == (2, 3, 1)


@pytest.mark.parametrize("times", [1, 2])
def test_interrupts_while_the_end_is_saved(times, tmp_path, monkeypatch):
    """One in the save after an epoch, then in the save that follows it: the exception has the run all the same."""
    path, whole, calls = tmp_path / "run.npz", engine.endings.Reached.save, []

    def save(self):
        calls.append(len(self.history))
        if 2 < len(calls) < 3 + times:
            raise KeyboardInterrupt
        whole(self)

    monkeypatch.setattr(engine.endings.Reached, "save", save)
    with pytest.raises(Interrupted) as caught:
        run(checkpoint=path)
    assert calls == [1, 2, 3, 3] and len(caught.value.result.history) == 3
    monkeypatch.setattr(engine.endings.Reached, "save", whole)
    resumed = run(checkpoint=path, resume=True, epochs=3)
    assert same(resumed, run(epochs=3))


def test_a_save_that_fails_is_named_and_hides_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(Own) as caught:
        monkeypatch.setattr(engine.endings.Reached, "save", lambda self: full() if len(self.history) > 1 else None)
        run(callbacks=[lambda row, net: fail()], start=network((2, 4, 1)), epochs=1, checkpoint=tmp_path / "run.npz")
    assert len(caught.value.result.history) == 1
    with pytest.raises(OSError, match="No space left") as caught:
        run(checkpoint=tmp_path / "run.npz")
    assert len(caught.value.result.history) == 2


def test_a_real_signal_ends_a_compiled_epoch(road):
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            run(ROADS[road], epochs=10**7)
    finally:
        signal.signal(signal.SIGALRM, handler)
    count = len(caught.value.result.history)
    assert count and same(caught.value.result, run(ROADS[road], epochs=count))


@pytest.mark.parametrize("rate, what", [
    (lambda t: 0.1 if t < 6 else 1e200, "the cost of batch time step 7 is inf"),
    (lambda t: {7: 1e30, 8: 1e308}.get(t, 0.1), "a parameter is no longer finite")])
def test_divergence_keeps_what_was_good(road, rate, what, tmp_path):
    path = tmp_path / "run.npz"
    start = network((2, 4, 1), "identity")
    with pytest.raises(DivergenceError, match=f"{what}.*in epoch.*lower the rate") as caught:
        run(ROADS[road], GradientDescent(rate), start=start, epochs=50, checkpoint=path)
    result = caught.value.result
    count = len(result.history)
    assert count == 2 and np.isfinite(result.network.parameters).all()
    assert same(result, run(ROADS[road], GradientDescent(rate), start=start, epochs=count))
    assert same(run(ROADS[road], GradientDescent(rate), start=start, epochs=count, checkpoint=path, resume=True), result)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_cost_that_is_not_finite_ends_the_epoch_where_it_comes(value):
    calls = []

    def loss(A, y):
        calls.append(len(A))
        return np.full(len(A), value if len(calls) == 5 else 1.0)

    with pytest.raises(DivergenceError, match=f"batch time step 4 is {value}, in epoch 1") as caught:
        run(Cost(Loss(loss, SQUARES.gradient)))
    assert len(calls) == 5 and len(caught.value.result.history) == 1


def test_an_epochs_cost_is_the_mean_of_its_batches_costs(road):
    """Batches of 20, 20, 20 and of 25, 25, 10: each counts alike, whatever it holds."""
    for size in (20, 25):
        start, net, costs = network((2, 4, 1)), None, []
        net = start
        for first in range(0, 60, size):
            part = slice(first, first + size)
            costs.append(float(ROADS[road].value(net(X[part]), Y[part])))
            _, gradient = engine.value_and_gradient(net, X[part], Y[part], ROADS[road])
            net = net.replace(net.parameters - 0.1 * gradient)
        found = run(ROADS[road], schedule=BatchSchedule(size, order="sequential"), start=start, epochs=1)
        assert found.history[0]["cost"] == pytest.approx(sum(costs) / len(costs), rel=1e-12)
        assert min(abs(cost / found.history[0]["cost"] - 1) for cost in costs) > 1e-3


class Nothing(orders.Order):
    def batches(self, samples, batch_size, drop_last, generator):
        return iter(())


class Empty(orders.Order):
    def indices(self, samples, generator):
        return []


@pytest.mark.parametrize("schedule, remedy", [
    (BatchSchedule(64, drop_last=True), "batch_size of at most 60, or drop_last=False"),
    (BatchSchedule(20, order=Nothing()), "whose batch steps hold samples"),
    (BatchSchedule(20, order=Empty()), "whose batch steps hold samples")])
def test_an_epoch_that_trains_nothing_says_so_once(road, schedule, remedy):
    start = network((2, 4, 1))
    with pytest.warns(RuntimeWarning, match=f"epoch 0 of fit trains nothing.*{remedy}") as said:
        result = run(ROADS[road], Adam(), schedule, start)
    assert len(said) == 1 and said[0].filename == __file__
    assert len(result.history) == 4 and all(np.isnan(row["cost"]) for row in result.history)
    assert np.array_equal(result.network.parameters, start.parameters)


@pytest.mark.compiled
def test_an_empty_batch_among_others_says_nothing(road):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(ROADS[road], Adam(), BatchSchedule(2, order=orders.poisson_sampling(0.02)))
    assert np.isfinite(result.history.columns()["cost"]).all()
    assert result.state.arrays["steps"] == 4 * 30


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="needs at least one sample, but X holds none"):
        fit(network((2, 4, 1)), np.empty((0, 2)), np.empty((0, 1)), Cost("squared_error"), Adam(), BatchSchedule(2), epochs=1)


def test_a_run_that_ends_early_is_not_mistaken():
    """Levenberg–Marquardt ends where a tolerance is met; an epoch without samples does not count as one."""
    result = run(update=LevenbergMarquardt(gradient_tolerance=1e9), epochs=50)
    assert len(result.history) == 1 and str(result.state.arrays["stopped"]) == "gradient"


def test_progress_takes_no_lock_of_other_processes():
    import subprocess
    import sys

    script = """
import numpy as np, sys, engine
from schedulers import BatchSchedule
X = np.ones((8, 1))
def fit(progress):
    network, cost = engine.Network.initialize((1, 2, 1), "tanh"), engine.Cost("squared_error")
    engine.fit(network, X, X, cost, engine.Adam(), BatchSchedule(4), epochs=2, progress=progress)
fit(False)
assert not any(name.startswith("tqdm") for name in sys.modules), "tqdm"
fit(True)
from tqdm.std import TqdmDefaultWriteLock
assert not hasattr(TqdmDefaultWriteLock, "mp_lock"), "mp_lock"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "2/2" in done.stderr, done.stderr
