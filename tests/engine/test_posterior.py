"""Laplace's posterior and influences, against the dense formulas and against training anew."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse.linalg import aslinearoperator

from engine import (
    Cost,
    Network,
    influence_on_cost,
    influence_on_predictions,
    laplace,
    objective,
    per_sample_gradients,
    value_and_gradient,
)
from engine.operators import gaussian_posterior, inverse_product, kfac
from tests.cases import DTYPES, network, targets
from tests.oracle import kronecker as plain

pytestmark = pytest.mark.compiled

LOSSES = ("squared_error", "softmax_cross_entropy", "poisson", "binary_cross_entropy")


def set_up(widths, m, loss="squared_error", dtype=np.float64, names="tanh"):
    """A network, X, y, its dense GGN under a plain sum."""
    generator = np.random.default_rng(0)
    net = network(widths, names, dtype)
    X, y = generator.standard_normal((m, widths[0])).astype(dtype), targets(loss, generator, m, widths[-1])
    literal = net.parameters.astype(float), widths, [g.name for g in net.activations], X.astype(float), y, loss
    return net, X, y, plain.ggn(*literal, np.ones(m))


@pytest.fixture(params=["primal", "dual"])
def form(request, monkeypatch):
    """P × P, or m n × m n wherever there are more parameters than rows."""
    if request.param == "dual":
        monkeypatch.setattr(gaussian_posterior, "PRIMAL", 0)
    return request.param


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("widths, m", [((3, 6, 2), 4), ((3, 6, 2), 60), ((1, 1), 1), ((2, 1, 1), 9)])
def test_laplace_is_the_literal_formula(widths, m, loss, dtype, form):
    net, X, y, G = set_up(widths, m, loss, dtype)
    X_test = np.random.default_rng(1).standard_normal((21, widths[0])).astype(dtype)
    J, n = net.jacobian(X_test).dense().astype(float), widths[-1]
    close = dict(rtol=1e-9, atol=1e-11) if dtype == np.float64 else dict(rtol=1e-2, atol=1e-3)
    top = plain.layer_slices(widths)[-1]
    for last_layer, part in ((False, slice(0, net.size)), (True, top)):
        expected = J[:, part] @ np.linalg.inv(G[part, part] + 0.7 * np.eye(len(G[part]))) @ J[:, part].T
        posterior = laplace(net, X, y, Cost(loss, "sum"), prior_precision=0.7, last_layer=last_layer)
        mean, covariance = posterior.predict(X_test)
        assert np.array_equal(mean, net(X_test)) and covariance.shape == (21, n, n) and covariance.dtype == dtype
        blocks = expected.reshape(21, n, 21, n)[range(21), :, range(21)]
        np.testing.assert_allclose(covariance, blocks, **close)
        np.testing.assert_allclose(posterior.predict(X_test, joint=True)[1], expected, **close)


def test_laplace_of_a_linear_model_is_bayesian_regression():
    net, X, y, _ = set_up((3, 1), 30, names="identity")
    features = np.hstack([X, np.ones((30, 1))])
    mean, covariance = laplace(net, X, y, Cost("squared_error", "sum"), prior_precision=2.0).predict(X)
    expected = np.diag(features @ np.linalg.inv(features.T @ features + 2 * np.eye(4)) @ features.T)
    np.testing.assert_allclose(covariance.ravel(), expected, rtol=1e-10)
    with pytest.raises(ValueError, match="prior_precision must be a finite number above 0, but is 0"):
        laplace(net, X, y, Cost("squared_error"), prior_precision=0)


def exact_covariance(J, J_test, precision):
    """J* (Jᵀ J + diag τ)⁻¹ J*ᵀ by elimination in rational numbers."""
    J, J_test = (np.vectorize(lambda number: Fraction(float(number)), otypes=[object])(rows) for rows in (J, J_test))
    P = J.shape[1]
    left, right = J.T @ J, J_test.T.copy()
    left[range(P), range(P)] += [Fraction(float(number)) for number in np.broadcast_to(precision, P)]
    for i in range(P):
        for k in range(i + 1, P):
            factor = left[k, i] / left[i, i]
            left[k], right[k] = left[k] - factor * left[i], right[k] - factor * right[i]
    pivots = left[range(P), range(P)]
    return (right.T @ (right / pivots[:, None])).astype(float)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("widths, m, repeated", [((1, 1), 3, False), ((3, 2), 2, False), ((3, 2), 5, True), ((1, 2, 1), 2, True)])
def test_variances_do_not_cancel(widths, m, repeated, dtype, form):
    """Near the training samples, where the prior's variance is up to 10¹⁵ times the posterior's, and far from them."""
    generator, n, close = np.random.default_rng(0), widths[-1], 1e-11 if dtype == np.float64 else 1e-6
    refused = 0
    for scale in (1e-3, 1.0, 1e4):
        net = network(widths, "softplus" if len(widths) > 2 else "identity", dtype)
        X = (scale * generator.standard_normal((m, widths[0]))).astype(dtype)
        if repeated:
            X[1:] = X[0]
        X_test = np.concatenate([X[:2], (scale * generator.standard_normal((2, widths[0]))).astype(dtype)])
        plain_net = Network(widths, net.activations, net.parameters.astype(float))
        J, J_test = (plain_net.jacobian(x.astype(float)).dense() for x in (X, X_test))
        for precision in (1e-8, 1e-3, 1.0, 1e8):
            expected = exact_covariance(J, J_test, precision)
            arguments = net, X, np.zeros((m, n)), Cost("squared_error", "sum")
            if form == "dual" and m * n < net.size and precision < 4 * np.finfo(float).eps * (J**2).sum():
                with pytest.raises(np.linalg.LinAlgError, match="larger prior_precision"):
                    laplace(*arguments, prior_precision=precision)
                refused += 1
                continue
            posterior = laplace(*arguments, prior_precision=precision)
            found, joint = posterior.predict(X_test)[1], posterior.predict(X_test, joint=True)[1].astype(float)
            size = np.sqrt(np.diag(expected))
            np.testing.assert_allclose(np.diagonal(found, axis1=1, axis2=2).ravel(), np.diag(expected), rtol=close)
            np.testing.assert_allclose(joint.diagonal(), np.diag(expected), rtol=close)
            assert np.array_equal(found, found.transpose(0, 2, 1)) and np.array_equal(joint, joint.T)
            values = np.linalg.eigvalsh(joint)
            assert values[0] >= -8 * np.finfo(dtype).eps * values[-1]
            if precision >= 1e-3 and scale <= 1:
                assert (abs(joint - expected) <= close * np.outer(size, size)).all()
    assert refused <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_variances_of_numbers_do_not_cancel(dtype, form):
    """Where the samples say almost all of a number: its variance is 10¹⁰ times smaller than its prior's."""
    weak = np.full(9, 1e3)
    weak[-1] = 1e-9
    for widths, X, precision in (((1, 1), [[1e5]], 1e-3), ((2, 2, 1), [[0.5, -1.0], [0.2, 0.3], [1.0, 2.0]], weak)):
        net, X = network(widths, "tanh" if len(widths) > 2 else "identity", dtype), np.array(X, dtype)
        J = net.astype(np.float64).jacobian(X.astype(float)).dense()
        expected = np.diag(exact_covariance(J, np.eye(net.size), precision))
        posterior = laplace(net, X, np.zeros((len(X), 1)), Cost("squared_error", "sum"), prior_precision=precision)
        found = posterior.variances()
        np.testing.assert_allclose(found, expected, rtol=1e-9)  # the kernel's condition number is 10⁹
        np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-11)


@pytest.mark.parametrize("m", [4, 90])
@pytest.mark.parametrize("last_layer", [False, True])
def test_variances_of_a_network_are_positive(m, last_layer, form):
    generator = np.random.default_rng(0)
    net = network((1, 50, 1), "tanh", np.float32)
    X, grid = generator.uniform(-2, 2, (m, 1)).astype(np.float32), np.linspace(-3, 3, 200, dtype=np.float32)[:, None]
    exact = Network(net.widths, net.activations, net.parameters.astype(float))
    part = slice(100, 151) if last_layer else slice(0, 151)
    J, J_test = (exact.jacobian(x.astype(float)).dense()[:, part] for x in (X, grid))
    for precision in (1e-5, 1e-3, 1.0):
        found = laplace(net, X, np.sin(X), Cost("squared_error", "sum"), prior_precision=precision,
                        last_layer=last_layer).predict(grid)[1].ravel()
        _, values, right = np.linalg.svd(J)
        weights = np.full(J.shape[1], precision)
        weights[:len(values)] += values**2
        expected = ((J_test @ right.T)**2 / weights).sum(1)
        assert found.dtype == np.float32 and (found > 0).all()
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("m", [4, 60])
def test_a_precision_that_rounding_hides_is_refused(m, form):
    net, X, y, _ = set_up((3, 6, 2), m, dtype=np.float32)
    X[:], y[:] = X[0], y[0]
    with pytest.raises(np.linalg.LinAlgError, match="prior_precision 1e-30.*larger prior_precision, at least .*e-"):
        laplace(net, X, y, Cost("squared_error", "sum"), prior_precision=1e-30)


@pytest.mark.parametrize("m", [3, 40])
def test_influences_are_the_literal_formula(m):
    net, X, y, G = set_up((3, 5, 2), m)
    generator = np.random.default_rng(2)
    X_test, y_test = generator.standard_normal((6, 3)), generator.standard_normal((6, 2))
    cost, damping = Cost("squared_error"), 0.05
    rows = per_sample_gradients(net, X, y, cost)
    inverse = np.linalg.inv(G / m + damping * np.eye(net.size))
    curvature = aslinearoperator(G / m)
    found = influence_on_predictions(net, X, y, cost, X_test, curvature=curvature, damping=damping)
    np.testing.assert_allclose(found, -(rows @ inverse @ net.jacobian(X_test).dense().T).reshape(m, 6, 2), atol=1e-5)
    test_cost = Cost("squared_error", "max")
    gradient = value_and_gradient(net, X_test, y_test, test_cost)[1]
    found = influence_on_cost(net, X, y, cost, X_test, y_test, curvature=curvature, damping=damping, test_cost=test_cost)
    np.testing.assert_allclose(found, -rows @ inverse @ gradient, atol=1e-5)
    K = kfac(net, X, y, cost)
    inverse = np.linalg.inv(K.dense() + damping * np.eye(net.size))
    found = influence_on_predictions(net, X, y, cost, X_test, curvature=K, damping=damping)
    np.testing.assert_allclose(found, -(rows @ inverse @ net.jacobian(X_test).dense().T).reshape(m, 6, 2), atol=1e-10)
    assert influence_on_predictions(net, X, y, cost, X_test[:0], curvature=K, damping=damping).shape == (m, 0, 2)


def test_influences_are_what_training_anew_does():
    """At a minimum of C + λ/2 ‖θ‖², moved by ± ε L_k: differences of retrained predictions and costs."""
    net, X, y, _ = set_up((1, 3, 1), 12)
    cost, damping, eps = Cost("squared_error"), 0.02, 1e-4
    X_test, y_test = np.array([[0.3], [-1.0]]), np.array([[0.5], [0.0]])

    def trained(start, k=0, e=0.0):
        aim = objective(net, X, y, cost)
        one = objective(net, X[k:k + 1], y[k:k + 1], Cost("squared_error", "sum"))

        def slope(theta):
            return aim.jac(theta) + e * one.jac(theta) + damping * theta
        theta = minimize(lambda t: aim.fun(t) + e * one.fun(t) + damping / 2 * t @ t, start, jac=slope, tol=1e-10).x
        for _ in range(4):
            H = np.stack([(slope(theta + h) - slope(theta - h)) / 2e-5 for h in 1e-5 * np.eye(theta.size)], 1)
            theta = theta - np.linalg.solve(H, slope(theta))
        return theta, H - damping * np.eye(theta.size)

    theta, H = trained(net.parameters)
    best = net.replace(theta)
    arguments = dict(curvature=aslinearoperator(H), damping=damping)
    predictions = influence_on_predictions(best, X, y, cost, X_test, **arguments)
    costs = influence_on_cost(best, X, y, cost, X_test, y_test, **arguments)
    for k in (0, 5):
        up, down = (net.replace(trained(theta, k, e)[0]) for e in (eps, -eps))
        np.testing.assert_allclose(predictions[k], (up(X_test) - down(X_test)) / (2 * eps), rtol=1e-4, atol=1e-5)
        change = value_and_gradient(up, X_test, y_test, cost)[0] - value_and_gradient(down, X_test, y_test, cost)[0]
        np.testing.assert_allclose(costs[k], change / (2 * eps), rtol=1e-4, atol=1e-5)


def test_a_system_without_an_end_is_refused():
    singular = aslinearoperator(np.diag([1.0, 0.0]))
    with pytest.raises(np.linalg.LinAlgError, match="damping 0.0.*larger damping"):
        inverse_product(singular, np.array([1.0, 1.0]), damping=0.0)
    assert inverse_product(singular, np.zeros(2), damping=0.0).tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"v must have shape \[2\].*\[3\]"):
        inverse_product(singular, np.ones(3), damping=1.0)
