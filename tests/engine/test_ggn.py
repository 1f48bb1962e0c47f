"""The GGN and the Fisher matrices against dense formulas, differences, each other and other libraries."""

import numpy as np
import pytest

from engine import Cost, Loss, Network, Reduction, losses, operators, reductions
from tests.cases import DTYPES, LOSSES, REDUCTIONS, network, plain_reduction, targets
from tests.oracle import curvature as plain
from tests.oracle import network as plain_network
from tests.oracle.differences import hessian
from tests.oracle.losses import derivatives

pytestmark = pytest.mark.compiled

JOINING = ("log_sum_exp", "power_mean", "mean_variance")


def parts(net, X, loss, y):
    """J [m, n, P], ∇L and ∇²L by the oracle, in float64."""
    names = [g.name for g in net.activations]
    theta, X = net.parameters.astype(float), X.astype(float)
    A = plain_network.forward(theta, net.widths, names, X)[1][-1]
    J = plain_network.jacobian(theta, net.widths, names, X).reshape(len(X), net.widths[-1], -1)
    return J, A, *derivatives(loss, A, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_against_the_dense_formula(loss, dtype):
    generator = np.random.default_rng(5)
    net = network((3, 6, 5, 4), "tanh", dtype)
    X = generator.standard_normal((19, 3)).astype(dtype)
    y = targets(loss, generator, 19, 4)
    J, A, gradients, hessians = parts(net, X, loss, y)
    cost = Cost(LOSSES[loss], reductions.weighted(np.linspace(0.5, 2, 19)))
    close = dict(rtol=0, atol=1e-11 if dtype == np.float64 else 2e-3)
    w = np.linspace(0.5, 2, 19)
    for build, H in ((operators.ggn, hessians), (operators.empirical_fisher, gradients[:, :, None] * gradients[:, None, :])):
        expected = plain.gauss_newton(J, w[:, None, None] * H)
        operator = build(net, X, y, cost)
        np.testing.assert_allclose(operator @ np.eye(net.size, dtype=dtype), expected, **close)
        np.testing.assert_allclose(operator.dense(), expected, **close)
        np.testing.assert_allclose(operator.diagonal(), expected.diagonal(), **close)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_with_and_without_its_curvature(name):
    generator = np.random.default_rng(6)
    net, m = network((2, 5, 2), "sin"), 11
    X, y = generator.standard_normal((m, 2)), generator.standard_normal((m, 2))
    J, A, gradients, hessians = parts(net, X, "squared_error", y)
    L = 0.5 * ((A - y)**2).sum(1)
    cost = Cost("squared_error", REDUCTIONS[name][1](m))
    w = cost.reduction.gradient(L)
    G, second = np.einsum("ki,kip->kp", gradients, J), hessian(plain_reduction(name, m), L).astype(float)
    for joined in (False, True):
        expected = plain.gauss_newton(J, w[:, None, None] * hessians, (G, second) if joined else 0)
        operator = operators.ggn(net, X, y, cost, reduction_curvature=joined)
        for found in (operator.dense(), operator @ np.eye(net.size)):
            np.testing.assert_allclose(found, expected, atol=1e-12)
        np.testing.assert_allclose(operator.diagonal(), expected.diagonal(), atol=1e-12)
    assert (np.abs(second).max() > 1e-9) == (name in JOINING)


def test_users_own_loss_and_reduction():
    generator = np.random.default_rng(7)
    net = network((2, 5, 3), "softplus")
    X, y = generator.standard_normal((9, 2)), generator.standard_normal((9, 3))
    quartic = Loss(lambda A, y: ((A - y)**2).sum(1)**2 / 4, lambda A, y: ((A - y)**2).sum(1)[:, None] * (A - y),
                   lambda A, y: ((A - y)**2).sum(1)[:, None, None] * np.eye(3) + 2 * (A - y)[:, :, None] * (A - y)[:, None, :])
    root = Reduction(lambda L: np.sqrt(L @ L), lambda L: L / np.sqrt(L @ L),
                     lambda L, v: v / np.sqrt(L @ L) - L * (L @ v) / np.sqrt(L @ L)**3)
    J = net.jacobian(X).dense().reshape(9, 3, -1)
    d = net(X) - y
    s = (d**2).sum(1)
    L, w = s**2 / 4, (s**2 / 4) / np.linalg.norm(s**2 / 4)
    H = s[:, None, None] * np.eye(3) + 2 * d[:, :, None] * d[:, None, :]
    G = np.einsum("ki,kip->kp", s[:, None] * d, J)
    second = np.eye(9) / np.linalg.norm(L) - np.outer(L, L) / np.linalg.norm(L)**3
    expected = plain.gauss_newton(J, w[:, None, None] * H, (G, second))
    operator = operators.ggn(net, X, y, Cost(quartic, root), reduction_curvature=True)
    np.testing.assert_allclose(operator @ np.eye(net.size), expected, atol=1e-10)
    np.testing.assert_allclose(operator.dense(), expected, atol=1e-10)
    np.testing.assert_allclose(operator.diagonal(), expected.diagonal(), atol=1e-10)
    np.testing.assert_allclose(operator.blocks()[1], expected[15:, 15:], atol=1e-10)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ("absolute_error", "hinge", "huber")])
def test_the_difference_of_gradients_at_linearised_outputs(loss):
    generator = np.random.default_rng(8)
    net, X, y = network((3, 4, 3), "erf"), generator.standard_normal((14, 3)), targets(loss, generator, 14, 3)
    cost, J, h = Cost(LOSSES[loss]), net.jacobian(X), 1e-6
    v = generator.standard_normal(net.size)
    step = h * (J @ v)
    up, down = (cost.output_gradient(net(X).ravel() + s, y) for s in (step, -step))
    np.testing.assert_allclose(operators.ggn(net, X, y, cost) @ v, J.T @ (up - down) / (2 * h), atol=1e-7)


@pytest.mark.parametrize("widths", [(3, 2), (3, 5, 4, 2), (1, 1, 1), (2, 1)])
def test_a_linear_network_under_squared_error_has_its_hessian_on_the_last_layer(widths):
    generator = np.random.default_rng(9)
    net = network(widths, "identity")
    X = generator.standard_normal((6, widths[0]))
    exact = net(X)
    for y in (exact, exact + 1):  # where residuals are 0 the whole Hessian, else that of each layer by itself
        G, H = (build(net, X, y, Cost("squared_error")) for build in (operators.ggn, operators.hessian))
        for mine, theirs in zip(G.blocks(), H.blocks(), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-12)
        if y is exact or len(widths) == 2:
            np.testing.assert_allclose(G.dense(), H.dense(), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson"])
def test_fisher_is_the_ggn_and_what_draws_tend_to(loss, dtype):
    generator = np.random.default_rng(10)
    net = network((2, 3, 3), "tanh", dtype)
    X, y = generator.standard_normal((5, 2)).astype(dtype), targets(loss, generator, 5, 3)
    cost = Cost(loss, reductions.weighted([1.0, 0.5, 2.0, 1.0, 3.0]))
    exact = operators.fisher(net, X, y, cost).dense()
    np.testing.assert_allclose(exact, operators.ggn(net, X, y, cost).dense(), atol=1e-12 if dtype == np.float64 else 1e-4)
    drawn = operators.fisher(net, X, y, cost, samples=4000, seed=3).dense()
    assert np.linalg.norm(drawn - exact) < 0.1 * np.linalg.norm(exact)
    few = [operators.fisher(net, X, y, cost, samples=2, seed=s) for s in (4, 4, 5)]
    assert np.array_equal(few[0].diagonal(), few[1].diagonal()) and not np.array_equal(few[0].diagonal(), few[2].diagonal())
    np.testing.assert_allclose(few[0].diagonal(), few[0].dense().diagonal(), rtol=1e-4, atol=1e-4)
    assert np.linalg.matrix_rank(few[0].dense().astype(float), tol=1e-3) <= 10


def test_fisher_from_its_definition():
    net = Network.initialize((2, 3, 3), "tanh", seed=2)
    X = np.random.default_rng(11).standard_normal((4, 2))
    cost = Cost("softmax_cross_entropy", "sum")
    p = np.exp(net(X)) / np.exp(net(X)).sum(1, keepdims=True)
    total = np.zeros((net.size, net.size))
    for c in range(3):  # every target that can be drawn, with its probability
        J = net.jacobian(X).dense().reshape(4, 3, -1)
        rows = np.einsum("ki,kip->kp", losses.softmax_cross_entropy.gradient(net(X), np.full(4, c)), J)
        total += np.einsum("k,kp,kr->pr", p[:, c], rows, rows)
    np.testing.assert_allclose(operators.fisher(net, X, np.zeros(4, int), cost).dense(), total, atol=1e-13)


def test_jax_has_the_same_products():
    jax = pytest.importorskip("jax")
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    net = network((4, 6, 3), "tanh")
    generator = np.random.default_rng(12)
    X, c, v = generator.standard_normal((20, 4)), generator.integers(0, 3, 20), generator.standard_normal(net.size)

    def outputs(theta):
        W, b, U, d = theta[:24].reshape(6, 4), theta[24:30], theta[30:48].reshape(3, 6), theta[48:]
        return jnp.tanh(jnp.asarray(X) @ W.T + b) @ U.T + d

    def loss(A):
        return -jax.nn.log_softmax(A)[jnp.arange(20), jnp.asarray(c)].mean()

    theta = jnp.asarray(net.parameters)
    A, tangent = jax.jvp(outputs, (theta,), (jnp.asarray(v),))
    curved = jax.jvp(jax.grad(loss), (A,), (tangent,))[1]
    cost = Cost("softmax_cross_entropy")
    np.testing.assert_allclose(operators.ggn(net, X, c, cost) @ v, jax.vjp(outputs, theta)[1](curved)[0], atol=1e-13)
    second = jax.jvp(jax.grad(lambda t: loss(outputs(t))), (theta,), (jnp.asarray(v),))[1]
    np.testing.assert_allclose(operators.hessian(net, X, c, cost) @ v, second, atol=1e-13)


def test_backpack_and_curvlinops_have_the_same_numbers():
    torch = pytest.importorskip("torch")
    backpack, extensions = pytest.importorskip("backpack"), pytest.importorskip("backpack.extensions")
    curvlinops = pytest.importorskip("curvlinops")
    net = network((4, 6, 3), "tanh")
    generator = np.random.default_rng(13)
    X, c, v = generator.standard_normal((20, 4)), generator.integers(0, 3, 20), generator.standard_normal(net.size)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    with torch.no_grad():
        for l, layer in ((1, model[0]), (2, model[2])):
            layer.weight.copy_(torch.tensor(net.weight(l)))
            layer.bias.copy_(torch.tensor(net.bias(l)))
    loss, batch = torch.nn.CrossEntropyLoss(), (torch.tensor(X), torch.tensor(c))
    G = operators.ggn(net, X, c, Cost("softmax_cross_entropy"))
    theirs = curvlinops.GGNLinearOperator(model, loss, list(model.parameters()), [batch])
    np.testing.assert_allclose(G @ v, (theirs @ torch.tensor(v)).detach().numpy(), atol=1e-12)
    last = net.mask(layers=[2])
    theirs = curvlinops.GGNLinearOperator(model, loss, list(model[2].parameters()), [batch])
    found = operators.ggn(net, X, c, Cost("softmax_cross_entropy"), trainable=last) @ v[last]
    np.testing.assert_allclose(found, (theirs @ torch.tensor(v[last])).detach().numpy(), atol=1e-12)
    model, loss = backpack.extend(model), backpack.extend(loss)
    with backpack.backpack(extensions.DiagGGNExact()):
        loss(model(batch[0]), batch[1]).backward()
    diagonal = np.concatenate([p.diag_ggn_exact.numpy().ravel() for p in model.parameters()])
    np.testing.assert_allclose(G.diagonal(), diagonal, atol=1e-13)
