"""weighted_mean: the mean of weighted losses over the samples at hand; and what a loss's outputs predict."""

import numpy as np
import pytest
from scipy.special import expit

from engine import Adam, Cost, GradientDescent, Loss, fit, losses, objective, value_and_gradient
from engine.reductions import weighted, weighted_mean
from schedulers import BatchSchedule
from schedulers.rates import constant
from tests.cases import DTYPES, network

G = np.random.default_rng(5)
X, Y, W = G.standard_normal((60, 2)), G.standard_normal((60, 1)), G.random(60)


def test_it_is_the_weighted_losses_over_the_sum_of_weights():
    net, L = network((2, 5, 1)), G.random(60)
    np.testing.assert_allclose(weighted_mean(W).value(L), W @ L / W.sum(), rtol=1e-14)
    np.testing.assert_allclose(weighted_mean(W).gradient(L), W / W.sum(), rtol=1e-14)
    for scale in (1.0, 1e-200, 1e200):
        value, gradient = value_and_gradient(net, X, Y, Cost("squared_error", weighted_mean(scale * W)))
        other = value_and_gradient(net, X, Y, Cost("squared_error", weighted(W / W.sum())))
        np.testing.assert_allclose(value, other[0], rtol=1e-13)
        np.testing.assert_allclose(gradient, other[1], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_of_powers_of_two_give_the_bits_of_the_mean(dtype):
    net, x = network((2, 5, 1), dtype=dtype), X.astype(dtype)
    mean, other = (value_and_gradient(net, x, Y, Cost("huber", by))[1] for by in ("mean", weighted_mean(np.full(60, 0.25))))
    assert np.array_equal(mean, other)


def test_large_losses_do_not_overflow():
    assert weighted_mean([1e308, 1e308, 1e300]).value([1e308, 1.7e308, 1.0]) == pytest.approx(1.35e308)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_is_weighted_among_its_own(dtype):
    """A whole epoch in one call, step by step with the same bits, and Σ w L / Σ w of each batch by hand."""
    net, cost, schedule = network((2, 5, 1), dtype=dtype), Cost("squared_error", weighted_mean(W)), BatchSchedule(16, seed=2)

    class Stepwise(Adam):
        def step(self, *arguments):
            return super().step(*arguments)

    fused, stepwise = (fit(net, X, Y, cost, update(0.01), schedule, epochs=3, progress=False) for update in (Adam, Stepwise))
    assert np.array_equal(fused.network.parameters, stepwise.network.parameters)
    assert [row["cost"] for row in fused.history] == [row["cost"] for row in stepwise.history]
    first = fit(net, X, Y, cost, GradientDescent(constant(1e-30)), schedule, epochs=1, progress=False).history[0]["cost"]
    by_hand = [np.average(Cost("squared_error").losses(net(X[s.indices]), Y[s.indices].astype(dtype)), weights=W[s.indices])
               for s in schedule.epoch(60, 0)]
    assert first == pytest.approx(np.mean(by_hand), rel=1e-5 if dtype == np.float32 else 1e-12)


def test_a_residual_takes_it():
    net, w = network((2, 5, 1)), W
    aim = objective(net, X, Y, Cost("squared_error", weighted_mean(w)))
    assert 0.5 * (aim.residual(net.parameters)**2).sum() == pytest.approx(aim.fun(net.parameters))


@pytest.mark.parametrize("w, message", [
    ([0.0, 0.0], "w must hold a weight above 0, but all 2 are 0; leave w out"), ([1.0, -1.0], r"at least 0, but w\[1\] is -1"),
    ([1.0, float("nan")], "w"), ([[1.0]], r"shape \[m\]")])
def test_weights_without_a_mean_are_refused(w, message):
    with pytest.raises(ValueError, match=message):
        weighted_mean(w)


def test_a_batch_without_weight_is_refused_on_every_road():
    w = np.ones(60)
    w[16:32] = 0
    cost, schedule = Cost("squared_error", weighted_mean(w)), BatchSchedule(16, order="sequential")
    for settings in ({}, {"max_bytes": 1 << 21}):
        with pytest.raises(ValueError, match="all 16 samples of one, sample 16 the first of them, have weight 0; leave such"):
            fit(network((2, 5, 1)), X, Y, cost, GradientDescent(0.1), schedule, epochs=1, progress=False, **settings)

    class Stepwise(GradientDescent):
        def step(self, *arguments):
            return super().step(*arguments)

    with pytest.raises(ValueError, match="all 16 samples of one, sample 16"):
        fit(network((2, 5, 1)), X, Y, cost, Stepwise(0.1), schedule, epochs=1, progress=False)
    with pytest.raises(ValueError, match="float32 can hold"):
        Cost("squared_error", weighted_mean([1.0, 1e-60])).value(np.ones((2, 1), np.float32), np.ones((2, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_predict_by_the_inverse_link(dtype):
    A = G.standard_normal((4, 4)).astype(dtype)
    told = {"softmax_cross_entropy": np.exp(A) / np.exp(A).sum(1, keepdims=True), "binary_cross_entropy": expit(A),
            "poisson": np.exp(A), "gaussian_nll": np.hstack([A[:, :2], np.exp(A[:, 2:])])}
    for name, loss in losses.NAMED.items():
        found = loss.inverse_link(A)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, told.get(name, A), rtol=1e-6)
    assert np.array_equal(Loss(np.add, np.subtract).inverse_link(A), A)
    assert losses.poisson.inverse_link(A[:0]).shape == (0, 4)
    with pytest.raises(ValueError, match=r"A must have shape \[m, n\]"):
        losses.poisson.inverse_link(A[0])
