"""BayesianRegularization: the evidence by dense formulas, what it keeps and refuses, and a noisy sine."""

import numpy as np
import pytest

from engine import BayesianRegularization, Cost, LevenbergMarquardt, Network, fit, losses, reductions, value_and_gradient
from engine.batch_problem import BatchProblem
from engine.callbacks import EarlyStopping
from engine.penalties import ridge
from engine.updates.determined import determined
from engine.updates.kept_linearised import KeptLinearised
from engine.updates.output_hessians import output_hessian
from schedulers import BatchSchedule, BatchStep
from tests.cases import DTYPES, network
from tests.oracle import second_order as plain
from tests.oracle.network import forward, jacobian

pytestmark = pytest.mark.compiled

WIDTHS, NAMES = (1, 5, 2), ("tanh", "identity")
G = np.random.default_rng(3)
X = G.uniform(-1, 1, (40, 1))
Y = np.column_stack([np.sin(3 * X[:, 0]), X[:, 0] ** 2]) + 0.1 * G.standard_normal((40, 2))


def run(net, cost=None, epochs=6, X=X, y=Y, schedule=None, **settings):
    fitting = {name: settings.pop(name) for name in ("trainable", "checkpoint", "resume", "state") if name in settings}
    return fit(net, X, y, Cost("squared_error") if cost is None else cost, BayesianRegularization(**settings),
               schedule or BatchSchedule(len(X), order="sequential"), epochs=epochs, progress=False, **fitting)


def curvature(theta, X, scale):
    J = jacobian(theta, WIDTHS, NAMES, X)
    return scale * J.T @ J


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("m, frozen", [(4, False), (4, True), (40, False), (40, True)])
def test_the_effective_parameters_are_those_of_the_dense_formula(m, frozen, biases, dtype):
    """By the dual (m 4) and the primal."""
    net = network(WIDTHS, dtype=dtype)
    mask = np.arange(net.size) % 3 > 0 if frozen else np.ones(net.size, bool)
    cost = Cost("squared_error")
    problem = BatchProblem(net, X[:m].astype(dtype), Y[:m].astype(dtype), cost, BatchStep(0, 0, np.arange(m)))
    samples = problem.linearised(net.parameters.copy(), mask if frozen else np.empty(0, bool), output_hessian)
    penalised = net.mask(biases=biases)[mask]
    found = determined(samples, penalised)
    A = curvature(net.parameters.astype(float), X[:m], 1 / m)[np.ix_(mask, mask)]
    for strength in (1e-4, 1e-2, 1.0):
        if biases or m == 40:
            expected = plain.effective_parameters(A, penalised, strength)
        else:  # free biases may not be determined, and count as far as they are
            shifted = A + strength * np.diag(penalised * 1.0)
            expected = np.trace(np.linalg.pinv(shifted, 1e-12) @ A)
        assert found.penalised(strength) + found.others == pytest.approx(expected, rel=1e-8 if dtype == np.float64 else 2e-3)


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", reductions.weighted(np.linspace(0.5, 1.5, 40))], ids=str)
def test_an_estimate_is_mackays(reduction, biases):
    """γ, α and β of the last step from θ before it, by dense formulas; the first two are those of MATLAB's trainbr, halved."""
    net, cost = network(WIDTHS), Cost("squared_error", reduction)
    before, last = (run(net, cost, epochs, settled=1, biases=biases) for epochs in (3, 4))
    theta, old, new = before.network.parameters, before.state.arrays, last.state.arrays
    weights = np.repeat(cost.reduction_gradient(np.zeros((40, 2)), Y), 2)
    count, penalised = 40 if reduction == "mean" else 1, net.mask(biases=biases)
    J, residual = jacobian(theta, WIDTHS, NAMES, X), forward(theta, WIDTHS, NAMES, X)[1][-1].ravel() - Y.ravel()
    A = J.T @ (weights[:, None] * J)
    gamma = plain.effective_parameters(A, penalised, float(old["strength"]))
    of_penalised = gamma if biases else gamma - (~penalised).sum()
    alpha, beta = of_penalised / (theta[penalised] @ theta[penalised]), (80 - gamma) / (count * (weights @ residual**2))
    assert [new[name] for name in ("effective_parameters", "alpha", "beta")] == pytest.approx([gamma, alpha, beta], rel=1e-7)
    assert new["strength"] == pytest.approx(alpha / (count * beta), rel=1e-7)
    assert list(last.history.columns()["effective_parameters"][:3]) == list(before.history.columns()["effective_parameters"])
    assert last.history[-1]["effective_parameters"] == pytest.approx(gamma, rel=1e-7)


def test_steps_are_those_of_levenberg_marquardt_beside_the_penalty():
    """The cost in the history has no penalty, the cost that goes down has."""
    net = network(WIDTHS)
    done = run(net, epochs=300)
    strength = float(done.state.arrays["strength"])
    assert done.state.arrays["stopped"] == "evidence" and len(done.history) < 300
    assert done.history[-1]["cost"] == pytest.approx(float(Cost("squared_error").value(done.network(X), Y)), rel=1e-6)
    slope = value_and_gradient(done.network, X, Y, Cost("squared_error", penalty=ridge(strength, biases=True)))[1]
    assert np.abs(slope).max() < 1e-5


def test_the_log_evidence_of_a_line_is_the_density_of_its_targets():
    """y is normal, of covariance Φ Φᵀ / α + I / β with Φ = [x, 1]."""
    y = 0.7 * X + 0.2 + 0.3 * np.random.default_rng(5).standard_normal(X.shape)
    arrays = run(Network((1, 1), ("identity",), [0.3, 0.1]), y=y, epochs=100).state.arrays
    assert arrays["stopped"] == "evidence"
    features = np.column_stack([X, np.ones(40)])
    covariance = features @ features.T / arrays["alpha"] + np.eye(40) / arrays["beta"]
    density = -0.5 * (y[:, 0] @ np.linalg.solve(covariance, y[:, 0]) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert arrays["log_evidence"] == pytest.approx(density, rel=1e-6)


def test_other_losses_have_no_noise():
    net, labels = network((1, 4, 3)), np.digitize(X[:, 0], [-0.4, 0.3])
    done = run(net, Cost("softmax_cross_entropy", "sum"), 300, y=labels, evidence_tolerance=1e-3)
    arrays = done.state.arrays
    assert arrays["beta"] == 1 and 2 < arrays["effective_parameters"] < net.size
    assert arrays["alpha"] == pytest.approx(arrays["strength"])
    w = done.network.parameters
    assert arrays["alpha"] == pytest.approx(arrays["effective_parameters"] / (w @ w), rel=0.02)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_resumed_run_has_the_same_bits_and_frozen_numbers_keep_theirs(dtype, tmp_path):
    net = network(WIDTHS, dtype=dtype)
    mask = np.arange(net.size) % 4 > 0
    settings = dict(trainable=mask, schedule=BatchSchedule(30, seed=1))
    whole = run(net, epochs=8, **settings)
    run(net, epochs=3, checkpoint=tmp_path / "run", **settings)
    again = run(net, epochs=8, checkpoint=tmp_path / "run", resume=True, **settings)
    assert np.array_equal(whole.network.parameters, again.network.parameters) and whole.state == again.state
    assert [row["effective_parameters"] for row in whole.history] == [row["effective_parameters"] for row in again.history]
    assert np.array_equal(whole.network.parameters[~mask], net.parameters[~mask])
    assert 0 < whole.state.arrays["effective_parameters"] <= mask.sum()
    further = run(whole.network, epochs=2, state=whole.state, **settings)
    assert 0 < further.state.arrays["effective_parameters"] <= mask.sum()


@pytest.mark.parametrize("reduction", ["weighted", "weighted_mean"])
def test_samples_of_weight_0_are_no_observations(reduction):
    """The estimates are those of the samples that are left, and a weighted mean is worth as many."""
    net, part = network(WIDTHS), np.arange(40) % 4 > 0
    w = part * np.linspace(0.5, 1.5, 40)
    made = getattr(reductions, reduction)
    found, expected = (run(net, Cost("squared_error", made(weights)), 4, X=inputs, y=y, settled=1).state.arrays
                       for weights, inputs, y in ((w, X, Y), (w[part], X[part], Y[part])))
    names = ("effective_parameters", "alpha", "beta", "log_evidence")
    assert [float(found[name]) for name in names] == pytest.approx([float(expected[name]) for name in names], rel=1e-7)


def test_class_weights_are_given_to_samples():
    """A loss that weighs classes is refused, and its weights as those of samples repeat them."""
    labels, w = np.digitize(X[:, 0], [0.2]), np.array([1.0, 3.0])
    net, repeats = network((1, 3, 2)), np.repeat(np.arange(40), w[labels].astype(int))
    for loss in (losses.softmax_cross_entropy(class_weights=w), losses.binary_cross_entropy(pos_weight=3.0)):
        with pytest.raises(ValueError, match=r"needs a loss that is a negative log-likelihood, but .*weigh.*weighted_mean\(w\)"):
            run(net, Cost(loss), y=labels if "softmax" in loss.name else np.column_stack([labels, labels]))
    cost = Cost("softmax_cross_entropy", reductions.weighted(w[labels]))
    found = run(net, cost, 4, y=labels, settled=1).state.arrays
    expected = run(net, Cost("softmax_cross_entropy", "sum"), 4, X=X[repeats], y=labels[repeats], settled=1).state.arrays
    assert found["effective_parameters"] == pytest.approx(expected["effective_parameters"], rel=1e-7)
    assert found["log_evidence"] == pytest.approx(expected["log_evidence"], rel=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_with_an_estimate_forms_its_matrix_once(dtype, monkeypatch):
    formed = []
    for name in ("square", "rows"):
        plainly = getattr(KeptLinearised, name)
        monkeypatch.setattr(KeptLinearised, name, lambda self, plainly=plainly: formed.append(self) or plainly(self))
    run(network(WIDTHS, dtype=dtype), X=X.astype(dtype), y=Y.astype(dtype), epochs=3, settled=1, solver="cholesky")
    assert len(formed) == 3 == len(set(map(id, formed)))


def test_what_has_nothing_to_estimate_still_runs():
    zeros = Network(WIDTHS, NAMES, np.zeros(22))
    assert np.isfinite(run(zeros).network.parameters).all()
    assert np.array_equal(run(zeros, trainable=np.zeros(22, bool)).network.parameters, zeros.parameters)
    only_biases = run(network(WIDTHS), trainable=network(WIDTHS).mask(weights=False), biases=False)
    assert np.isfinite(only_biases.network.parameters).all()
    line = run(Network((1, 1), ("identity",), [0.5, 0.0]), y=2 * X + 1, epochs=40)  # no noise: β grows without bound
    assert np.abs(line.network.parameters - [2, 1]).max() < 1e-4 and np.isfinite(line.state.arrays["beta"])


def sine(seed=0):
    """MathWorks' example of trainbr: 41 samples of a sine with noise of 0.1."""
    X = np.linspace(-1, 1, 41)[:, None]
    return X, np.sin(2 * np.pi * X) + 0.1 * np.random.default_rng(seed).standard_normal(X.shape)


def test_a_noisy_sine_is_not_overfitted():
    """By 61 parameters and 41 samples, none held out: ahead of early stopping, which holds some out."""
    (X, y), grid = sine(), np.linspace(-1, 1, 401)[:, None]

    def error(net):
        return float(np.sqrt(np.mean((net(grid) - np.sin(2 * np.pi * grid))**2)))

    start = Network.initialize((1, 20, 1), "tanh", seed=1)
    done = run(start, X=X, y=y, epochs=400)
    assert 8 < done.state.arrays["effective_parameters"] < 20 and 0.05 < done.state.arrays["beta"]**-0.5 < 0.13
    assert error(done.network) < 0.07
    held = np.arange(41) % 4 == 2
    stopped = fit(start, X[~held], y[~held], Cost("squared_error"), LevenbergMarquardt(), BatchSchedule(31), epochs=100,
                  validation=(X[held], y[held]), callbacks=[EarlyStopping(10, restore_best=True)], progress=False)
    overfitted = fit(start, X, y, Cost("squared_error"), LevenbergMarquardt(), BatchSchedule(41), epochs=100, progress=False)
    assert error(done.network) < error(stopped.network) < error(overfitted.network)


@pytest.mark.parametrize("call, message", [
    (lambda: run(network(WIDTHS), Cost("squared_error", penalty=ridge(0.1))), r"no penalty for Bayesian.*ridge\(0.1\)"),
    (lambda: run(network(WIDTHS), Cost("squared_error", "max")), "reduction must be one of mean, sum, weighted.*but is max"),
    (lambda: run(network(WIDTHS), Cost("absolute_error")), "needs a loss with curvature.*absolute_error is 0.*use huber"),
    (lambda: BayesianRegularization(biases=2), "biases must be True or False"),
    (lambda: BayesianRegularization(settled=2), "settled must be a number from 0 to 1"),
    (lambda: BayesianRegularization(evidence_tolerance=-1), "evidence_tolerance")])
def test_what_has_no_evidence_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
