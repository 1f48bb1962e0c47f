"""Cost(penalty=ridge(strength)): its value and gradient on every road, and who refuses it."""

import pickle

import numpy as np
import pytest

import engine
from engine import Adam, Cost, GradientDescent, fit, objective, value_and_gradient
from engine.penalties import ridge
from schedulers import BatchSchedule
from tests.cases import DTYPES, network

G = np.random.default_rng(6)
X, Y = G.standard_normal((60, 3)), G.standard_normal((60, 2))
PLAIN = Cost("squared_error")
RIDGES = [ridge(0.3), ridge(0.3, biases=True)]


def penalised(net, penalty):
    return np.ones(net.size, bool) if penalty.biases else net.mask(biases=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", RIDGES, ids=repr)
@pytest.mark.parametrize("widths", [(3, 2), (3, 9, 7, 2), (3, 1, 2)])
def test_half_the_strength_times_the_squares_is_added(widths, penalty, dtype):
    net = network(widths, dtype=dtype)
    value, gradient = value_and_gradient(net, X, Y, Cost("squared_error", penalty=penalty))
    plain = value_and_gradient(net, X, Y, PLAIN)
    w = np.where(penalised(net, penalty), net.parameters, 0).astype(float)
    close = dict(rtol=1e-13) if dtype == np.float64 else dict(rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(value, plain[0] + 0.15 * w @ w, **close)
    np.testing.assert_allclose(gradient, plain[1] + 0.3 * w, **close)
    assert gradient.dtype == dtype
    second = penalty.curvature(net)
    assert second.dtype == dtype and np.array_equal(second, np.where(penalised(net, penalty), dtype(0.3), 0))
    bounded = value_and_gradient(net, X, Y, Cost("squared_error", penalty=penalty), max_bytes=1 << 18)
    assert bounded[0] == value and np.array_equal(bounded[1], gradient)


def test_the_gradient_is_the_differences():
    net, cost = network((3, 4, 2)), Cost("softmax_cross_entropy", "max", ridge(0.2))
    aim = objective(net, X, np.arange(60) % 2, cost)
    np.testing.assert_allclose(aim.jac(net.parameters), _central(aim.fun, net.parameters), atol=1e-7)


def _central(function, theta, step=1e-5):
    return np.array([(function(theta + step * e) - function(theta - step * e)) / (2 * step) for e in np.eye(len(theta))])


class Stepwise(Adam):
    """Adam whose steps are not the kernels' own, so that an epoch goes step by step."""

    def step(self, *arguments):
        return super().step(*arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "max"])
def test_an_epoch_in_one_call_has_the_bits_of_its_steps(reduction, dtype):
    net, cost = network((3, 9, 2), dtype=dtype), Cost("squared_error", reduction, ridge(0.05))
    runs = [fit(net, X, Y, cost, update(0.01), BatchSchedule(16, seed=3), epochs=3, progress=False) for update in (Adam, Stepwise)]
    assert np.array_equal(*(run.network.parameters for run in runs))
    assert [row["cost"] for row in runs[0].history] == [row["cost"] for row in runs[1].history]
    without = fit(net, X, Y, Cost("squared_error", reduction), Adam(0.01), BatchSchedule(16, seed=3), epochs=3, progress=False)
    nothing = fit(net, X, Y, Cost("squared_error", reduction, ridge(0.0)), Adam(0.01), BatchSchedule(16, seed=3), epochs=3,
                  progress=False)
    assert np.array_equal(nothing.network.parameters, without.network.parameters)
    assert not np.array_equal(runs[0].network.parameters, without.network.parameters)


def test_frozen_weights_stay_and_held_out_costs_have_no_penalty():
    net = network((3, 5, 2))
    free = net.mask(layers=[2])
    result = fit(net, X, Y, Cost("squared_error", penalty=ridge(10.0)), GradientDescent(0.01), BatchSchedule(60), epochs=1,
                 trainable=free, validation=(X, Y), progress=False)
    assert np.array_equal(result.network.parameters[~free], net.parameters[~free])
    assert result.history[0]["validation_cost"] == pytest.approx(float(PLAIN.value(result.network(X), Y)))
    assert result.history[0]["cost"] > result.history[0]["validation_cost"]


def test_it_is_part_of_what_a_run_is(tmp_path):
    net, settings = network((3, 5, 2)), dict(progress=False, checkpoint=tmp_path / "run")
    fit(net, X, Y, Cost("squared_error", penalty=ridge(0.1)), Adam(0.01), BatchSchedule(20), epochs=1, **settings)
    with pytest.raises(engine.CheckpointError, match="penalty is 0.1 on weights, here none"):
        fit(net, X, Y, PLAIN, Adam(0.01), BatchSchedule(20), epochs=2, resume=True, **settings)
    fit(net, X, Y, Cost("squared_error", penalty=ridge(0.1)), Adam(0.01), BatchSchedule(20), epochs=2, resume=True, **settings)


def test_costs_with_penalties_compare_and_pickle_by_value():
    cost = Cost("huber", "max", ridge(0.5, biases=True))
    assert repr(cost) == "Cost(huber(1.0), max, ridge(0.5, biases=True))" and repr(ridge(2)) == "ridge(2.0)"
    assert pickle.loads(pickle.dumps(cost)) == cost != Cost("huber", "max", ridge(0.5)) and hash(cost) == hash(cost)
    assert cost.at(np.arange(3)).penalty == cost.penalty
    assert Cost("huber", engine.reductions.weighted([1.0, 2.0]), ridge(1)).at([1]).penalty == ridge(1)


NET = network((3, 4, 2))


@pytest.mark.parametrize("call, message", [
    (lambda: ridge(-1), "strength must be .*-1"), (lambda: ridge(0.1, biases=2), "biases must be True or False, but is 2"),
    (lambda: Cost("huber", penalty=0.1), r"penalty must be None or .*ridge\(1e-4\), but is 0.1"),
    (lambda: value_and_gradient(NET.astype(np.float32), X, Y, Cost("huber", penalty=ridge(1e-60))), "ridge's strength .*float32")])
def test_what_is_no_penalty_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
