"""Second-order updates: every solver against the dense formulas, any loss and reduction, masks, checkpoints, tolerances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Cost, DivergenceError, GaussNewton, LevenbergMarquardt, NaturalGradient, Network, fit, losses, value_and_gradient
from engine.batch_problem import BatchProblem
from engine.updates.kept_linearised import KeptLinearised
from engine.updates.output_hessians import expected_output_hessian, output_hessian
from engine.updates.solvers import QR, Cholesky, ConjugateGradient, Kernel
from schedulers import BatchSchedule, BatchStep
from tests.cases import DTYPES, LOSSES, REDUCTIONS, SECOND_ORDER, network, targets
from tests.oracle import second_order as plain
from tests.oracle.losses import second_derivative

pytestmark = pytest.mark.compiled

SOLVERS = {"cholesky": Cholesky, "qr": QR, "kernel": Kernel, "cg": ConjugateGradient}


def batch(net, loss, reduction, m, seed=0):
    """X, y and a cost that suit each other."""
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((m, net.widths[0])).astype(net.dtype)
    y = targets(loss, generator, m, net.widths[-1])
    return X, y, Cost(LOSSES[loss], REDUCTIONS[reduction][1](m))


def linearised(net, X, y, cost, trainable=None, output_hessian=output_hessian):
    """A whole set as one batch step."""
    step = BatchStep(0, 0, np.arange(len(X)))
    problem = BatchProblem(net, X, cost.targets(y, len(X), net.widths[-1], net.dtype), cost, step)
    mask = np.empty(0, bool) if trainable is None else trainable
    return KeptLinearised(problem, net.parameters.copy(), mask, output_hessian)


def dense_ggn(net, X, y, cost):
    """From the Jacobian, differences of the loss's gradient, and ∇φ."""
    A, n = net(X), net.widths[-1]
    weights = cost.reduction_gradient(A, y)
    return plain.ggn(net.jacobian(X).dense().reshape(len(X), n, -1), second_derivative(cost.loss_gradients, A, y), weights)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_solver_is_the_dense_formula(loss, reduction):
    """Smooth pieces only: differences of ∇L know nothing of kinks."""
    net = network((2, 3, 2), output="tanh")
    X, y, cost = batch(net, loss, reduction, 9)
    here = linearised(net, X, y, cost)
    G, g = dense_ggn(net, X, y, cost), value_and_gradient(net, X, y, cost)[1]
    np.testing.assert_allclose(here.gradient, g, rtol=1e-9, atol=1e-12)
    squares = np.linspace(0.5, 2.0, net.size)
    size = max(np.abs(G).max(), 1e-3)
    expected = plain.damped_step(G, g, 0.1 * size * squares, np.arange(net.size))
    steepest = here.steepest()
    for name, solver in SOLVERS.items():
        built = solver(here, steepest)
        np.testing.assert_allclose(built.diagonal(), np.diag(G), atol=1e-6 * size, err_msg=name)
        assert built.damp(0.1 * size, squares)
        step = -built.solve(steepest)
        np.testing.assert_allclose(step, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max(), err_msg=name)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple), st.integers(1, 12), st.sampled_from(DTYPES),
       st.sampled_from(["squared_error", "softmax_cross_entropy", "poisson"]), st.integers(0, 10**6))
def test_solvers_agree_on_any_shape_and_mask(widths, m, dtype, loss, seed):
    net = network(widths, dtype=dtype, seed=seed % 1000)
    X, y, cost = batch(net, loss, "mean", m, seed)
    mask = np.random.default_rng(seed).random(net.size) > 0.3
    mask[0] = True
    here = linearised(net, X, y, cost, mask)
    squares = np.linspace(0.5, 2.0, net.size, dtype=dtype)[mask]
    steps, steepest = {}, here.steepest()
    for name, solver in SOLVERS.items():
        built = solver(here, steepest)
        assert built.damp(0.05, squares)
        steps[name] = built.solve(steepest)
        assert steps[name].dtype == dtype and steps[name].shape == (mask.sum(),)
    size = np.abs(steps["qr"]).max() + 1e-12
    loose = 1e-6 if dtype == np.float64 else 2e-2
    for name, step in steps.items():
        np.testing.assert_allclose(step, steps["qr"], atol=loose * size, rtol=0, err_msg=name)
    side = here.right_side(np.ones_like(here.outputs))
    for solver in SOLVERS.values():
        built = solver(here, steepest)
        built.damp(0.05, squares)
        step = built.solve(side)
        residual = here.adjoint(here.product(step)) + np.asarray(0.05 * squares, dtype) * step - side.vector
        assert np.abs(residual).max() <= loose * (np.abs(side.vector).max() + 1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("widths, loss, frozen", [((1, 9, 8, 1), "squared_error", False),
                                                  ((3, 5, 2, 3), "softmax_cross_entropy", True),
                                                  ((2, 1, 3), "cosine", False), ((4, 2), "huber", True)])
def test_the_sum_over_pairs_of_layers_is_that_over_rows(widths, loss, frozen, dtype):
    net = network(widths, dtype=dtype)
    X, y, cost = batch(net, loss, "mean", 1100)
    here = linearised(net, X, y, cost, np.arange(net.size) % 3 > 0 if frozen else np.ones(net.size, bool))
    M = np.vstack([slab.copy() for slab in here.rows()]).astype(np.float64)
    found = np.tril(here.square())
    size = np.abs(M.T @ M).max()
    np.testing.assert_allclose(found, np.tril(M.T @ M), rtol=0, atol=(1e-13 if dtype == np.float64 else 1e-5) * size)
    threads = engine.pool.num_threads()
    engine.set_num_threads(1)
    try:
        np.testing.assert_array_equal(np.tril(here.square()), found)
    finally:
        engine.set_num_threads(threads)


def test_samples_in_many_slabs_make_the_same_matrix(monkeypatch):
    net = network((2, 3, 2))
    X, y, cost = batch(net, "softmax_cross_entropy", "mean", 21)
    here = linearised(net, X, y, cost)
    steepest = here.steepest()
    whole = [solver(here, steepest) for solver in (Cholesky, QR)]
    monkeypatch.setattr("engine.updates.kept_linearised.SUMS", 0)
    monkeypatch.setattr("engine.updates.kept_linearised.SLAB", 4 * 2 * net.size * 8)
    parts = [solver(here, steepest) for solver in (Cholesky, QR)]
    assert len(list(here.rows())) == 6
    np.testing.assert_allclose(*(np.tril(built[0].matrix) for built in (parts, whole)), rtol=1e-12, atol=1e-15)
    for built in (*whole, *parts):
        built.damp(1e-3, np.ones(net.size))
    steps = [built.solve(steepest) for built in (*whole, *parts)]
    np.testing.assert_allclose(steps[1:], [steps[0]] * 3, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("solver", ["auto", *SOLVERS, "kfac"])
@pytest.mark.parametrize("name", SECOND_ORDER)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cost_goes_down_with_every_solver(name, solver, dtype):
    net = network((2, 6, 3), dtype=dtype)
    X, y, cost = batch(net, "softmax_cross_entropy", "mean", 40)
    result = fit(net, X, y, cost, SECOND_ORDER[name](solver=solver), BatchSchedule(40), epochs=12, progress=False)
    costs = result.history.columns()["cost"]
    assert result.network.dtype == dtype and costs[-1] < 0.8 * costs[0]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_levenberg_marquardt_never_makes_a_batch_worse(loss, reduction):
    net = network((2, 4, 2))
    X, y, cost = batch(net, loss, reduction, 12)
    result = fit(net, X, y, cost, LevenbergMarquardt(), BatchSchedule(12, order="sequential"), epochs=8, progress=False)
    costs = [*result.history.columns()["cost"], value_and_gradient(result.network, X, y, cost)[0]]
    assert np.isfinite(result.network.parameters).all()
    assert all(after <= before + 1e-12 * abs(before) for before, after in zip(costs, costs[1:]))
    assert costs[-1] < costs[0] - 1e-4 * abs(costs[0])


def test_batches_of_any_schedule_each_get_no_worse():
    net = network((2, 5, 1))
    X = np.random.default_rng(0).standard_normal((60, 2))
    y, cost, schedule = np.sin(X[:, :1]), Cost("squared_error"), BatchSchedule(17, seed=4)
    update, theta = LevenbergMarquardt(), net.parameters.copy()
    state = update.begin(net)
    for step in (step for e in range(4) for step in schedule.epoch(60, e)):
        update.step(BatchProblem(net, X, y, cost, step), theta, state, np.empty(0, bool), step.time)
    costs = []
    for step in schedule.epoch(60, 5):
        rows = step.indices
        before = value_and_gradient(net.replace(theta), X[rows], y[rows], cost)[0]
        assert update.step(BatchProblem(net, X, y, cost, step), theta, state, np.empty(0, bool), step.time) == before
        costs.append((before, value_and_gradient(net.replace(theta), X[rows], y[rows], cost)[0]))
    assert all(after <= before * (1 + 1e-12) for before, after in costs)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_frozen_numbers_keep_their_bits(name):
    net = network((3, 4, 2))
    X, y, cost = batch(net, "squared_error", "mean", 30)
    mask = np.arange(net.size) % 3 > 0
    result = fit(net, X, y, cost, SECOND_ORDER[name](), BatchSchedule(10), epochs=2, trainable=mask, progress=False)
    assert np.array_equal(result.network.parameters[~mask], net.parameters[~mask])
    assert (result.network.parameters[mask] != net.parameters[mask]).all()


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_a_resumed_run_is_the_whole_run(name, tmp_path):
    net = network((2, 4, 1))
    X, y, cost = batch(net, "log_cosh", "mean", 30)
    update, schedule, path = SECOND_ORDER[name](), BatchSchedule(16, seed=3), tmp_path / "run.npz"
    settings = dict(progress=False)
    whole = fit(net, X, y, cost, update, schedule, epochs=6, **settings)
    fit(net, X, y, cost, update, schedule, epochs=2, checkpoint=path, **settings)
    again = fit(net, X, y, cost, update, schedule, epochs=6, checkpoint=path, resume=True, **settings)
    assert np.array_equal(whole.network.parameters, again.network.parameters)
    assert set(whole.state.arrays) == set(again.state.arrays)
    assert all(np.array_equal(array, again.state.arrays[key]) for key, array in whole.state.arrays.items())


@pytest.mark.parametrize("settings, reason", [(dict(gradient_tolerance=1e-6), "gradient"), (dict(step_tolerance=1e-6), "step"),
                                              (dict(cost_tolerance=1e-6), "cost"), ({}, "step")])
def test_a_run_ends_where_a_tolerance_is_met(settings, reason, tmp_path):
    net = network((1, 1, 1))
    X = np.linspace(-1, 1, 40)[:, None]
    y = 2 * np.tanh(3 * X + 0.3) + 0.1 * np.random.default_rng(0).standard_normal(X.shape)
    run = dict(epochs=500, progress=False, checkpoint=tmp_path / "run.npz")
    update = LevenbergMarquardt(**settings)
    result = fit(net, X, y, Cost("squared_error"), update, BatchSchedule(40), **run)
    assert len(result.history) < 500 and str(result.state.arrays["stopped"]) == reason
    again = fit(net, X, y, Cost("squared_error"), update, BatchSchedule(40), **run, resume=True)
    assert len(again.history) == len(result.history)


def test_a_zero_gradient_ends_the_run_and_moves_nothing():
    net = network((2, 3, 1))
    X = np.random.default_rng(0).standard_normal((9, 2))
    for update in (LevenbergMarquardt(), GaussNewton(), NaturalGradient()):
        result = fit(net, X, net(X), Cost("squared_error"), update, BatchSchedule(9), epochs=3, progress=False)
        assert np.array_equal(result.network.parameters, net.parameters)
    everything_frozen = dict(trainable=np.zeros(net.size, bool), epochs=3, progress=False)
    result = fit(net, X, np.zeros(9), Cost("squared_error"), LevenbergMarquardt(), BatchSchedule(9), **everything_frozen)
    assert str(result.state.arrays["stopped"]) == "gradient"


@pytest.mark.parametrize("solver", ["cholesky", "qr", "kernel", "cg"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rank_deficient_and_badly_scaled_steps_are_finite(solver, dtype):
    """Equal columns of X, a column of zeros, dead units, columns 10⁸ apart."""
    generator = np.random.default_rng(1)
    x = generator.standard_normal((12, 1))
    X = np.hstack([x, x, np.zeros_like(x), 1e8 * x])
    y = np.sin(x)
    nets = [network((4, 3, 1), dtype=dtype), network((4, 3, 1), "relu", dtype)]
    nets.append(nets[0].replace(np.zeros(19)))
    for net in nets:
        for update in (GaussNewton(0.1, damping=0, solver=solver), NaturalGradient(0.1, damping=0, solver=solver),
                       LevenbergMarquardt(solver=solver)):
            result = fit(net, X, y, Cost("squared_error"), update, BatchSchedule(12), epochs=2, progress=False)
            assert np.isfinite(result.network.parameters).all()
        assert result.history[-1]["cost"] <= result.history[0]["cost"]


def test_a_curvature_that_is_not_finite_is_said():
    """a = e²³⁰, ∂a/∂w = 1e100 a: the cost fits in float64, JᵀJ does not."""
    net = Network((1, 1), ("exp",), np.array([0.0, 230.0]))
    for update in (GaussNewton(solver="cholesky"), NaturalGradient(solver="kernel"), LevenbergMarquardt()):
        with pytest.raises(DivergenceError, match="curvature is not finite.*lower the rate.*result") as caught:
            fit(net, np.array([[1e100]]), np.zeros(1), Cost("squared_error"), update, BatchSchedule(1), epochs=2, progress=False)
        assert np.array_equal(caught.value.result.network.parameters, net.parameters)


def test_an_own_loss_needs_its_hessian():
    quartic = (lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)
    net, X = network((2, 3, 1)), np.random.default_rng(0).standard_normal((9, 2))
    settings = dict(epochs=20, progress=False)
    with pytest.raises(ValueError, match="second derivative.*hessian"):
        fit(net, X, X[:, :1], Cost(engine.Loss(*quartic)), LevenbergMarquardt(), BatchSchedule(9), **settings)
    whole = engine.Loss(*quartic, lambda A, y: 12 * ((A - y)**2)[:, :, None])
    result = fit(net, X, X[:, :1], Cost(whole), LevenbergMarquardt(), BatchSchedule(9), **settings)
    assert result.history[-1]["cost"] < 1e-3 * result.history[0]["cost"]


@pytest.mark.parametrize("loss, density", [
    ("squared_error", lambda d: np.exp(-d**2 / 2)), ("absolute_error", lambda d: np.exp(-np.abs(d))),
    ("log_cosh", lambda d: 1 / np.cosh(d)),
    ("huber", lambda d: np.exp(-np.where(np.abs(d) < 1.5, d**2 / 2, 1.5 * (np.abs(d) - 0.75))))])
def test_fishers_information_is_the_mean_square_of_the_score(loss, density):
    chosen = losses.huber(1.5) if loss == "huber" else losses.NAMED[loss]
    d = np.linspace(-60, 60, 400001)[:, None]
    score = chosen.gradient(d, np.zeros_like(d))[:, 0]
    expected = (score**2 * density(d[:, 0])).sum() / density(d[:, 0]).sum()
    np.testing.assert_allclose(expected_output_hessian(chosen, d[:1], d[:1], np.ones(1)).diagonal.ravel(), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="negative log-likelihood.*hinge"):
        expected_output_hessian(losses.hinge, d[:1], d[:1], np.ones(1))


def test_settings_are_checked():
    for wrong, message in ((lambda: LevenbergMarquardt(damping=0), "damping must be.*above 0"),
                           (lambda: LevenbergMarquardt(solver="lu"), "solver must be one of auto, cholesky, qr, kernel, cg, kfac"),
                           (lambda: LevenbergMarquardt(attempts=0), "attempts"), (lambda: GaussNewton(damping=-1), "damping"),
                           (lambda: NaturalGradient(0), "rate"), (lambda: LevenbergMarquardt(step_tolerance=-1), "step_tolerance")):
        with pytest.raises(ValueError, match=message):
            wrong()


@pytest.mark.parametrize("method", ["trust-ncg", "Newton-CG"])
def test_hessp_serves_scipy(method):
    from scipy.optimize import minimize

    net = network((2, 4, 3))
    X, y, cost = batch(net, "softmax_cross_entropy", "mean", 200)
    aim = engine.objective(net, X, y, cost)
    theta, v, h = net.parameters, np.random.default_rng(5).standard_normal(net.size), 1e-5
    difference = (aim.jac(theta + h * v) - aim.jac(theta - h * v)) / (2 * h)
    np.testing.assert_allclose(aim.hessp(theta, v), difference, atol=1e-8)
    found = minimize(aim.fun, theta, jac=aim.jac, hessp=aim.hessp, method=method, options=dict(maxiter=200))
    assert found.fun < 0.8 * aim.fun(theta) and np.abs(aim.jac(found.x)).max() < 1e-2
