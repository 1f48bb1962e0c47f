"""Activations with a parameter: computed by kernels, saved, compared and told apart by value."""

import copy
import functools
import pickle

import numpy as np
import pytest

import engine
from engine import Adam, CheckpointError, Cost, GradientDescent, Network, activations, fit, operators, value_and_gradient
from engine.activations import NAMED, elu, hard_tanh, leaky_relu, softplus
from engine.saved_network import write
from schedulers import BatchSchedule, sweep
from schedulers.described import described
from tests.cases import DTYPES, PARAMETRIC, functions_of, network
from tests.oracle import network as plain
from tests.oracle.activations import form

from ..checkpointed import NET, resumed, same, trained


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", PARAMETRIC)
def test_derivatives_are_those_of_the_plain_form(label, dtype):
    activation, z = PARAMETRIC[label], np.random.default_rng(0).uniform(-8, 8, (9, 5)).astype(dtype)
    tolerance = dict(rtol=1e-11, atol=1e-13) if dtype == np.float64 else dict(rtol=2e-5, atol=2e-6)
    for mine, theirs in zip(functions_of(activation), form(label), strict=True):
        found = mine(z)
        assert found.dtype == dtype and found.shape == z.shape
        np.testing.assert_allclose(found, theirs(z.astype(float)), **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("label", PARAMETRIC)
def test_networks_are_those_of_the_plain_form(label, dtype):
    """Layers with the usual parameters and with others beside each other."""
    names = (label, PARAMETRIC[label].name, label)
    net = network((3, 5, 4, 2), (PARAMETRIC[label], names[1], label), dtype)
    X = np.random.default_rng(0).standard_normal((20, 3)).astype(dtype)
    theta = net.parameters.astype(float)
    z, a, gamma = plain.forward(theta, net.widths, names, X.astype(float))
    passed = net.forward(X)
    tolerance = dict(rtol=1e-10, atol=1e-12) if dtype == np.float64 else dict(rtol=2e-4, atol=2e-5)
    for l in (1, 2, 3):
        for found, expected in ((passed.z(l), z[l - 1]), (passed.a(l), a[l]), (passed.gamma(l), gamma[l - 1])):
            np.testing.assert_allclose(found, expected, **tolerance)
    assert np.array_equal(net(X), passed.outputs) and net.kernels.built_in
    np.testing.assert_allclose(net.jacobian(X).dense(), plain.jacobian(theta, net.widths, names, X.astype(float)), **tolerance)


@pytest.mark.parametrize("activation", (softplus(2.0), elu(0.5)), ids=repr)
def test_second_derivatives_of_a_cost_are_differences_of_first_ones(activation):
    net = network((2, 4, 1), activation)
    X, y = np.random.default_rng(1).standard_normal((2, 7, 2))
    cost, h, v = Cost("squared_error"), 1e-5, np.random.default_rng(2).standard_normal(net.size)
    ends = [value_and_gradient(net.replace(net.parameters + step * v), X, y[:, :1], cost)[1] for step in (h, -h)]
    np.testing.assert_allclose(operators.hessian(net, X, y[:, :1], cost) @ v, (ends[0] - ends[1]) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_fused_epoch_takes_steps_one_by_one(dtype):
    net = network((3, 6, 5, 2), (leaky_relu(0.2), softplus(3.0), elu(0.5)), dtype)
    X, y = np.random.default_rng(3).standard_normal((2, 24, 3)).astype(dtype)
    y, cost, schedule = y[:, :2], Cost("squared_error"), BatchSchedule(8, seed=1)
    fused = fit(net, X, y, cost, GradientDescent(0.1), schedule, epochs=2, progress=False)
    theta = net
    for e in (0, 1):
        for step in schedule.epoch(24, e):
            gradient = value_and_gradient(theta, X[step.indices], y[step.indices], cost)[1]
            theta = theta.replace(theta.parameters - dtype(0.1) * gradient)
    np.testing.assert_allclose(fused.network.parameters, theta.parameters, rtol=0, atol=20 * np.finfo(dtype).eps)
    assert fused.network.activations == net.activations


@pytest.mark.parametrize("made", (leaky_relu(0.2), elu(-0.5), softplus(1 / 3), hard_tanh(-2, 7), NAMED["tanh"], NAMED["elu"]),
                         ids=repr)
def test_networks_are_saved_and_pickled_with_parameters(made, tmp_path):
    net = network((2, 3, 2), (made, made))
    net.save(tmp_path / "net.npz")
    for other in (engine.load(tmp_path / "net.npz"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net), net.astype(net.dtype)):
        assert other.activations == net.activations == (made, made)
        assert np.array_equal(other([[1.0, -2.0]]), net([[1.0, -2.0]]))


def test_usual_parameters_are_saved_as_before(tmp_path):
    """As plain names, which former versions read too."""
    net = network((2, 3, 1), (leaky_relu(0.01), hard_tanh()))
    net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        assert file["activations"].tolist() == ["leaky_relu", "hard_tanh"]


def test_a_file_with_impossible_parameters_is_refused(tmp_path):
    write(tmp_path / "net.npz", (1, 1), ["softplus(-1.0)"], np.zeros(2))
    with pytest.raises(ValueError, match=r"net\.npz.*softplus\(-1\.0\).*beta must be"):
        engine.load(tmp_path / "net.npz")


def test_equal_parameters_make_equal_activations():
    assert leaky_relu(0.2) == leaky_relu(0.2) == activations.named("leaky_relu(0.2)") != leaky_relu(0.3)
    assert leaky_relu() == NAMED["leaky_relu"] and elu(1) == NAMED["elu"] != softplus(1) == NAMED["softplus"]
    assert len({hard_tanh(), hard_tanh(-1, 1), NAMED["hard_tanh"], hard_tanh(-1, 2)}) == 2
    for made in (leaky_relu(0.2), elu(), NAMED["tanh"]):
        assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == made and hash(copy.deepcopy(made)) == hash(made)
    square = engine.Activation("square", np.square, np.sign)
    assert pickle.loads(pickle.dumps(square)) == square and square.parameters == ()
    assert "parameters" not in described(square)  # by which former checkpoints know it


def test_what_they_are_called():
    assert [repr(made) for made in (leaky_relu(0.2), elu(1), softplus(1e-7), hard_tanh(0, 6))] == [
        "leaky_relu(0.2)", "elu(1.0)", "softplus(1e-07)", "hard_tanh(0.0, 6.0)"]
    assert [made.label for made in (leaky_relu(0.2), elu(1), NAMED["tanh"])] == ["leaky_relu(0.2)", "elu", "tanh"]
    net = Network.initialize((1, 2, 1), "hard_tanh(0, 6)", output=leaky_relu())
    assert repr(net) == "Network(1-2-1, (hard_tanh(0.0, 6.0), leaky_relu), float64, P = 7)"
    assert leaky_relu(0.2).parameters == (0.2,) and leaky_relu(0.2).name == "leaky_relu"


@pytest.mark.parametrize("make, error, message", [
    (lambda: leaky_relu("0.2"), TypeError, "slope must be 0 or a number of 1e-08 to 1e.08 in size, but is '0.2'"),
    (lambda: leaky_relu(np.nan), ValueError, "slope must be"),
    (lambda: elu(np.inf), ValueError, "alpha must be"),
    (lambda: elu(1e-300), ValueError, "alpha must be"),
    (lambda: softplus(0), ValueError, "beta must be a number from 1e-08 to 1e.08, but is 0"),
    (lambda: softplus(-1.0), ValueError, "beta must be"),
    (lambda: hard_tanh(1, 1), ValueError, "low must be less than high, in float32 too, but they are 1.0 and 1.0"),
    (lambda: hard_tanh(1, 1 + 1e-9), ValueError, "low must be less than high"),
    (lambda: hard_tanh(None), TypeError, "low must be"),
    (lambda: activations.named("tahn"), ValueError, "no activation is named 'tahn'; there are identity, tanh"),
    (lambda: activations.named("tanh(1)"), ValueError, r"no activation is named 'tanh\(1\)'"),
    (lambda: activations.named("elu()"), ValueError, r"'elu\(\)' must be written like 'leaky_relu\(0.2\)'"),
    (lambda: activations.named("elu(1, 2)"), ValueError, "must be written like"),
    (lambda: activations.named("elu(nan)"), ValueError, "alpha must be"),
    (lambda: activations.named(elu), TypeError, r"an activation with a parameter must be made first, elu\(…\), or called 'elu'"),
    (lambda: activations.named(3), TypeError, "an activation must be a name or an engine.Activation, but is 3"),
])
def test_parameters_that_make_no_activation_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path):
    def run(slope):
        return {"network": Network((1, 3, 1), (leaky_relu(slope), "identity"), NET.parameters), "update": Adam(0.01)}

    trained(tmp_path / "run", 2, **run(0.2))
    with pytest.raises(CheckpointError, match=r"leaky_relu\(0\.2\).*leaky_relu\(0\.3\)"):
        resumed(tmp_path / "run", **run(0.3))
    same(resumed(tmp_path / "run", **run(0.2)), trained(tmp_path / "whole", 4, **run(0.2)))


def test_a_checkpoint_of_a_usual_parameter_is_that_of_its_name(tmp_path):
    trained(tmp_path / "run", 2, network=Network((1, 3, 1), ("elu", "identity"), NET.parameters))
    resumed(tmp_path / "run", network=Network((1, 3, 1), (elu(1.0), "identity"), NET.parameters))


def slope_of(name, activation=None):
    return {"slope": float((activation or activations.named(name)).derivative([-1.0])[0])}


def test_a_sweep_tells_parameters_apart(tmp_path):
    """As settings by their labels, and as what a function is bound to by value."""
    found = sweep(slope_of, {"name": ["leaky_relu", leaky_relu(0.3).label]}, store=tmp_path / "runs.sqlite", progress=False)
    assert [row["slope"] for row in found.rows] == [0.01, 0.3]
    bound = [described(functools.partial(slope_of, activation=leaky_relu(slope))) for slope in (0.2, 0.2, 0.3)]
    assert bound[0] == bound[1] != bound[2]


def test_derivatives_of_parametric_activations_pass_the_check():
    net = network((2, 4, 1), (softplus(2.0), elu(0.5)))
    X, y = np.random.default_rng(1).standard_normal((2, 7, 2))
    report = str(engine.check_derivatives(net, X, y[:, :1], Cost("squared_error")))
    assert "softplus(2.0), first derivative" in report and "elu(0.5), second derivative" in report
