"""Predictions in time and kernels in the NTK parametrisation against neural-tangents, where it is installed."""

from collections import namedtuple

import numpy as np
import pytest

from engine import Network
from engine.operators import ntk, ntk_predict, ntk_scale
from tests.cases import network

nt = pytest.importorskip("neural_tangents", exc_type=ImportError)  # version 0.6.5 cannot be imported beside JAX 0.5 or later
jax = pytest.importorskip("jax")
pytestmark = pytest.mark.compiled
TIMES = np.array([0.0, 0.5, 5.0, 500.0])
Kernels = namedtuple("Kernels", "nngp ntk")


@pytest.fixture(scope="module", autouse=True)
def in_float64():
    jax.config.update("jax_enable_x64", True)


def problem():
    """A network of two outputs, its function for JAX, and samples."""
    generator = np.random.default_rng(0)
    net = network((3, 5, 2))
    params = [(jax.numpy.asarray(net.weight(l)), jax.numpy.asarray(net.bias(l))) for l in (1, 2)]

    def outputs(params, x):
        (W, b), (U, d) = params
        return jax.numpy.tanh(x @ W.T + b) @ U.T + d

    return net, params, outputs, *(generator.standard_normal(shape) for shape in ((6, 3), (6, 2), (4, 3)))


def flat(kernel):
    """Their [m, m′, n, n] as [m n, m′ n]."""
    m, others, n, _ = kernel.shape
    return np.asarray(kernel).transpose(0, 2, 1, 3).reshape(m * n, others * n)


def test_one_network_in_time():
    """Their time is divided by the numbers in y."""
    net, params, outputs, X, y, X_test = problem()
    kernel = nt.empirical_ntk_fn(outputs, trace_axes=(), vmap_axes=0)
    np.testing.assert_allclose(ntk(net, X).dense(), flat(kernel(X, None, params)), atol=1e-12)
    predict = nt.predict.gradient_descent_mse(kernel(X, None, params), y, learning_rate=2.0, trace_axes=())
    _, theirs = predict(TIMES, outputs(params, X), outputs(params, X_test), kernel(X_test, X, params))
    mean, _ = ntk_predict(net, X, y, X_test, time=2.0 * TIMES / y.size)
    np.testing.assert_allclose(mean, theirs, atol=1e-9)
    _, limit = predict(None, outputs(params, X), outputs(params, X_test), kernel(X_test, X, params))
    np.testing.assert_allclose(ntk_predict(net, X, y, X_test)[0], limit, atol=1e-6)


@pytest.mark.parametrize("get", ["ntk", "nngp"])
def test_an_ensemble_in_time(get):
    """Of starts δ ~ N(0, I), whose prior covariance is the tangent kernel; their prior mean is 0, ours the network."""
    net, params, outputs, X, y, X_test = problem()
    empirical = nt.empirical_ntk_fn(outputs, trace_axes=(), vmap_axes=0)

    def kernel(x1, x2, get, **_):
        K = empirical(x1, x2, params)
        return K if isinstance(get, str) else Kernels(K, K)

    predict = nt.predict.gradient_descent_mse_ensemble(kernel, X, y - np.asarray(outputs(params, X)), trace_axes=())
    found = predict(TIMES, X_test, get=(get,), compute_cov=True)
    found = found[get] if isinstance(found, dict) else getattr(found, get)
    mean, covariance = ntk_predict(net, X, y, X_test, time=TIMES / y.size, joint=True)
    np.testing.assert_allclose(mean, outputs(params, X_test) + found.mean, atol=1e-9)
    np.testing.assert_allclose(covariance, [flat(one) for one in np.asarray(found.covariance)], atol=1e-8)


def test_their_empirical_kernels_of_one_network():
    """Theirs begins as functions of mean 0 and covariance f fᵀ."""
    net, params, outputs, X, y, X_test = problem()
    kernel = nt.empirical_kernel_fn(outputs, trace_axes=(), vmap_axes=0)
    predict = nt.predict.gradient_descent_mse_ensemble(kernel, X, y, learning_rate=3.0, trace_axes=(), params=params)
    found = predict(TIMES, X_test, get="ntk", compute_cov=True, params=params)
    f = net(np.concatenate([X, X_test])).ravel()
    mean, covariance = ntk_predict(net, X, y, X_test, time=3.0 * TIMES / y.size, start=np.outer(f, f), joint=True)
    np.testing.assert_allclose(mean, found.mean, atol=1e-9)
    np.testing.assert_allclose(covariance, [flat(one) for one in np.asarray(found.covariance)], atol=1e-8)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_an_ensemble_of_networks_in_time(noise):
    """Member by member, and by the covariance of mean 0; with noise their targets have none."""
    net, params, outputs, X, y, X_test = problem()
    generator = np.random.default_rng(2)
    others = [net.replace(net.parameters + 0.3 * generator.standard_normal(net.size)) for _ in range(4)]
    empirical = nt.empirical_ntk_fn(outputs, trace_axes=(), vmap_axes=0)
    K = empirical(X, None, params), empirical(X_test, X, params)
    regular = dict(diag_reg=noise, diag_reg_absolute_scale=True)
    predict = nt.predict.gradient_descent_mse(K[0], y, trace_axes=(), **regular)
    members = np.array([predict(TIMES, one(X), one(X_test), K[1])[1] for one in others])
    mean, variance = ntk_predict(net, X, y, X_test, time=TIMES / y.size, start=others, noise=noise)
    np.testing.assert_allclose(mean, members.mean(0), atol=1e-9)
    if noise == 0:
        np.testing.assert_allclose(variance, members.var(0), atol=1e-9)

    def kernel(x1, x2, get, **_):
        f, g = (np.array([one(np.asarray(x)) for one in others]) for x in (x1, x1 if x2 is None else x2))
        found = Kernels(jax.numpy.asarray(np.einsum("ski,slj->klij", f, g) / len(others)), empirical(x1, x2, params))
        return getattr(found, get) if isinstance(get, str) else found

    predict = nt.predict.gradient_descent_mse_ensemble(kernel, X, y, trace_axes=(), **regular)
    found = predict(TIMES, X_test, get="ntk", compute_cov=True)
    f = np.array([one(np.concatenate([X, X_test])).ravel() for one in others])
    mean, covariance = ntk_predict(net, X, y, X_test, time=TIMES / y.size, start=f.T @ f / len(others), noise=noise, joint=True)
    np.testing.assert_allclose(mean, found.mean, atol=1e-9)
    if noise == 0:
        np.testing.assert_allclose(covariance, [flat(one) for one in np.asarray(found.covariance)], atol=1e-8)


def test_the_ntk_parametrisation():
    widths, weights, biases = (3, 6, 5, 2), 1.5, 0.3
    layers = []
    for width in widths[1:]:
        layers += [nt.stax.Dense(width, weights, biases, parameterization="ntk"), nt.stax.Erf()]
    init, apply, _ = nt.stax.serial(*layers[:-1])
    params = init(jax.random.PRNGKey(0), (-1, 3))[1]
    params = jax.tree_util.tree_map(lambda part: part.astype(float), params)
    theta = []
    for W, b in params[::2]:
        theta += [(weights / np.sqrt(len(W)) * np.asarray(W).T).ravel(), biases * np.asarray(b).ravel()]
    net = Network(widths, ("erf", "erf", "identity"), np.concatenate(theta))
    X = np.random.default_rng(1).standard_normal((5, 3))
    np.testing.assert_allclose(net(X), apply(params, X), atol=1e-12)
    theirs = nt.empirical_ntk_fn(apply, trace_axes=(), vmap_axes=0)(X, None, params)
    np.testing.assert_allclose(ntk(net, X, scale=ntk_scale(net, weights=weights, biases=biases)).dense(), flat(theirs), atol=1e-11)
