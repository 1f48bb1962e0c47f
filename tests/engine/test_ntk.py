"""The neural tangent kernel in all its forms, and regression with it."""

import importlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import svds

import engine
from engine.operators import ntk, ntk_predict
from engine.pool import num_threads
from tests.cases import DTYPES, network
from tests.oracle import network as plain

pytestmark = pytest.mark.compiled

shapes = st.lists(st.integers(1, 7), min_size=2, max_size=5).map(tuple)
counts = st.sampled_from([1, 2, 8, 9, 17, 33])


@settings(max_examples=25, deadline=None)
@given(shapes, counts, counts, st.sampled_from(DTYPES), st.integers(0, 2**31))
def test_every_form_follows_from_the_literal_jacobian(widths, m, others, dtype, seed):
    generator = np.random.default_rng(seed)
    net, n = network(widths, "tanh", dtype, seed=seed % 1000), widths[-1]
    X, X2 = (generator.standard_normal((count, widths[0])).astype(dtype) for count in (m, others))
    names = [g.name for g in net.activations]
    left, right = (plain.jacobian(net.parameters.astype(float), widths, names, x.astype(float)) for x in (X, X2))
    close = dict(rtol=1e-9, atol=1e-10) if dtype == np.float64 else dict(rtol=5e-3, atol=5e-3)
    for kernel, expected in ((ntk(net, X), left @ left.T), (ntk(net, X, X2), left @ right.T)):
        assert kernel.shape == kernel.dense().shape == expected.shape and kernel.dtype == kernel.contracted().dtype == dtype
        np.testing.assert_allclose(kernel.dense(), expected, **close)
        tables = np.einsum("kili->ikl", expected.reshape(m, n, -1, n))
        np.testing.assert_allclose(kernel.per_output(), tables, **close)
        np.testing.assert_allclose(kernel.contracted(), tables.sum(0), **close)
        v, u = generator.standard_normal(expected.shape[1]), generator.standard_normal(len(expected))
        np.testing.assert_allclose(kernel @ v, expected @ v, **close)
        np.testing.assert_allclose(kernel.T @ np.stack([u, u], 1), expected.T @ np.stack([u, u], 1), **close)
    one = ntk(net, X)
    np.testing.assert_allclose(one.diagonal(), np.diag(left @ left.T), **close)
    np.testing.assert_allclose(one.trace(), np.trace(left @ left.T), **close)
    assert np.array_equal(one.contracted(), one.contracted().T)
    assert np.array_equal(one.per_output(), one.per_output().transpose(0, 2, 1))


def test_eigenvalues_are_the_squared_singular_values_of_the_jacobian():
    net = network((3, 8, 2))
    X = np.random.default_rng(1).standard_normal((20, 3))
    values = np.linalg.eigvalsh(ntk(net, X).dense())[::-1]
    singular = np.linalg.svd(net.jacobian(X).dense(), compute_uv=False)
    np.testing.assert_allclose(values[:len(singular)], singular**2, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(svds(net.jacobian(X), 4)[1][::-1]**2, values[:4], rtol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_at_any_thread_count_and_alone(dtype):
    net, before = network((5, 40, 30, 3), dtype=dtype), num_threads()
    X = np.random.default_rng(2).standard_normal((301, 5)).astype(dtype)
    results = []
    try:
        for threads in (1, 2, 3):
            engine.set_num_threads(threads)
            kernel = ntk(net, X)
            results.append((kernel.contracted(), kernel.per_output()))
    finally:
        engine.set_num_threads(before)
    assert all(np.array_equal(a, b) for other in results[1:] for a, b in zip(results[0], other))
    assert np.array_equal(ntk(net, X[200:], X[:3]).contracted(), results[0][0][200:, :3])


def test_a_kernel_of_two_sets_has_no_diagonal():
    net = network((2, 3, 1))
    with pytest.raises(ValueError, match=r"one X.*take ntk\(network, X\)"):
        ntk(net, np.ones((2, 2)), np.ones((2, 2))).diagonal()
    with pytest.raises(ValueError, match=r"X2 must have shape \[m, 2\].*\[2, 3\]"):
        ntk(net, np.ones((2, 2)), np.ones((2, 3)))


def problem(m, dtype=np.float64):
    """A network, training and test samples, and the dense Jacobians there."""
    generator = np.random.default_rng(3)
    net = network((3, 6, 2), dtype=dtype)
    X, y, X_test = (generator.standard_normal((count, width)).astype(dtype) for count, width in ((m, 3), (m, 2), (7, 3)))
    return net, X, y, X_test, net.jacobian(X).dense().astype(float), net.jacobian(X_test).dense().astype(float)


@pytest.fixture(params=["primal", "dual"])
def form(request, monkeypatch):
    """P × P, or m n × m n wherever there are more parameters than rows."""
    if request.param == "dual":
        for name in ("gaussian_posterior", "ntk_predict"):
            monkeypatch.setattr(importlib.import_module(f"engine.operators.{name}"), "PRIMAL", 0)
    return request.param


@pytest.mark.parametrize("m", [1, 5, 60])
@pytest.mark.parametrize("dtype", DTYPES)
def test_prediction_is_ridge_regression_on_the_jacobian(m, dtype, form):
    net, X, y, X_test, J, J_test = problem(m, dtype)
    noise = 0.3
    mean, variance = ntk_predict(net, X, y, X_test, noise=noise)
    close = dict(rtol=1e-9, atol=1e-9) if dtype == np.float64 else dict(rtol=1e-2, atol=1e-2)
    inverse = np.linalg.inv(J.T @ J + noise * np.eye(net.size))
    delta = inverse @ J.T @ (y - net(X)).reshape(-1)
    np.testing.assert_allclose(mean, net(X_test) + (J_test @ delta).reshape(-1, 2), **close)
    np.testing.assert_allclose(variance.ravel(), noise * np.diag(J_test @ inverse @ J_test.T), **close)
    assert mean.dtype == variance.dtype == dtype


def test_without_noise_it_interpolates_with_the_least_norm(form):
    net, X, y, X_test, J, J_test = problem(5)
    twice, y_twice = np.concatenate([X, X]), np.concatenate([y, y])
    for inputs, truths in ((X, y), (twice, y_twice)):
        mean, variance = ntk_predict(net, inputs, truths, X_test)
        expected = net(X_test) + (J_test @ np.linalg.lstsq(J, (y - net(X)).reshape(-1), rcond=None)[0]).reshape(-1, 2)
        np.testing.assert_allclose(mean, expected, atol=1e-8)
        projection = np.eye(net.size) - np.linalg.pinv(J) @ J
        np.testing.assert_allclose(variance.ravel(), np.diag(J_test @ projection @ J_test.T), atol=1e-8)
    mean, variance = ntk_predict(net, X, y, X)
    np.testing.assert_allclose(mean, y, atol=1e-10)
    assert (variance >= 0).all() and variance.max() < 1e-10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("noise", [1e-8, 1e-4, 1e4])
def test_variances_near_the_samples_do_not_cancel(noise, dtype, form):
    """Where K** − K* (K + σ² I)⁻¹ K*ᵀ in float32 is rounding of K** = 10⁵."""
    generator = np.random.default_rng(5)
    net = network((2, 9, 2), dtype=dtype)
    X = (30 * generator.standard_normal((6, 2))).astype(dtype)
    X[3:] = X[:3]
    X_test = np.concatenate([X[:3], 1.01 * X[:3]]).astype(dtype)
    exact = engine.Network(net.widths, net.activations, net.parameters.astype(float))
    J, J_test = (exact.jacobian(x.astype(float)).dense() for x in (X, X_test))
    mean, variance = ntk_predict(net, X, np.tile([[1.0, -1.0]], (6, 1)), X_test, noise=noise)
    left, values, right = np.linalg.svd(J)
    weights = np.full(net.size, noise)
    weights[:len(values)] += values**2
    expected = noise * ((J_test @ right.T)**2 / weights).sum(1)
    residual = np.tile([1.0, -1.0], 6) - exact(X.astype(float)).reshape(-1)
    shift = right[:len(values)].T @ (values * (left.T @ residual) / weights[:len(values)])
    np.testing.assert_allclose(variance.ravel(), expected, rtol=1e-6 if dtype == np.float32 else 1e-9)
    np.testing.assert_allclose(mean.ravel(), exact(X_test.astype(float)).reshape(-1) + J_test @ shift,
                               atol=1e-5 if dtype == np.float32 else 1e-8)
    assert (variance > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_that_the_kernel_cannot_hold_is_refused(dtype, form):
    net, X, y, X_test, _, _ = problem(5, dtype)
    with pytest.raises(ValueError, match=r"noise is 1e-40, .* below .*e-.*; take at least that, or 0") as refusal:
        ntk_predict(net, X, y, X_test, noise=1e-40)
    least = float(re.search(r"below (\S+);", str(refusal.value))[1])
    assert least < 1e-12
    limit, at_least = (ntk_predict(net, X, y, X_test, noise=noise) for noise in (0, 1.1 * least))
    np.testing.assert_allclose(at_least[0], limit[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(at_least[1], limit[1], rtol=1e-4, atol=1e-4)


def test_prediction_refusals():
    net, X, y, X_test, _, _ = problem(5)
    with pytest.raises(ValueError, match="noise must be a finite variance of at least 0, but is -1"):
        ntk_predict(net, X, y, X_test, noise=-1)
    with pytest.raises(ValueError, match=r"X_test must have shape \[m, 3\].*\[2, 2\]"):
        ntk_predict(net, X, y, np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"y must have one entry for each of the 5 samples"):
        ntk_predict(net, X, y[:2], X_test)
