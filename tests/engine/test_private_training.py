"""Private: its steps against gradients of single samples by index sums, with the same noise; every road, resume, empty batches."""

import warnings

import numpy as np
import pytest
import scipy.stats

import engine
from engine import Activation, Adam, AdamW, Cost, GradientDescent, LevenbergMarquardt, Network, Private, RMSprop, fit, privacy
from engine.batch_problem import BatchProblem
from engine.kernels.normal import standard_normal
from engine.penalties import ridge
from engine.updates import private_steps
from schedulers import BatchSchedule, BatchStep, orders
from tests.cases import DTYPES, network
from tests.oracle.private import philox, private_gradient, sample_gradients

G = np.random.default_rng(4)
M = 30
X, Y, CLASSES = 2 * G.standard_normal((M, 3)), 2 * G.standard_normal((M, 2)), G.integers(0, 2, M)
EVERY = np.empty(0, bool)
SQUARE, NAMES = Cost("squared_error"), ("tanh", "tanh", "identity")
POISSON = BatchSchedule(10, order=orders.poisson_sampling(0.4), seed=2)
NET = network((3, 4, 3, 2))
MASKS = {"all": None, "a layer": NET.mask(layers=[2]), "weights": NET.mask(biases=False), "biases": NET.mask(weights=False),
         "any": G.random(NET.size) < 0.6}


def private(update=None, clip_norm=1.5, noise_multiplier=0.7, seed=11):
    return Private(update or GradientDescent(0.1), clip_norm, noise_multiplier, seed)


def run(net=NET, cost=SQUARE, update=None, schedule=POISSON, epochs=2, y=Y, **more):
    return fit(net, X, y, cost, update or private(), schedule, epochs=epochs, progress=False, **more)


def by_hand(net, expected, free, epochs=2, rate=0.1, clip_norm=1.5, noise_multiplier=0.7, seed=11):
    """θ after gradient descent along the oracle's gradients, and how many samples were clipped."""
    theta, time, clipped = net.parameters.astype(float), 0, 0
    for e in range(epochs):
        for step in POISSON.epoch(M, e):
            A = net.replace(theta.astype(net.dtype))(X[step.indices])
            rows = sample_gradients(theta, net.widths, NAMES, X[step.indices], A - Y[step.indices])
            noise = noise_multiplier * clip_norm * philox(seed, time, net.size, net.dtype).astype(float)
            gradient = private_gradient(rows, clip_norm, noise, expected, free)
            clipped += int((np.linalg.norm(rows if free is None else rows[:, free], axis=1) > clip_norm).sum())
            theta -= rate * (gradient if free is None else np.where(free, gradient, 0))
            time += 1
    return theta, clipped


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction, expected", [("mean", 0.4 * M), ("sum", 1.0)])
@pytest.mark.parametrize("mask", MASKS)
def test_steps_are_those_of_single_samples_clipped_and_noisy(mask, reduction, expected, dtype):
    free, rate = MASKS[mask], 0.1 if reduction == "mean" else 0.01
    net = network((3, 4, 3, 2), dtype=dtype)
    result = run(net, Cost("squared_error", reduction), private(GradientDescent(rate)), trainable=free)
    theta, clipped = by_hand(net, expected, free, rate=rate)
    assert 0 < clipped < 6 * M
    np.testing.assert_allclose(result.network.parameters, theta, **(dict(rtol=1e-11) if dtype == np.float64 else dict(atol=3e-5)))
    if free is not None:
        assert np.array_equal(result.network.parameters[~free], net.parameters[~free])
    assert result.state.arrays["noise_steps"] == result.state.arrays["steps"] == sum(row["batch_steps"] for row in result.history)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
def test_batch_steps_in_the_kernels_have_the_bits_of_steps_one_by_one_on_any_threads(dtype, threads, monkeypatch):
    """Batches of several blocks, some of none, and more steps than one call has noise for."""
    net, generator = network((6, 12, 3), dtype=dtype), np.random.default_rng(5)
    features, classes, free = generator.standard_normal((700, 6)), generator.integers(0, 3, 700), generator.random(net.size) < 0.7
    monkeypatch.setattr(private_steps, "NOISE", 2 * net.parameters.nbytes)
    for order, penalty in ((orders.poisson_sampling(0.5), ridge(0.1)), (orders.poisson_sampling(1e-3), None), ("shuffled", None)):
        bits = []
        for fused, count in ((True, 1), (False, 1), (True, 3)):
            monkeypatch.setattr(engine.training._Run, "fused", lambda run, steps, fused=fused: fused)
            engine.set_num_threads(count)
            result = fit(net, features, classes, Cost("softmax_cross_entropy", penalty=penalty), private(Adam(0.01), 0.3),
                         BatchSchedule(100, order=order), epochs=3, trainable=free, progress=False)
            bits.append((result.network.parameters.tobytes(), repr(result.history.columns()["cost"]), result.state))
        assert bits[0] == bits[1] == bits[2]
        assert np.array_equal(result.network.parameters[~free], net.parameters[~free])


@pytest.mark.parametrize("dtype, least", [(np.float32, 2.0**-31), (np.float64, 2.0**-53)])
def test_noise_is_standard_normal(dtype, least):
    rows = np.empty((3, 2000), dtype)
    private_steps.draw(7, (1 << 40) - 1, rows)
    for k, row in enumerate(rows):
        np.testing.assert_allclose(row, philox(7, (1 << 40) - 1 + k, 2000, dtype), rtol=0, atol=20 * np.finfo(dtype).eps)
    assert scipy.stats.kstest(rows.ravel(), "norm").pvalue > 0.01 and len(np.unique(rows)) > 5990
    assert abs(np.corrcoef(np.concatenate([rows[:, :1000], rows[:, 1000:]]).astype(float)) - np.eye(6)).max() < 0.1
    ends = np.empty(4, dtype)
    standard_normal(np.array([0, 1 / least - 1, 0, 0]).astype(np.int32 if dtype == np.float32 else np.int64), least, ends)
    assert ends[0] == pytest.approx(np.sqrt(-2 * np.log(least / 2)), rel=1e-6) and abs(ends[1]) < 1e-4 and not ends[2:].any()


def test_batch_steps_are_made_by_the_kernels(monkeypatch):
    monkeypatch.delattr(private_steps.PrivateSteps, "step")
    assert run().state.arrays["noise_steps"] == 6


def test_a_first_order_update_of_ones_own_makes_its_own_steps():
    class Halved(GradientDescent):
        def step(self, problem, theta, state, trainable, time):
            value, gradient = problem.value_and_gradient(theta)
            theta -= 0.5 * self.rate * gradient
            return value

    np.testing.assert_allclose(run(update=private(Halved(0.2))).network.parameters, run().network.parameters, rtol=1e-12)


def clipped_sum(net, m=M, cost=SQUARE, free=EVERY, clip=0.8, max_bytes=None, features=X, targets=Y):
    problem = BatchProblem(net, features, targets, cost, BatchStep(0, 0, np.arange(m)), max_bytes)
    return problem.losses_and_clipped_sum(net.parameters.copy(), clip, free)[1]


def test_one_sample_changes_the_sum_by_no_more_than_the_norm():
    whole, less = clipped_sum(NET), clipped_sum(NET, M - 1)
    assert np.linalg.norm(whole - less) <= 0.8 * (1 + 1e-12)
    assert np.linalg.norm(clipped_sum(NET, 1, clip=1e-3)) == pytest.approx(1e-3)


def test_functions_of_a_users_own_and_slabs_give_the_same_sum():
    tanh = Activation("own tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    own = Network(NET.widths, (tanh, tanh, "identity"), NET.parameters)
    mine = Cost(engine.Loss(lambda A, y: 0.5 * ((A - y) ** 2).sum(1), lambda A, y: A - y))
    for free in (EVERY, MASKS["any"]):
        expected = clipped_sum(NET, free=free)
        np.testing.assert_allclose(clipped_sum(own, free=free), expected, rtol=1e-11)
        np.testing.assert_allclose(clipped_sum(NET, cost=mine, free=free), expected, rtol=1e-11)


@pytest.mark.compiled
def test_slabs_and_threads_change_no_bit(threads):
    """Streamed, in slabs of a block, and where threads share the rows of a large W."""
    for widths, m, least in (((3, 4, 3, 2), 300, 1 << 18), ((40, 200, 200, 2), 200, 1 << 24)):
        net, generator = network(widths), np.random.default_rng(0)
        features, targets = generator.standard_normal((m, widths[0])), generator.standard_normal((m, 2))
        free = net.mask(biases=False)
        sums = [clipped_sum(net, m, free=free, features=features, targets=targets, max_bytes=bound) for bound in (None, least)]
        engine.set_num_threads(1)
        sums.append(clipped_sum(net, m, free=free, features=features, targets=targets))
        engine.set_num_threads(3)
        assert np.array_equal(sums[0], sums[1]) and np.array_equal(sums[0], sums[2])


@pytest.mark.parametrize("inside", [Adam(0.01), AdamW(0.01), RMSprop(0.01), GradientDescent(0.05, momentum=0.9)], ids=repr)
def test_any_first_order_update_takes_the_noisy_gradient(inside):
    """Without noise, and with a norm that none exceeds, a full batch is the update's own."""
    quiet = Private(inside, clip_norm=1e9, noise_multiplier=0.0, seed=0)
    everything = BatchSchedule(M, order="sequential")
    alone, wrapped = (run(update=update, schedule=everything, epochs=3) for update in (inside, quiet))
    np.testing.assert_allclose(wrapped.network.parameters, alone.network.parameters, rtol=1e-11)
    assert np.allclose(alone.history.columns()["cost"], wrapped.history.columns()["cost"], rtol=1e-13)
    assert run(update=Private(inside, 1.0, 1.0, seed=3)).network.parameters.shape == (NET.size,)


def test_a_run_that_is_resumed_or_goes_on_draws_the_same_noise_and_none_twice(tmp_path):
    path = tmp_path / "run.npz"
    update = private(Adam(0.01), seed=(1 << 128) - 2)
    whole = run(update=update, epochs=4)
    run(update=update, epochs=2, checkpoint=path)
    assert str(update.seed).encode() not in path.read_bytes()
    resumed = run(update=update, epochs=4, checkpoint=path, resume=True)
    assert np.array_equal(resumed.network.parameters, whole.network.parameters)
    assert all(np.array_equal(array, whole.state.arrays[name]) for name, array in resumed.state.arrays.items())
    for other in (private(Adam(0.01), seed=5), private(Adam(0.01), 1.6, seed=update.seed), private(Adam(0.02), seed=update.seed)):
        with pytest.raises(engine.CheckpointError, match="update"):
            run(update=other, epochs=4, checkpoint=path, resume=True)
    frozen = private(GradientDescent(0.1), noise_multiplier=1.0)
    first = run(update=frozen, epochs=1)
    again = run(update=frozen, epochs=1, state=first.state)
    assert again.state.arrays["noise_steps"] == 6 and not np.array_equal(first.network.parameters, again.network.parameters)


def test_a_batch_without_samples_is_a_step_of_noise_alone():
    never = BatchSchedule(10, order=orders.poisson_sampling(1e-12), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(update=private(noise_multiplier=2.0), schedule=never, epochs=1, cost=Cost("squared_error", "sum"))
    noise = sum(philox(11, t, NET.size, np.float64) for t in range(3))
    np.testing.assert_allclose(result.network.parameters, NET.parameters - 0.1 * 3.0 * noise, rtol=1e-10)
    assert result.history[0]["batch_steps"] == 3 and np.isnan(result.history[0]["cost"])
    assert result.state.arrays["noise_steps"] == 3


def test_a_penalty_is_added_without_clipping_or_noise():
    penalty = ridge(0.3)
    everything = BatchSchedule(M, order="sequential")
    plain, more = (run(cost=Cost("squared_error", penalty=of), schedule=everything, epochs=1) for of in (None, penalty))
    moved = plain.network.parameters - more.network.parameters
    np.testing.assert_allclose(moved, 0.1 * 0.3 * np.where(NET.mask(biases=False), NET.parameters, 0), atol=1e-14)


def test_frozen_numbers():
    """Of one step, so that a change of noise, norm or scale is seen."""
    net = Network((2, 1), ("identity",), [0.5, -1.0, 0.25])
    update = Private(GradientDescent(1.0), clip_norm=2.0, noise_multiplier=0.0, seed=0)
    result = fit(net, [[3.0, 4.0], [0.0, 1.0]], [[0.0], [0.0]], Cost("squared_error", "sum"), update,
                 BatchSchedule(2, order="sequential"), epochs=1, progress=False)
    first = -2.25 * np.array([3.0, 4.0, 1.0])
    expected = net.parameters - (first * 2 / np.linalg.norm(first) + [0.0, -0.75, -0.75])
    np.testing.assert_allclose(result.network.parameters, expected, rtol=1e-14)


@pytest.mark.parametrize("make, words", [
    (lambda: Private(LevenbergMarquardt(), 1.0, 1.0, 0), "first-order.*Adam"),
    (lambda: Private("adam", 1.0, 1.0, 0), "first-order"),
    (lambda: Private(Adam(), 0.0, 1.0, 0), "clip_norm.*0.0"),
    (lambda: Private(Adam(), np.inf, 1.0, 0), "clip_norm.*inf"),
    (lambda: Private(Adam(), 1.0, -0.5, 0), "noise_multiplier.*-0.5"),
    (lambda: Private(Adam(), 1.0, 1.0, -1), "seed.*-1"),
    (lambda: Private(Adam(), 1.0, 1.0, 1 << 128), "seed.*secrets"),
    (lambda: Private(Adam(), 1.0, 1.0, 0.5), "seed.*0.5"),
    (lambda: run(cost=Cost("squared_error", "max")), "mean or sum.*max"),
    (lambda: run(cost=Cost("squared_error", engine.reductions.weighted(np.ones(M)))), "mean or sum.*weighted"),
    (lambda: run(schedule=Own()), "expected to hold.*reduction sum"),
    (lambda: private().step(None, None, None, None, 0), "fit"),
    (lambda: private().epsilon(BatchSchedule(10), M, epochs=1, delta=1e-5), "Poisson.*poisson_sampling"),
    (lambda: privacy.epsilon(probability=0.0, steps=1, noise_multiplier=1.0, delta=1e-5), "probability.*0.0"),
    (lambda: privacy.epsilon(probability=0.5, steps=-1, noise_multiplier=1.0, delta=1e-5), "steps.*-1"),
    (lambda: privacy.epsilon(probability=0.5, steps=1, noise_multiplier=1.0, delta=1.0), "delta.*1.0"),
    (lambda: privacy.epsilon(probability=0.5, steps=1, noise_multiplier=1.0, delta=0.1, accountant="gdp"), "accountant.*rdp, pld"),
])
def test_what_is_refused(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


class Own:
    """A schedule of one's own."""

    def epoch(self, samples, e):
        yield BatchStep(e, e, np.arange(samples))


def test_a_schedule_of_ones_own_goes_with_a_sum():
    assert run(cost=Cost("squared_error", "sum"), schedule=Own(), epochs=1).state.arrays["noise_steps"] == 1


RUNS = [(0.01, 1000, 1.1), (0.04, 4000, 1.5), (1.0, 10, 8.0), (0.002, 30_000, 0.8)]


@pytest.mark.parametrize("probability, steps, sigma", RUNS)
def test_epsilon_is_that_of_opacus(probability, steps, sigma):
    pytest.importorskip("dp_accounting")
    accountant = pytest.importorskip("opacus.accountants").RDPAccountant()
    accountant.history = [(sigma, probability, steps)]
    ours = privacy.epsilon(probability=probability, steps=steps, noise_multiplier=sigma, delta=1e-5)
    assert ours == pytest.approx(accountant.get_epsilon(delta=1e-5), rel=1e-3)
    assert 0 < privacy.epsilon(probability=probability, steps=steps, noise_multiplier=sigma, delta=1e-5, accountant="pld") < ours


def test_epsilon_of_a_schedule_counts_every_batch_step():
    pytest.importorskip("dp_accounting")
    found = private().epsilon(POISSON, M, epochs=7, delta=1e-3)
    assert found == privacy.epsilon(probability=0.4, steps=21, noise_multiplier=0.7, delta=1e-3)


def test_a_missing_accountant_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dp_accounting", None)
    with pytest.raises(ModuleNotFoundError, match=r"gammachain\[private\]"):
        privacy.epsilon(probability=0.5, steps=1, noise_multiplier=1.0, delta=1e-5)
