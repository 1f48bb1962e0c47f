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


def integral(J, t, noise):
    """q = ∫ e^{−(JᵀJ + σ²) s} ds over 0 … t, by a dense exponential, or at the end where t is None."""
    pulled, one = J.T @ J + noise * np.eye(J.shape[1]), np.eye(J.shape[1])
    if t is None:
        return np.linalg.inv(pulled) if noise > 0 else np.linalg.pinv(J) @ np.linalg.pinv(J).T
    q = expm(t * np.block([[-pulled, one], [np.zeros((len(one), 2 * len(one)))]]))[:len(one), len(one):]
    assert np.allclose(pulled @ q, one - expm(-pulled * t))
    return q


def literal(J, J_test, residual, t, noise):
    """The mean of J* δ and its covariance."""
    H, q = J.T @ J, integral(J, t, noise)
    start = np.eye(len(H)) - q @ H
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
    scale = np.random.default_rng(6).uniform(0.5, 1.5, 38) if noise > 0 else None
    net, X, y, X_test, J, J_test, residual, f_test = problem(scale=scale)
    mean, _ = ntk_predict(net, X, y, X_test, time=1e-12, scale=scale)
    np.testing.assert_allclose(mean.ravel() - f_test, 1e-12 * J_test @ J.T @ residual, rtol=1e-3, atol=1e-15)
    t = 40.0
    variance = ntk_predict(net, X, y, X, time=t, noise=noise, scale=scale)[1].ravel()
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


def functions(J, J_test, y, mean, covariance, t, noise):
    """What becomes of functions of this mean and covariance at X and then X*, member by member f* + Q (y + σ ξ − f)."""
    Q = J_test @ integral(J, t, noise) @ J.T
    both = np.hstack([-Q, np.eye(len(Q))])
    return both @ mean + Q @ y, both @ covariance @ both.T + noise * Q @ Q.T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [5, 24])  # fewer outputs than parameters, and more
def test_functions_at_the_start_of_a_covariance(dtype, m, form):
    if m == 24 and form == "dual":
        pytest.skip("J has more rows than columns")
    net, X, y, X_test, J, J_test, *_ = problem(m, dtype)
    close = dict(rtol=0, atol=1e-10 if dtype == np.float64 else 5e-6)
    root = np.random.default_rng(5).standard_normal((len(J) + len(J_test), 7))
    for covariance in (root @ root.T / 7, root @ root.T / 7 + 0.1 * np.eye(len(root))):
        for noise, times in ((0.0, [*TIMES, np.inf]), (0.3, TIMES)):
            means, variances = ntk_predict(net, X, y, X_test, noise=noise, time=times, start=covariance)
            _, jointly = ntk_predict(net, X, y, X_test, noise=noise, time=times, start=covariance, joint=True)
            assert means.dtype == variances.dtype == dtype and np.array_equal(jointly, jointly.transpose(0, 2, 1))
            for k, t in enumerate(times):
                t = None if t == np.inf else t
                mean, spread = functions(J, J_test, y.astype(float).ravel(), np.zeros(len(root)), covariance, t, noise)
                np.testing.assert_allclose(means[k].ravel(), mean, **close)
                np.testing.assert_allclose(jointly[k], spread, **close)
                np.testing.assert_allclose(variances[k].ravel(), spread.diagonal(), **close)
    end = ntk_predict(net, X, y, X_test, start=covariance)
    late = ntk_predict(net, X, y, X_test, start=covariance, time=np.inf)
    assert np.array_equal(end[0], late[0]) and np.array_equal(end[1], late[1])


def test_networks_at_the_start(form):
    """Each on its own way to the targets by the one kernel."""
    net, X, y, X_test, J, J_test, *_ = problem()
    others = [network((3, 4, 2)), network((3, 6, 2), dtype=np.float32), net]
    every = np.concatenate([X, X_test])
    names = [[g.name for g in one.activations] for one in others]
    outputs = np.array([plain.forward(one.parameters.astype(float), one.widths, its, every)[1][-1].ravel()
                        for one, its in zip(others, names)])
    for noise, t in ((0.0, 0.3), (0.3, 0.3), (0.3, None)):
        mean, covariance = ntk_predict(net, X, y, X_test, noise=noise, time=t, start=others, joint=True)
        expected = functions(J, J_test, y.ravel(), outputs.mean(0), np.cov(outputs.T, bias=True), t, noise)
        np.testing.assert_allclose(mean.ravel(), expected[0], atol=1e-10)
        np.testing.assert_allclose(covariance, expected[1], atol=1e-10)
    alone, nothing = ntk_predict(net, X, y, X_test, time=0.3, start=[net])
    np.testing.assert_allclose(alone, ntk_predict(net, X, y, X_test, time=0.3)[0], atol=1e-12)
    assert np.array_equal(nothing, np.zeros((4, 2)))


def test_the_tangent_kernel_at_the_start_is_the_ensemble_of_delta(form):
    scale = ntk_scale(network((3, 6, 2)), biases=0.4)
    net, X, y, X_test, J, J_test, *_ = problem(5, scale=scale)
    both = np.vstack([J, J_test])
    _, expected = ntk_predict(net, X, y, X_test, noise=0.1, time=TIMES, scale=scale, joint=True)
    _, covariance = ntk_predict(net, X, y, X_test, noise=0.1, time=TIMES, scale=scale, start=both @ both.T, joint=True)
    np.testing.assert_allclose(covariance, expected, atol=1e-10)


def test_refusals_of_a_start():
    net, X, y, X_test, *_ = problem()
    for start, error, match in (
            (net, TypeError, r"start must be a covariance or several networks, but is one Network; put it in a list"),
            ([net, 3], TypeError, r"start\[1\] must be an engine.Network, but is 3"),
            ([network((2, 2))], ValueError, r"start\[0\] must have 3 inputs and 2 outputs, as the network has, but has widths"),
            (np.eye(8), ValueError, r"of shape \[18, 18\], or a list of networks, but has shape \[8, 8\]"),
            (np.tri(18), ValueError, "start must be a symmetric covariance"),
            (np.diag(np.arange(18.0) - 1), ValueError, "start must be a covariance, whose eigenvalues are at least 0, but one is"),
            (np.full((18, 18), np.nan), ValueError, "start must be finite")):
        with pytest.raises(error, match=match):
            ntk_predict(net, X, y, X_test, time=1.0, start=start)
    rounded = np.eye(18) + np.float32(1e-7) * np.tri(18)
    assert np.isfinite(ntk_predict(net, X, y, X_test, time=1.0, start=rounded)[1]).all()
    mean, variance = ntk_predict(net, X, y, np.zeros((0, 3)), time=1.0, start=np.eye(10))
    assert mean.shape == variance.shape == (0, 2)


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
