"""Levenberg–Marquardt: which networks' steps bend, and runs that end where rounding hides what is left to gain."""

import copy
import pickle

import numpy as np
import pytest

from engine import Activation, CheckpointError, Cost, LevenbergMarquardt, Network, activations, fit
from engine.activations import NAMED
from engine.updates.linearised import rounding_of_cost
from schedulers import BatchSchedule
from tests.cases import network

X = np.random.default_rng(0).uniform(-1, 1, (30, 2))
Y = np.sin(2 * X[:, :1]) * X[:, 1:]
KINKED = {"relu", "leaky_relu", "selu", "hard_tanh", "hard_sigmoid", "hard_swish"}


def run(net, update, **more):
    settings = dict(epochs=5, progress=False) | more
    return fit(net, X, Y, Cost("squared_error"), update, BatchSchedule(len(X), order="sequential"), **settings)


def test_every_activation_says_whether_its_slope_jumps():
    assert {name for name, activation in NAMED.items() if activation.kinked} == KINKED
    assert activations.elu(0.5).kinked and not activations.elu(1.0).kinked
    assert not Activation("mine", np.abs, np.sign).kinked


@pytest.mark.compiled
@pytest.mark.parametrize("activation", [*(activations.named(name) for name in ("relu", "selu", "elu", "hard_swish", "tanh")),
                                        activations.elu(0.5)])
def test_a_jump_is_one_of_the_slope(activation):
    z = np.linspace(-4, 4, 80001)
    jump = np.abs(np.diff(activation.derivative(z))).max()
    assert (jump > 0.1) == activation.kinked and (jump < 1e-3) == (not activation.kinked)


@pytest.mark.compiled
@pytest.mark.parametrize("hidden, bends", [("tanh", True), ("relu", False), (("relu", "tanh"), False), ("identity", True)])
def test_steps_bend_by_themselves_where_no_hidden_slope_jumps(hidden, bends):
    inner = (hidden,) * 2 if isinstance(hidden, str) else hidden
    net = Network.initialize((2, 4, 4, 1), (*inner, "relu"), seed=3)
    found, same, other = (run(net, LevenbergMarquardt(**settings)).network
                          for settings in ({}, dict(geodesic=bends), dict(geodesic=not bends)))
    assert np.array_equal(found.parameters, same.parameters) and not np.array_equal(found.parameters, other.parameters)


@pytest.mark.parametrize("geodesic", [True, False, "auto", np.True_])
def test_geodesic_keeps_its_text_and_survives_copies(geodesic):
    update = LevenbergMarquardt(geodesic=geodesic)
    for made in (update, copy.deepcopy(update), pickle.loads(pickle.dumps(update))):
        assert made == update and f"geodesic={geodesic!r}".replace("np.True_", "True") in repr(made)


@pytest.mark.parametrize("wrong", ["yes", 1, None, "Auto"])
def test_another_geodesic_is_refused(wrong):
    with pytest.raises(ValueError, match='geodesic must be True, False or "auto", but is'):
        LevenbergMarquardt(geodesic=wrong)


@pytest.mark.compiled
def test_a_checkpoint_holds_whether_steps_bend(tmp_path):
    """So that a run that was saved with True or False goes on, by that value or by "auto" where it means the same."""
    for activation, same, other in (("tanh", True, False), ("relu", False, True)):
        net, path = network((2, 4, 1), activation), tmp_path / f"{activation}.npz"
        whole = run(net, LevenbergMarquardt(geodesic=same))
        run(net, LevenbergMarquardt(geodesic=same), checkpoint=path, epochs=2)
        with pytest.raises(CheckpointError, match="geodesic"):
            run(net, LevenbergMarquardt(geodesic=other), checkpoint=path, resume=True)
        resumed = run(net, LevenbergMarquardt(), checkpoint=path, resume=True)
        assert np.array_equal(resumed.network.parameters, whole.network.parameters)
        again = run(net, LevenbergMarquardt(geodesic=same), checkpoint=path, resume=True, epochs=6)
        assert len(again.history) == 6


def test_rounding_of_a_cost_is_bounded_by_its_losses():
    """Of squares |w|² is twice their sum; a softmax that is sure of a wrong class has a w without bound."""
    eps = np.finfo(np.float32).eps
    assert rounding_of_cost(0.5, 0.5, 1.0, 3.0, np.dtype(np.float32)) == pytest.approx(eps * (0.5 + 3.0))
    assert rounding_of_cost(0.5, 0.5, 1e20, 3.0, np.dtype(np.float32)) == pytest.approx(eps * (0.5 + 3.0))
    assert rounding_of_cost(0.5, 8.0, 1e20, 3.0, np.dtype(np.float32)) == pytest.approx(eps * (0.5 + 12.0))


@pytest.mark.compiled
@pytest.mark.parametrize("solver", ["qr", "cholesky"])
def test_a_softmax_that_becomes_sure_never_runs_away(solver):
    generator = np.random.default_rng(0)
    F, W = generator.standard_normal((150, 4)), generator.standard_normal((4, 3))
    labels = (F @ W + 0.8 * generator.standard_normal((150, 3))).argmax(1)
    result = fit(Network.initialize((4, 6, 3), "tanh", seed=0, dtype=np.float32), F, labels, Cost("softmax_cross_entropy"),
                 LevenbergMarquardt(solver=solver), BatchSchedule(150, order="sequential"), epochs=150, progress=False)
    costs = result.history.columns()["cost"]
    assert costs[-1] <= 1.001 * min(costs) and costs[-1] < 0.3


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_run_that_has_converged_ends_by_itself(dtype):
    generator = np.random.default_rng(0)
    F = generator.standard_normal((150, 4))
    labels = (F @ generator.standard_normal((4, 3)) + 0.8 * generator.standard_normal((150, 3))).argmax(1)
    result = fit(Network.initialize((4, 3), "identity", seed=0, dtype=dtype), F, labels, Cost("softmax_cross_entropy"),
                 LevenbergMarquardt(), BatchSchedule(150, order="sequential"), epochs=300, progress=False)
    assert len(result.history) < 300 and str(result.state.arrays["stopped"]) == "step"
