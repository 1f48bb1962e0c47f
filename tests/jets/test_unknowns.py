"""Unknowns of an equation: they are fitted with θ, and their standard errors are those of dense least squares."""

import pickle

import numpy as np
import pytest

from engine import (
    Adam,
    LevenbergMarquardt,
    Network,
    Residual,
    check_derivatives,
    collocation,
    fit,
    load,
    standard_errors,
    value_and_gradient,
)
from engine.jets import NetworkWithUnknowns
from engine.jets.unknowns import with_unknowns
from engine.operators import ResidualJacobian
from schedulers import BatchSchedule

T = np.linspace(0, 1, 15)[:, None]
DECAY = Residual(lambda x, u, p: u.d(0) + p["rate"] * u.value - p["shift"], unknowns={"rate": 1.0, "shift": 0.5})
MEASURED = np.exp(-2 * T[:, 0]) + 0.01 * np.random.default_rng(0).standard_normal(15)
DATA = Residual(lambda x, u: u.value - np.interp(x[:, 0], T[:, 0], MEASURED))
X, Y, COST = collocation((T, DECAY, 2.0), (T, DATA, 5.0))
START = Network.initialize((1, 3, 1), "tanh", seed=1)


def test_their_columns_are_derivatives():
    J = ResidualJacobian(START, X, Y, COST)
    dense, u = J.dense(), START.jet(T)
    assert J.shape == (30, START.size + 2)
    assert np.abs(dense[:15, -2] - u.value[:, 0]).max() < 1e-15
    assert (dense[:15, -1] == -1).all() and (dense[15:, -2:] == 0).all()
    v = np.random.default_rng(1).standard_normal(J.shape[1])
    assert np.abs(J @ v - dense @ v).max() < 1e-13
    assert np.abs(J.T @ np.ones(30) - dense.sum(0)).max() < 1e-12
    gradient = value_and_gradient(START, X, Y, COST)[1]
    assert np.abs(gradient - dense.T @ (COST.reduction.data * J.residuals[:, 0])).max() < 1e-14


@pytest.mark.compiled
def test_every_derivative_agrees_with_differences():
    report = check_derivatives(START, X, Y, COST)
    assert report.holds, str(report)
    assert {row.name for row in report.rows} >= {"set 0: <lambda>, in rate", "Jacobian along shift", "gradient along rate"}


@pytest.mark.compiled
def test_they_are_found_by_second_and_by_first_order():
    decay = Residual(lambda x, u, p: u.d(0) + p["rate"] * u.value, unknowns={"rate": 1.0})
    samples, sets, cost = collocation((T, decay), (T, Residual(lambda x, u: u.value - np.exp(-2 * x[:, 0])), 10.0))
    found = fit(START, samples, sets, cost, LevenbergMarquardt(), BatchSchedule(30), epochs=40, progress=False).network
    assert abs(found.unknowns["rate"] - 2) < 1e-2
    first = fit(START, samples, sets, cost, Adam(0.01), BatchSchedule(30), epochs=300, progress=False).network
    assert 1.2 < first.unknowns["rate"] < 2
    held = fit(found, samples, sets, cost, Adam(0.01), BatchSchedule(30), epochs=1, progress=False,
               trainable=found.mask()).network
    assert held.unknowns == found.unknowns and (held.parameters[:-1] != found.parameters[:-1]).all()


@pytest.mark.compiled
def test_standard_errors_are_those_of_dense_least_squares():
    """The fitted network's M has singular values down to 1e-16 of the largest, where rounding alone moves them by some 1e-5."""
    run = fit(START, X, Y, COST, LevenbergMarquardt(), BatchSchedule(30), epochs=40, progress=False)
    for network, tolerance in ((with_unknowns(START, COST), 1e-6), (run.network, 1e-4)):
        J = ResidualJacobian(network, X, Y, COST)
        w = np.sqrt(COST.reduction.data)
        M, rho = w[:, None] * J.dense(), w * J.residuals[:, 0]
        inverse = np.linalg.pinv(M)
        left = 1 - np.einsum("ij,ji->i", M, inverse)
        covariance = inverse @ np.diag(rho**2 / left) @ inverse.T
        errors = standard_errors(network, X, Y, COST)
        for k, name in enumerate(("rate", "shift"), START.size):
            assert abs(errors[name] - np.sqrt(covariance[k, k])) < tolerance * errors[name]
            assert errors[name] > 1e-3
    assert abs(run.network.unknowns["rate"] - 2) < 4 * errors["rate"]
    with pytest.raises(ValueError, match="network must have unknowns"):
        standard_errors(START, X, Y, COST)


def test_such_a_network_is_a_network():
    made = NetworkWithUnknowns(START, {"rate": 3.0})
    assert made.size == START.size + 1 and made.unknowns == {"rate": 3.0}
    assert (made(T) == START(T)).all() and made.network == START and made != START
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.replace(np.append(START.parameters, 4.0)).unknowns == {"rate": 4.0}
    assert made.astype(np.float32).dtype == np.float32 and "rate = 3" in repr(made)


def test_a_file_would_lose_them(tmp_path):
    made = NetworkWithUnknowns(START, {"rate": 3.0})
    with pytest.raises(ValueError, match="not the unknowns rate; save its .network"):
        made.save(tmp_path / "network.npz")
    made.network.save(tmp_path / "network.npz")
    assert load(tmp_path / "network.npz") == START
