"""Predictions of the linearised network in time, against its differential equation and matrix exponentials."""

import importlib

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import engine
from engine.operators import ntk_predict, ntk_scale
from tests.cases import DTYPES, network
from tests.oracle import network as plain

pytestmark = pytest.mark.compiled
TIMES = [0.0, 0.01, 0.3, 4.0]


@pytest.fixture(params=["primal", "dual"])
def form(request, monkeypatch):
    """P × P, or m n × m n wherever there are more parameters than rows."""
    if request.param == "dual":
        for name in ("gaussian_posterior", "ntk_predict", "tangent_flow"):
            monkeypatch.setattr(importlib.import_module(f"engine.operators.{name}"), "PRIMAL", 0)
    return request.param


def problem(m=5, dtype=np.float64, scale=None):
    """A network, training and test samples, and literal outputs and Jacobians there."""
    generator = np.random.default_rng(3)
    net = network((3, 6, 2), dtype=dtype)
    X, y, X_test = (generator.standard_normal((count, width)).astype(dtype) for count, width in ((m, 3), (m, 2), (4, 3)))
    names, theta = [g.name for g in net.activations], net.parameters.astype(float)
    J, J_test = (plain.jacobian(theta, net.widths, names, x.astype(float)) for x in (X, X_test))
    f, f_test = (plain.forward(theta, net.widths, names, x.astype(float))[1][-1].reshape(-1) for x in (X, X_test))
    scale = 1 if scale is None else scale.astype(float)
    return net, X, y, X_test, J * scale, J_test * scale, y.astype(float).reshape(-1) - f, f_test


def literal(J, J_test, residual, t, noise):
    """The mean of J* δ and its covariance from dense exponentials, or at the end where t is None."""
    H = J.T @ J
    one, pulled = np.eye(len(H)), H + noise * np.eye(len(H))
    if t is None:
        q = np.linalg.inv(pulled)
    else:  # the exponential of this block matrix has ∫ e^{−(H + σ²) s} ds in it
        q = expm(t * np.block([[-pulled, one], [np.zeros((len(H), 2 * len(H)))]]))[:len(H), len(H):]
        assert np.allclose(pulled @ q, one - expm(-pulled * t))
    start = one - q @ H
    return J_test @ q @ J.T @ residual, J_test @ (start @ start.T + noise * q @ H @ q.T) @ J_test.T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_mean_and_covariance_are_those_of_dense_exponentials(dtype, noise, form):
    net, X, y, X_test, J, J_test, residual, f_test = problem(5, dtype)
    close = dict(rtol=0, atol=1e-10 if dtype == np.float64 else 2e-6)
    means, variances = ntk_predict(net, X, y, X_test, noise=noise, time=TIMES)
    jointly, covariances = ntk_predict(net, X, y, X_test, noise=noise, time=TIMES, joint=True)
    assert means.shape == variances.shape == (4, 4, 2) and covariances.shape == (4, 8, 8)
    assert means.dtype == variances.dtype == covariances.dtype == dtype and np.array_equal(means, jointly)
    for k, t in enumerate(TIMES):
        shift, covariance = literal(J, J_test, residual, t, noise)
        np.testing.assert_allclose(means[k].ravel(), f_test + shift, **close)
        np.testing.assert_allclose(covariances[k], covariance, **close)
        np.testing.assert_allclose(variances[k].ravel(), covariance.diagonal(), **close)
        mean, variance = ntk_predict(net, X, y, X_test, noise=noise, time=t)
        assert mean.shape == (4, 2) and np.allclose(mean, means[k], atol=1e-6) and np.allclose(variance, variances[k], atol=1e-6)
    assert np.array_equal(covariances, covariances.transpose(0, 2, 1)) and (variances > 0).all()


def test_the_mean_solves_the_differential_equation_of_the_sum_of_squares(form):
    net, X, y, X_test, J, J_test, residual, f_test = problem()
    found = solve_ivp(lambda t, delta: -J.T @ (J @ delta - residual), (0, 2.0), np.zeros(net.size), rtol=1e-10, atol=1e-12)
    mean, _ = ntk_predict(net, X, y, X_test, time=2.0)
    np.testing.assert_allclose(mean.ravel(), f_test + J_test @ found.y[:, -1], atol=1e-8)


def test_time_counts_as_the_gradient_of_the_summed_cost_does():
    """A linear network is its own linearisation: small steps of `fit`."""
    net, X, y, X_test, *_ = problem(6)
    net = network((3, 2), "identity")
    rate, steps = 1e-4, 1000
    for reduction, share in (("sum", 1), ("mean", 1 / len(X))):
        trained = engine.fit(net, X, y, engine.Cost("squared_error", reduction), engine.GradientDescent(rate),
                             engine_schedule(len(X)), epochs=steps, progress=False).network
        mean, _ = ntk_predict(net, X, y, X_test, time=rate * steps * share)
        np.testing.assert_allclose(trained(X_test), mean, atol=1e-3)
        assert np.abs(net(X_test) - mean).max() > 0.02


def engine_schedule(m):
    """One full batch a step."""
    from schedulers import BatchSchedule

    return BatchSchedule(m, order="sequential")


def test_the_beginning_is_the_network_and_the_end_is_the_limit(form):
    net, X, y, X_test, _, J_test, _, f_test = problem()
    twice, y_twice = np.concatenate([X, X]), np.concatenate([y, y])
    for noise in (0.0, 1e-3):
        for inputs, targets in ((X, y), (twice, y_twice)):
            begun, prior = ntk_predict(net, inputs, targets, X_test, time=0, noise=noise)
            np.testing.assert_allclose(begun, net(X_test), atol=1e-14)
            np.testing.assert_allclose(prior.ravel(), np.sum(J_test**2, axis=1), rtol=1e-13)
            limit = ntk_predict(net, inputs, targets, X_test, noise=noise)
            covariance = ntk_predict(net, inputs, targets, X_test, noise=noise, joint=True)[1]
            np.testing.assert_allclose(covariance.diagonal(), limit[1].ravel(), atol=1e-8)
            for late in (1e12, np.inf):
                mean, variance = ntk_predict(net, inputs, targets, X_test, noise=noise, time=late)
                np.testing.assert_allclose(mean, limit[0], atol=1e-7)
                np.testing.assert_allclose(variance, limit[1], atol=1e-8)
    mean, variance = ntk_predict(net, X, y, X, time=np.inf)
    np.testing.assert_allclose(mean, y, atol=1e-9)
    assert (variance >= 0).all() and variance.max() < 1e-12  # where K** − K* K⁻¹ K*ᵀ would be rounding


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_small_times_and_small_variances_keep_their_digits(noise, form):
    net, X, y, X_test, J, J_test, residual, f_test = problem()
    mean, _ = ntk_predict(net, X, y, X_test, time=1e-12)
    np.testing.assert_allclose(mean.ravel() - f_test, 1e-12 * J_test @ J.T @ residual, rtol=1e-3, atol=1e-15)
    t = 40.0
    variance = ntk_predict(net, X, y, X, time=t, noise=noise)[1].ravel()
    left, values, _ = np.linalg.svd(J, full_matrices=False)
    H = values**2
    kept = (noise + H * np.exp(-(H + noise) * t)) / (H + noise)
    q = -np.expm1(-(H + noise) * t) / (H + noise)
    expected = ((left * values)**2 * (kept**2 + noise * H * q**2)).sum(1)
    np.testing.assert_allclose(variance, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scale_is_a_prior_and_a_rate_of_each_parameter(dtype, form):
    net = network((3, 6, 2), dtype=dtype)
    close = dict(rtol=0, atol=1e-10 if dtype == np.float64 else 2e-6)
    uneven = np.random.default_rng(4).uniform(0, 1.5, net.size).astype(dtype)
    for scale in (ntk_scale(net, weights=1.3, biases=0.2), uneven):
        net, X, y, X_test, J, J_test, residual, f_test = problem(5, dtype, scale)
        for noise, t in ((0.0, 0.7), (0.2, 0.7), (0.2, None)):
            mean, covariance = ntk_predict(net, X, y, X_test, noise=noise, time=t, scale=scale, joint=True)
            shift, expected = literal(J, J_test, residual, t, noise)
            np.testing.assert_allclose(mean.ravel(), f_test + shift, **close)
            np.testing.assert_allclose(covariance, expected, **close)


def test_refusals():
    net, X, y, X_test, *_ = problem()
    with pytest.raises(ValueError, match="time must be at least 0; it may be infinite"):
        ntk_predict(net, X, y, X_test, time=-1.0)
    with pytest.raises(ValueError, match="time must be at least 0.*not nan"):
        ntk_predict(net, X, y, X_test, time=[1.0, np.nan])
    with pytest.raises(ValueError, match=r"time must be one number or several \[T\], but has shape \[1, 1\]"):
        ntk_predict(net, X, y, X_test, time=[[1.0]])
    with pytest.raises(TypeError, match="joint must be True or False, but is 1"):
        ntk_predict(net, X, y, X_test, joint=1)
    with pytest.raises(ValueError, match=r"scale must have shape \[38\], one number for each parameter"):
        ntk_predict(net, X, y, X_test, scale=np.ones(3))
    with pytest.raises(ValueError, match="noise is 1e-40, but beside this kernel"):
        ntk_predict(net, X, y, X_test, time=1.0, noise=1e-40)
    mean, variance = ntk_predict(net, X, y, np.zeros((0, 3)), time=[1.0, 2.0])
    assert mean.shape == variance.shape == (2, 0, 2)
