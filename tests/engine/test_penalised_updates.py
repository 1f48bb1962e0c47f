"""Second-order updates and `objective` with Cost(penalty=ridge(strength)): dense formulas in NumPy, differences, closed forms."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from engine import Cost, GaussNewton, LevenbergMarquardt, NaturalGradient, Network, fit, objective, operators, value_and_gradient
from engine.batch_problem import BatchProblem
from engine.penalties import ridge
from engine.updates.output_hessians import output_hessian
from engine.updates.solvers.choice import SOLVERS
from schedulers import BatchSchedule, BatchStep
from tests.cases import DTYPES, network
from tests.oracle import differences
from tests.oracle import second_order as plain
from tests.oracle.network import forward, jacobian

pytestmark = pytest.mark.compiled

EXACT = ("cholesky", "qr", "kernel")
WIDTHS, NAMES = (2, 4, 3), ("tanh", "identity")
G = np.random.default_rng(8)
X, Y = G.standard_normal((30, 2)), G.standard_normal((30, 3))
LABELS = G.integers(0, 3, 30)


def penalised(net, penalty):
    """Λ [P]."""
    return penalty.strength * net.mask(biases=penalty.biases)


def linearised(net, X, y, cost, mask=None):
    """All samples as one batch step, near θ."""
    problem = BatchProblem(net, X.astype(net.dtype), cost.targets(y, len(X), net.widths[-1], net.dtype), cost,
                           BatchStep(0, 0, np.arange(len(X))))
    return problem.linearised(net.parameters.copy(), np.empty(0, bool) if mask is None else mask, output_hessian)


def dense(theta, X, y, loss):
    """The samples' gradient [P] and curvature [P, P] for a mean, by plain formulas."""
    A, J = forward(theta, WIDTHS, NAMES, X)[1][-1], jacobian(theta, WIDTHS, NAMES, X).reshape(len(X), 3, -1)
    if loss == "squared_error":
        slopes, hessians = A - y, np.broadcast_to(np.eye(3), (len(X), 3, 3))
    else:
        p = np.exp(A) / np.exp(A).sum(1, keepdims=True)
        slopes, hessians = p - np.eye(3)[y], p[:, :, None] * np.eye(3) - p[:, :, None] * p[:, None]
    return np.einsum("kip,ki->p", J, slopes) / len(X), plain.ggn(J, hessians, np.full(len(X), 1 / len(X)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", [ridge(0.3), ridge(0.3, biases=True)], ids=repr)
@pytest.mark.parametrize("m, frozen", [(3, False), (3, True), (30, False), (30, True)])
def test_every_solver_is_the_dense_formula(m, frozen, penalty, dtype):
    """m = 3: the dual system is the smaller; without damping and with free biases it hands over to the primal."""
    net, exact = network(WIDTHS, dtype=dtype), dtype == np.float64
    theta, free = net.parameters.astype(float), np.arange(net.size)[np.arange(net.size) % 3 > 0] if frozen else np.arange(net.size)
    added, squares = penalised(net, penalty), np.linspace(0.5, 2, net.size)
    for loss, y in (("squared_error", Y), ("softmax_cross_entropy", LABELS)):
        slope, curvature = dense(theta, X[:m], y[:m], loss)
        cost = Cost(loss, penalty=penalty)
        here = linearised(net, X[:m], y[:m], cost, np.isin(np.arange(net.size), free) if frozen else None)
        g, steepest = slope + added * theta, here.steepest()
        np.testing.assert_allclose(here.gradient, g[free], atol=1e-13 if exact else 2e-6)
        for damping in (0.05, 1e-5, 0.0):
            if damping == 0 and not penalty.biases and loss != "squared_error":
                continue  # the biases of a softmax are not determined
            expected = plain.damped_step(curvature, g, added + damping * squares, free)[free]
            for name in (*EXACT, "cg"):
                solver = SOLVERS[name](here, steepest)
                np.testing.assert_allclose(solver.diagonal(), np.diag(curvature)[free] + added[free], atol=1e-12 if exact else 1e-5)
                assert solver.damp(damping, squares[free].astype(dtype))
                close = 2e-2 if not exact else 2e-4 if name == "cg" else 1e-9
                np.testing.assert_allclose(-solver.solve(steepest), expected, rtol=0, atol=close * np.abs(expected).max(),
                                           err_msg=f"{name} {loss} {damping}")
        step = (0.1 * G.standard_normal(len(free))).astype(dtype)
        moved = theta.copy()
        moved[free] += step
        np.testing.assert_allclose(here.value_at(step), value_and_gradient(net.replace(moved), X[:m], y[:m], cost)[0], rtol=1e-6)
        half = 0.5 * step @ (curvature + np.diag(added))[np.ix_(free, free)] @ step
        np.testing.assert_allclose(here.half_square(here.pushed(step)), half, rtol=1e-12 if exact else 1e-5)


@pytest.mark.parametrize("penalty", [ridge(0.3), ridge(0.3, biases=True)], ids=repr)
def test_kfac_solves_beside_a_penalty(penalty):
    net = network(WIDTHS)
    here = linearised(net, X, LABELS, Cost("softmax_cross_entropy", penalty=penalty))
    steepest, squares = here.steepest(), np.linspace(0.5, 2, net.size)
    solver = SOLVERS["kfac"](here, steepest)
    assert solver.damp(0.1, squares)
    K = operators.kfac(net, X, LABELS, Cost("softmax_cross_entropy")).dense()
    expected = np.linalg.solve(K + np.diag(penalised(net, penalty)) + 0.1 * squares.mean() * np.eye(net.size), here.gradient)
    np.testing.assert_allclose(solver.solve(steepest), expected, rtol=1e-9)


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize("penalty", [ridge(0.02), ridge(0.02, biases=True)], ids=repr)
def test_a_run_is_the_dense_runs(penalty, solver):
    """The gain, and with it λ, is of the penalised cost."""
    net = network(WIDTHS, seed=2)
    run = fit(net, X, Y, Cost("squared_error", penalty=penalty), LevenbergMarquardt(solver=solver, geodesic=False),
              BatchSchedule(30, order="sequential"), epochs=6, progress=False)
    theta, damping = plain.levenberg_marquardt(
        net.parameters, lambda theta: forward(theta, WIDTHS, NAMES, X)[1][-1].ravel(),
        lambda theta: jacobian(theta, WIDTHS, NAMES, X), Y.ravel(), penalised(net, penalty), 1 / 30, 6)
    np.testing.assert_allclose(run.network.parameters, theta, atol=1e-7)
    np.testing.assert_allclose(run.state.arrays["damping"], damping, rtol=1e-4)
    assert run.history[0]["cost"] == value_and_gradient(net, X, Y, Cost("squared_error", penalty=penalty))[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", ["auto", *EXACT, "cg", "kfac"])
def test_a_line_has_the_closed_form_of_ridge_regression(solver, dtype):
    """Bends, the tolerance by which a run ends, and GaussNewton without damping."""
    y = X @ [[1.0, -2.0], [0.5, 3.0]] + 1 + 0.1 * Y[:, :2]
    centred, strength = X - X.mean(0), 0.2
    W = np.linalg.solve(centred.T @ centred / 30 + strength * np.eye(2), centred.T @ (y - y.mean(0)) / 30).T
    start, cost = Network((2, 2), ("identity",), np.zeros(6)).astype(dtype), Cost("squared_error", penalty=ridge(strength))
    settings, close = dict(progress=False), 1e-7 if dtype == np.float64 else 1e-3
    for update in (LevenbergMarquardt(solver=solver, geodesic=True), GaussNewton(damping=0, solver=solver),
                   NaturalGradient(damping=0, solver=solver)):
        run = fit(start, X, y, cost, update, BatchSchedule(30), epochs=80, **settings)
        np.testing.assert_allclose(run.network.weight(1), W, atol=close)
        np.testing.assert_allclose(run.network.bias(1), y.mean(0) - W @ X.mean(0), atol=close)
        if isinstance(update, LevenbergMarquardt) and solver != "kfac":
            assert len(run.history) < 80 and run.state.arrays["stopped"] in ("step", "gradient")


@pytest.mark.parametrize("solver", ["cholesky", "qr", "kernel", "cg"])
def test_bounded_memory_has_the_same_bits(solver):
    m = 300 if solver == "kernel" else 900
    inputs, net = np.random.default_rng(0).standard_normal((m, 2)), network((2, 8, 1))
    runs = [fit(net, inputs, np.sin(inputs[:, :1]), Cost("squared_error", penalty=ridge(0.01)), LevenbergMarquardt(solver=solver),
                BatchSchedule(m), epochs=2, progress=False, max_bytes=most) for most in (None, 1 << 20)]
    assert np.array_equal(*(run.network.parameters for run in runs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("penalty", [ridge(0.2), ridge(0.2, biases=True)], ids=repr)
def test_objective_has_the_penalty_everywhere(penalty, dtype):
    net, cost = network(WIDTHS, dtype=dtype), Cost("squared_error", penalty=penalty)
    aim, theta = objective(net, X, Y, cost), net.parameters.astype(float)
    exact = objective(net.astype(np.float64), X, Y, cost)
    tight = dict(rtol=1e-12, atol=1e-13) if dtype == np.float64 else dict(rtol=1e-5, atol=1e-5)
    v = np.linspace(-1, 1, net.size)
    np.testing.assert_allclose(0.5 * aim.residual(theta) @ aim.residual(theta), aim.fun(theta), rtol=tight["rtol"])
    slopes = differences.jacobian(lambda theta: np.array([exact.fun(theta.astype(float))]), theta, step=1e-3)[0]
    np.testing.assert_allclose(aim.jac(theta), slopes.astype(float), atol=1e-9 if dtype == np.float64 else 1e-5)
    along = (exact.jac(theta + 1e-5 * v) - exact.jac(theta - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(aim.hessp(theta, v), along, atol=1e-7 if dtype == np.float64 else 1e-5)
    J = aim.residual_jac(theta)
    rows = J.dense()
    assert J.shape == rows.shape == (90 + np.count_nonzero(penalised(net, penalty)), net.size)
    np.testing.assert_allclose(J @ v, rows @ v, **tight)
    np.testing.assert_allclose(J.T @ aim.residual(theta), rows.T @ aim.residual(theta), **tight)
    np.testing.assert_allclose(rows.T @ aim.residual(theta), aim.jac(theta), **tight)


def test_scipy_and_levenberg_marquardt_end_at_the_same_cost():
    net, cost = network((2, 3, 3)), Cost("squared_error", penalty=ridge(0.01))
    aim = objective(net, X, Y, cost)
    run = fit(net, X, Y, cost, LevenbergMarquardt(), BatchSchedule(30), epochs=200, progress=False)
    there = run.network.parameters
    assert np.abs(aim.jac(there)).max() < 1e-8
    found = least_squares(aim.residual, there + 1e-3, lambda theta: aim.residual_jac(theta).dense(), method="lm", ftol=1e-15,
                          xtol=1e-15)
    np.testing.assert_allclose(found.x, there, atol=1e-5)
    assert found.cost == pytest.approx(run.history[-1]["cost"], rel=1e-9) and found.cost == pytest.approx(aim.fun(there), rel=1e-9)


def test_a_resumed_run_is_the_whole_run_and_knows_its_penalty(tmp_path):
    net, cost, schedule = network((2, 3, 3)), Cost("squared_error", penalty=ridge(0.1)), BatchSchedule(16, seed=3)
    settings = dict(progress=False, checkpoint=tmp_path / "run")
    whole = fit(net, X, Y, cost, LevenbergMarquardt(), schedule, epochs=4, progress=False)
    fit(net, X, Y, cost, LevenbergMarquardt(), schedule, epochs=2, **settings)
    with pytest.raises(Exception, match="penalty is 0.1 on weights, here none"):
        fit(net, X, Y, Cost("squared_error"), LevenbergMarquardt(), schedule, epochs=4, resume=True, **settings)
    again = fit(net, X, Y, cost, LevenbergMarquardt(), schedule, epochs=4, resume=True, **settings)
    assert np.array_equal(whole.network.parameters, again.network.parameters) and whole.state == again.state
