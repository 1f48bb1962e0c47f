"""The Hessian against index sums, differences of the gradient, and itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Activation, Cost, Network, Reduction, operators, reductions, value_and_gradient
from engine.activations import NAMED
from tests.cases import DTYPES, LOSSES, REDUCTIONS, SMOOTH, network, plain_loss, plain_reduction, targets
from tests.oracle import curvature as plain
from tests.oracle import differences
from tests.oracle import network as plain_network
from tests.oracle.losses import derivatives

pytestmark = pytest.mark.compiled


def by_index_sums(net, X, loss, y, reduction):
    """D²C over (θ, X) by the oracle; `reduction` is φ in NumPy."""
    names = [g.name for g in net.activations]
    theta, X = net.parameters.astype(float), X.astype(float)
    A = plain_network.forward(theta, net.widths, names, X)[1][-1]
    gradients, hessians = derivatives(loss, A, y)
    L = np.array([plain_loss(loss)(u, t) for u, t in zip(A, y)])
    weights, joined = differences.gradient(reduction, L).astype(float), differences.hessian(reduction, L).astype(float)
    return plain.hessian(theta, net.widths, names, X, weights, gradients, hessians, joined)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_against_index_sums(name, dtype):
    generator = np.random.default_rng(0)
    net, m = network((2, 3, 3, 2), ("tanh", "sin", "softplus"), dtype), 9
    X, y = generator.standard_normal((m, 2)).astype(dtype), generator.standard_normal((m, 2))
    cost = Cost("squared_error", REDUCTIONS[name][1](m))
    expected = by_index_sums(net, X, "squared_error", y, plain_reduction(name, m))
    operator, P = operators.hessian(net, X, y, cost), net.size
    close = dict(rtol=0, atol=(1e-12 if dtype == np.float64 else 2e-5) * (1 + np.abs(expected).max()))
    np.testing.assert_allclose(operator @ np.eye(P, dtype=dtype), expected[:P, :P], **close)
    np.testing.assert_allclose(operator.dense(), expected[:P, :P], **close)
    np.testing.assert_allclose(operator.diagonal(), expected.diagonal()[:P], **close)
    for k in range(m * 2):
        V = np.eye(m * 2, dtype=dtype)[k].reshape(m, 2)
        np.testing.assert_allclose(operator.input_product(V).ravel(), expected[P:, P + k], **close)
        np.testing.assert_allclose(operator.mixed_transposed(V), expected[:P, P + k], **close)
    v = generator.standard_normal(P).astype(dtype)
    np.testing.assert_allclose(operator.mixed_product(v).ravel(), expected[P:, :P] @ v, rtol=0, atol=10 * close["atol"])


@pytest.mark.parametrize("activation", NAMED)
def test_every_activation_against_index_sums(activation):
    generator = np.random.default_rng(1)
    net = network((2, 3, 2, 2), (activation,) * 3)
    X, y = generator.standard_normal((5, 2)), generator.standard_normal((5, 2))
    expected = by_index_sums(net, X, "log_cosh", y, np.sum)
    operator = operators.hessian(net, X, y, Cost("log_cosh", "sum"))
    size = 1 + np.abs(expected).max()
    np.testing.assert_allclose(operator @ np.eye(net.size), expected[:net.size, :net.size], atol=1e-11 * size)
    np.testing.assert_allclose(operator.dense(), expected[:net.size, :net.size], atol=1e-11 * size)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=6).map(tuple), st.sampled_from([1, 2, 9, 129, 300]),
       st.sampled_from(["mean", "log_sum_exp", "mean_variance", "cvar"]), st.sampled_from(SMOOTH),
       st.sampled_from(["log_cosh", "binary_cross_entropy", "poisson", "cosine"]), st.integers(0, 10**6))
def test_the_product_is_the_difference_of_gradients(widths, m, reduction, activation, loss, seed):
    generator = np.random.default_rng(seed)
    net = network(widths, activation, seed=seed % 97)
    net = net.replace(0.5 * net.parameters)
    X, y = generator.uniform(-1, 1, (m, widths[0])), targets(loss, generator, m, widths[-1])
    if loss == "cosine" and widths[-1] == 1:
        loss = "log_cosh"
    cost = Cost(LOSSES[loss], REDUCTIONS[reduction][1](m))
    v, h = generator.standard_normal(net.size), 1e-5
    up, down = (value_and_gradient(net.replace(net.parameters + e * v), X, y, cost)[1] for e in (h, -h))
    difference = (up - down) / (2 * h)
    operator = operators.hessian(net, X, y, cost)
    if reduction == "cvar" or loss == "cosine":  # ties and poles near by spoil differences, not symmetry
        w = generator.standard_normal(net.size)
        assert w @ (operator @ v) == pytest.approx(v @ (operator @ w), rel=1e-7, abs=1e-9 * (1 + np.abs(operator @ w).max()))
    else:
        np.testing.assert_allclose(operator @ v, difference, atol=1e-5 * (1 + np.abs(difference).max()))


@pytest.mark.parametrize("m", [1, 7, 130])
def test_users_own_activation_and_reduction(m):
    cube = Activation("cube", lambda z: z**3 / 3 + z, lambda z: z**2 + 1, lambda z: 2 * z)
    root = Reduction(lambda L: np.sqrt(L @ L), lambda L: L / np.sqrt(L @ L),
                     lambda L, v: v / np.sqrt(L @ L) - L * (L @ v) / np.sqrt(L @ L)**3)
    generator = np.random.default_rng(2)
    net = Network.initialize((2, 3, 4, 2), (cube, "tanh", cube), seed=1)
    X, y = generator.standard_normal((m, 2)), generator.standard_normal((m, 2))
    cost = Cost("squared_error", root)
    operator, h = operators.hessian(net, X, y, cost), 1e-5
    V = generator.standard_normal((m, 2))

    def gradients(theta, X):
        moved = net.replace(theta)
        D = np.einsum("ki,kiq->kq", cost.output_gradient(moved(X), y).reshape(m, 2), moved.jacobian(X).wrt_input())
        return np.concatenate([value_and_gradient(moved, X, y, cost)[1], D.ravel()])

    def close(found, difference):
        np.testing.assert_allclose(found, difference, rtol=0, atol=1e-7 * (1 + np.abs(difference).max()))

    for column in range(0, net.size, 5):
        v = np.eye(net.size)[column]
        difference = (gradients(net.parameters + h * v, X) - gradients(net.parameters - h * v, X)) / (2 * h)
        close(operator @ v, difference[:net.size])
        close(operator.mixed_product(v).ravel(), difference[net.size:])
    difference = (gradients(net.parameters, X + h * V) - gradients(net.parameters, X - h * V)) / (2 * h)
    close(operator.mixed_transposed(V), difference[:net.size])
    close(operator.input_product(V).ravel(), difference[net.size:])
    size = np.abs(operator.dense()).max()
    np.testing.assert_allclose(operator.dense(), operator @ np.eye(net.size), atol=1e-13 * size)
    np.testing.assert_allclose(operator.diagonal(), operator.dense().diagonal(), atol=1e-13 * size)


def test_inputs_are_checked():
    net = network((2, 3, 1))
    operator = operators.hessian(net, np.ones((4, 2)), np.zeros(4), Cost("squared_error", reductions.mean))
    with pytest.raises(ValueError, match=r"V must have X's shape \[4, 2\], but has shape \[2, 4\]"):
        operator.input_product(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"v must have shape \[13\]"):
        operator.mixed_product(np.ones(3))
    with pytest.raises(ValueError, match="V must be finite"):
        operator.mixed_transposed(np.full((4, 2), np.nan))
