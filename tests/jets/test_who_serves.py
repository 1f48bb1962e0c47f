"""Who takes a cost of residuals, and a network with unknowns; everybody else refuses them with a sentence that says what to use."""

import importlib
import inspect
import traceback

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import engine
from engine import (
    Adam,
    BayesianRegularization,
    Cost,
    GaussNewton,
    GradientDescent,
    LevenbergMarquardt,
    NaturalGradient,
    Network,
    Private,
    Residual,
    collocation,
    fit,
    losses,
)
from engine.jets import NetworkWithUnknowns
from schedulers import BatchSchedule

SERVED = {"engine.value_and_gradient", "engine.objective", "engine.check_derivatives", "engine.fit", "engine.standard_errors",
          "engine.operators.ResidualJacobian"}
generator = np.random.default_rng(0)
NETWORK, KINKED = Network.initialize((2, 3, 1), "tanh"), Network.initialize((2, 3, 1), "relu")
X, Y, COST = collocation((generator.uniform(size=(4, 2)), Residual(lambda x, u: u.laplacian() + u.value), 2.0),
                         (generator.uniform(size=(2, 2)), Residual(lambda x, u: u.value)))
SOBOLEV, SLOPES = Cost(losses.sobolev()), generator.standard_normal((6, 3))
WITH = NetworkWithUnknowns(NETWORK, {"kappa": 1.0})
H = aslinearoperator(np.eye(NETWORK.size))
SQUARES, ZEROS = Cost("squared_error"), np.zeros((6, 1))


def public(*words):
    """The public functions and classes with parameters of these names."""
    for module in ("engine", "engine.operators", "engine.plot", "engine.distributed"):
        found = importlib.import_module(module)
        for name in found.__all__:
            value = getattr(found, name)
            error = inspect.isclass(value) and issubclass(value, Exception)
            if callable(value) and not error and {*words} <= set(inspect.signature(value).parameters):
                yield f"{module}.{name}", value


def called(function, network, X, y, cost):
    """Its result for these, and something for whatever else it must be given."""
    given = {"network": network, "X": X, "y": y, "cost": cost, "X_test": X, "y_test": y, "curvature": H, "damping": 0.1,
             "update": Adam(), "schedule": BatchSchedule(6), "epochs": 1, "shards": [], "progress": False}
    parameters = inspect.signature(function).parameters
    needed = {name for name, one in parameters.items() if one.default is one.empty or name == "progress"}
    return function(**{name: value for name, value in given.items() if name in needed})


def refused(words, call, *given, **more):
    """The call is refused by a check, with these words."""
    with pytest.raises((ValueError, TypeError)) as found:
        call(*given, **more)
    assert all(word in str(found.value) for word in words), str(found.value)
    assert traceback.extract_tb(found.value.__traceback__)[-1].filename.endswith("checks.py")


def test_every_public_function_takes_a_cost_of_residuals_or_refuses_it():
    found = dict(public("cost"))
    assert SERVED <= set(found) and len(found) > 20
    for name, function in found.items():
        for y, cost in ((Y, COST), (SLOPES, SOBOLEV)):
            if name == "engine.standard_errors":
                refused(["fit(...).network"], function, NETWORK, X, y, cost)
            elif name in SERVED - {"engine.check_derivatives"}:
                called(function, NETWORK, X, y, cost)
            elif name not in SERVED:
                refused(["cost of outputs", "engine.value_and_gradient"], called, function, NETWORK, X, y, cost)
    refused(["test_cost must be a cost of outputs"], engine.influence_on_cost, NETWORK, X, ZEROS, SQUARES, X, Y,
            curvature=H, damping=1, test_cost=COST)


@pytest.mark.parametrize("update, words", [
    (BayesianRegularization(), ("cost must be one of outputs for BayesianRegularization", "use LevenbergMarquardt")),
    (Private(Adam(), 1.0, 1.0, seed=0), ("cost must be one of outputs for Private", "use its first-order update alone")),
    *((update, ("cholesky, qr, kernel, cg for a cost of residuals", "'kfac'")) for update in (
        LevenbergMarquardt(solver="kfac"), GaussNewton(solver="kfac"), NaturalGradient(solver="kfac", decay=0.9)))])
def test_updates_that_cannot_take_residuals_say_which_can(update, words):
    for y, cost in ((Y, COST), (SLOPES, SOBOLEV)):
        refused(words, fit, NETWORK, X, y, cost, update, BatchSchedule(6), epochs=1, progress=False)


@pytest.mark.parametrize("update", [GaussNewton(damping=0.1, solver="kernel"), NaturalGradient(damping=0.1, solver="cholesky"),
                                    NaturalGradient(damping=0.1, solver="qr", adaptive=True), GaussNewton(damping=0.1)])
def test_undamped_metrics_give_the_step_of_dense_least_squares(update):
    run = fit(NETWORK, X, Y, COST, update, BatchSchedule(6), epochs=1, progress=False)
    J, w = engine.operators.ResidualJacobian(NETWORK, X, Y, COST), np.sqrt(COST.reduction.data)
    M = w[:, None] * J.dense()
    step = np.linalg.solve(M.T @ M + 0.1 * np.eye(M.shape[1]), -M.T @ (w * J.residuals[:, 0]))
    assert np.abs(run.network.parameters - NETWORK.parameters - step).max() < 1e-11 * np.abs(step).max()


@pytest.mark.parametrize("residual, words", [
    (lambda x, u: u.d(2), ("an input of u.d(2) must be an input from 0 to 1", "the first is 0")),
    (lambda x, u: np.arcsinh(u.value), ("np.arcsinh has no rule", "np.sin", "derivative=")),
    (lambda x, u: u.value[:2], ("take no index",)),
    (lambda x, u: (u.value, u.value), ("but gave 2 pieces", "outputs=2"))])
def test_wrong_residuals_are_refused_wherever_they_are_used(residual, words):
    X, y, cost = collocation((generator.uniform(size=(3, 2)), Residual(residual)))
    refused(words, engine.value_and_gradient, NETWORK, X, y, cost)
    refused(words, engine.objective(NETWORK, X, y, cost).fun, NETWORK.parameters)
    refused(words, fit, NETWORK, X, y, cost, LevenbergMarquardt(), BatchSchedule(3), epochs=1, progress=False)


def test_what_is_not_in_this_release_says_so():
    refused(["max_bytes must be None for a cost of residuals", "smaller batches"], engine.value_and_gradient, NETWORK, X, Y, COST,
            max_bytes=10**6)
    refused(["max_bytes must be None"], fit, NETWORK, X, Y, COST, Adam(), BatchSchedule(6), epochs=1, max_bytes=10**6)
    refused(["layer 1's is relu", "'tanh'"], engine.value_and_gradient, KINKED, X, Y, COST)
    refused(["must be one of residuals", "LossJacobian"], engine.operators.ResidualJacobian, NETWORK, X, ZEROS, SQUARES)


def test_a_network_with_unknowns_is_taken_where_its_unknowns_are_and_nowhere_else():
    """Its J in θ and unknowns has a column for each unknown, which other losses do not know."""
    found = dict(public("network", "X"))
    for name, function in found.items():
        if name not in {"engine.ForwardPass", "engine.standard_errors", "engine.operators.ResidualJacobian"}:
            refused(["unknowns of an equation beside it", "pass its .network"], called, function, WITH, X, ZEROS, SQUARES)
    refused(["pass its .network"], WITH.jacobian, X)
    other = collocation((X, Residual(lambda x, u, p: p["nu"] * u.value, unknowns={"nu": 1.0})))
    refused(["the unknowns of the cost's residuals, 'nu', but has 'kappa'"], engine.value_and_gradient, WITH, *other)
    same = fit(WITH, X, Y, COST, GradientDescent(0.1), BatchSchedule(6), epochs=1, progress=False).network
    assert same.unknowns == WITH.unknowns and (same.parameters != WITH.parameters)[:-1].all()
