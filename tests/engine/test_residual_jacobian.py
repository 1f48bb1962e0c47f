"""ResidualJacobian against nested sums, and what rests on it: value_and_gradient, objective, steps of every solver."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.sparse.linalg import lsmr

from engine import (
    Adam,
    Cost,
    LevenbergMarquardt,
    Network,
    Residual,
    collocation,
    fit,
    losses,
    objective,
    reductions,
    value_and_gradient,
)
from engine.operators import ResidualJacobian
from engine.penalties import ridge
from schedulers import BatchSchedule, BatchStep
from tests.oracle import jets as plain

GENERATOR = np.random.default_rng(5)
INSIDE, EDGE = GENERATOR.uniform(size=(9, 2)), GENERATOR.uniform(size=(4, 2))
HEAT = Residual(lambda x, u: u.d(1) - u.d(0, 0) + u.value * np.sin(x[:, 0]))
FLUX = Residual(lambda x, u: (u.value - 1, u.d(0) * u.value), outputs=2)
WIDTHS, NAMES = (2, 4, 1), ("tanh", "identity")
PRECISION = {np.float64: 1e-13, np.float32: 2e-5}


def problem(dtype=np.float64):
    network = Network.initialize(WIDTHS, "tanh", seed=4, dtype=dtype)
    return network, *collocation((INSIDE.astype(dtype), HEAT, 2.0), (EDGE.astype(dtype), FLUX))


def expected(network, X):
    """r [m, 2] and J [m 2, P] by hand: the chain rule over jets that tests/oracle propagates."""
    theta, x = network.parameters.astype(float), X.astype(float)
    A, dA = plain.jets(theta, WIDTHS, NAMES, x, (0, 1), (((0, 0, 1.0),),))
    A, dA = A[:, :, 0], dA[:, :, 0]
    r, J = np.zeros((13, 2)), np.zeros((13, 2, network.size))
    s = np.sin(x[:9, 0])
    r[:9, 0] = A[:9, 2] - A[:9, 3] + A[:9, 0] * s
    J[:9, 0] = dA[:9, 2] - dA[:9, 3] + dA[:9, 0] * s[:, None]
    r[9:] = np.stack([A[9:, 0] - 1, A[9:, 1] * A[9:, 0]], 1)
    J[9:, 0] = dA[9:, 0]
    J[9:, 1] = dA[9:, 1] * A[9:, :1] + A[9:, 1:2] * dA[9:, 0]
    return r, J.reshape(26, -1), np.repeat([2 / 9, 1 / 4], [9, 4])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_is_the_nested_sums(dtype):
    network, X, y, cost = problem(dtype)
    r, dense, w = expected(network, X)
    J, tolerance = ResidualJacobian(network, X, y, cost), PRECISION[dtype]
    out = np.empty(J.shape, dtype)
    assert J.dense(out=out) is out
    v, u = GENERATOR.standard_normal(network.size).astype(dtype), GENERATOR.standard_normal(26).astype(dtype)
    for found, exact in ((J.residuals, r), (out, dense), (J @ v, dense @ v), (J.T @ u, dense.T @ u), (J.gram(), dense @ dense.T),
                         (J.row_norms().reshape(-1), np.linalg.norm(dense, axis=1)),
                         (value_and_gradient(network, X, y, cost)[1], dense.T @ (np.repeat(w, 2) * r.reshape(-1)))):
        assert found.dtype == dtype
        assert np.abs(found - exact).max() <= tolerance * np.abs(exact).max()
    assert abs(value_and_gradient(network, X, y, cost)[0] - (w @ (r**2).sum(1)) / 2) <= tolerance
    assert (J.gram() == J.gram().T).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_linear_residual_goes_forward_once_for_its_rows_and_its_values(dtype):
    """J and r have the same bits whichever is asked for first, of a linear set alone and of one beside another."""
    network = Network.initialize(WIDTHS, "tanh", seed=4, dtype=dtype)
    for sets in ([(INSIDE, HEAT)], [(INSIDE, HEAT), (EDGE, FLUX)]):
        X, y, cost = collocation(*((points.astype(dtype), residual) for points, residual in sets))
        rows_first, values_first = (ResidualJacobian(network, X, y, cost) for _ in range(2))
        dense, r = rows_first.dense(), values_first.residuals
        assert np.array_equal(rows_first.residuals, r)
        assert np.array_equal(values_first.dense(), dense)
        assert np.array_equal(ResidualJacobian(network, X, y, cost).row_norms(), values_first.row_norms())


def test_the_reduction_plays_no_part_in_the_operator():
    """A reduction with weights of other points does not either."""
    network, X, y, cost = problem()
    weighted = Cost(cost.loss, reductions.weighted(np.ones(13)))
    assert np.array_equal(ResidualJacobian(network, X[:5], y[:5], weighted).dense(),
                          ResidualJacobian(network, X, y, cost).dense()[:10])


def test_any_reduction_and_penalty():
    network, X, y, cost = problem()
    r, dense, _ = expected(network, X)
    smooth = Cost(cost.loss, reductions.power_mean(2.0), ridge(0.3))
    value, gradient = value_and_gradient(network, X, y, smooth)
    L = (r**2).sum(1) / 2
    slopes = smooth.reduce(L)[1]
    weights = np.concatenate([np.ones(8), np.zeros(4), np.ones(4), np.zeros(1)])
    exact = dense.T @ (np.repeat(slopes, 2) * r.reshape(-1)) + 0.3 * weights * network.parameters
    assert np.abs(gradient - exact).max() < 1e-13
    assert abs(value - smooth.reduce(L)[0] - 0.15 * weights @ network.parameters**2) < 1e-13


@pytest.mark.compiled
def test_scipy_minimises_it():
    network, X, y, cost = problem()
    aim = objective(network, X, y, cost)
    theta = network.parameters
    assert abs(0.5 * np.sum(aim.residual(theta)**2) - aim.fun(theta)) < 1e-14
    found = least_squares(aim.residual, theta, aim.residual_jac, max_nfev=8)
    assert found.cost < 0.5 * aim.fun(theta)
    J = ResidualJacobian(network, X, y, cost)
    assert lsmr(J, -J.residuals.reshape(-1), maxiter=3)[0].shape == (network.size,)


@pytest.mark.parametrize("solver", ["cholesky", "qr", "kernel", "cg"])
def test_every_solver_gives_the_step_of_dense_least_squares(solver):
    network, X, y, cost = problem()
    r, dense, w = expected(network, X)
    roots = np.sqrt(np.repeat(w, 2))
    M, rho = roots[:, None] * dense, roots * r.reshape(-1)
    D = np.maximum(np.diag(M.T @ M), 1e-6 * np.diag(M.T @ M).max())
    update = LevenbergMarquardt(damping=0.5, solver=solver, geodesic=False)
    run = fit(network, X, y, cost, update, BatchSchedule(13), epochs=1, progress=False)
    step = np.linalg.solve(M.T @ M + 0.5 * np.diag(D), -M.T @ rho)
    tolerance = 1e-6 if solver == "cg" else 1e-9
    assert np.abs(run.network.parameters - network.parameters - step).max() < tolerance * np.abs(step).max()


def test_a_batch_and_a_mask():
    network, X, y, cost = problem()
    mask = network.mask(layers=[2])
    run = fit(network, X, y, cost, LevenbergMarquardt(), BatchSchedule(5), epochs=2, trainable=mask, progress=False,
              validation=(X, y))
    changed = run.network.parameters != network.parameters
    assert changed[mask].all() and not changed[~mask].any()
    assert run.history[-1]["validation_cost"] == value_and_gradient(run.network, X, y, cost)[0]


@pytest.mark.compiled
def test_sobolev_is_values_and_gradients():
    network = Network.initialize((2, 5, 1), "tanh", seed=1)
    X = GENERATOR.uniform(-1, 1, (12, 2))
    targets = np.column_stack([np.sin(X.sum(1)), np.cos(X.sum(1)), np.cos(X.sum(1))])
    cost = Cost(losses.sobolev(0.25))
    jet = network.jet(X)
    r = np.column_stack([jet.value[:, 0] - targets[:, 0], 0.5 * (jet.gradient[:, 0] - targets[:, 1:])])
    value, _ = value_and_gradient(network, X, targets, cost)
    assert abs(value - (r**2).sum(1).mean() / 2) < 1e-14
    run = fit(network, X, targets, cost, LevenbergMarquardt(), BatchSchedule(12), epochs=30, progress=False)
    assert run.history[-1]["cost"] < 1e-4


class Permuted:
    """Two batches an epoch, the same two again in the next, the order within each drawn anew; ascending without a seed."""

    def __init__(self, seed=None):
        self.seed = seed

    def epoch(self, samples, e):
        halves = np.arange(samples).reshape(-1, 2).T if e < 2 else [np.arange(samples)]
        for i, half in enumerate(halves):
            drawn = half if self.seed is None else np.random.default_rng([self.seed, e, i]).permutation(half)
            yield BatchStep((2 * e + i) if e < 2 else e + 2, e, drawn)


@pytest.mark.parametrize("update", [Adam(0.01), LevenbergMarquardt()], ids=str)
def test_the_order_within_a_batch_changes_no_bit(update):
    """With weights of single points, which must follow them."""
    X, y, cost = collocation((INSIDE[:8], HEAT), (EDGE, FLUX))
    weighted = Cost(cost.loss, reductions.weighted(np.linspace(0.1, 2, 12)))
    network = Network.initialize(WIDTHS, "tanh", seed=4)
    found, expected, other = (fit(network, X, y, told, update, Permuted(seed), epochs=4, progress=False).network.parameters
                              for told, seed in ((weighted, 7), (weighted, None), (cost, 7)))
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, other)
