"""Gradients of single samples' losses: against ∇L · J, differences, BackPACK, and each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Activation, Cost, Loss, Network, per_sample_gradient_norms, per_sample_gradients, value_and_gradient
from engine.operators import LossJacobian
from engine.pool import num_threads
from tests.cases import DTYPES, LOSSES, REDUCTIONS, network, plain_loss, targets
from tests.oracle import network as plain
from tests.oracle.per_sample import loss_gradients

pytestmark = pytest.mark.compiled

shapes = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(tuple)
counts = st.sampled_from([1, 2, 7, 8, 9, 16, 17, 33, 129])
CUBE = Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
QUARTIC = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)


@settings(max_examples=30, deadline=None)
@given(shapes, counts, st.sampled_from(DTYPES), st.integers(0, 2**31))
def test_everything_follows_from_the_literal_rows(widths, m, dtype, seed):
    generator = np.random.default_rng(seed)
    net, cost = network(widths, "tanh", dtype, seed=seed % 1000), Cost("squared_error")
    X, y = generator.standard_normal((m, widths[0])).astype(dtype), generator.standard_normal((m, widths[-1])).astype(dtype)
    names = [g.name for g in net.activations]
    J = plain.jacobian(net.parameters.astype(float), widths, names, X.astype(float)).reshape(m, widths[-1], -1)
    rows = np.einsum("mi,mip->mp", plain.forward(net.parameters.astype(float), widths, names, X.astype(float))[1][-1] - y, J)
    norms = np.linalg.norm(rows, axis=1)
    close = dict(rtol=1e-9, atol=1e-11) if dtype == np.float64 else dict(rtol=2e-3, atol=1e-3)
    loose = dict(rtol=1e-8, atol=1e-9) if dtype == np.float64 else dict(rtol=1e-2, atol=0.2)
    G = LossJacobian(net, X, y, cost)
    assert G.shape == rows.shape and G.dense().dtype == G.row_norms().dtype == dtype
    np.testing.assert_allclose(G.dense(), rows, **close)
    np.testing.assert_allclose(G.row_norms(), norms, **close)
    assert np.array_equal(per_sample_gradients(net, X, y, cost), G.dense())
    assert np.array_equal(per_sample_gradient_norms(net, X, y, cost), G.row_norms())
    np.testing.assert_allclose(G.gram(), rows @ rows.T, **loose)
    other = LossJacobian(net, X[::-1][:5], y[::-1][:5], cost)
    np.testing.assert_allclose(G.gram(other), rows @ rows[::-1][:5].T, **loose)
    assert np.array_equal(G.gram(), G.gram().T)
    v, w = generator.standard_normal(net.size), generator.standard_normal(m)
    np.testing.assert_allclose(G @ v, rows @ v, **loose)
    np.testing.assert_allclose(G.T @ w, rows.T @ w, **loose)
    c = float(np.median(norms)) + 1e-3
    clipped = rows * np.minimum(1, c / np.maximum(norms, 1e-300))[:, None]
    np.testing.assert_allclose(G.clipped_sum(c), clipped.sum(0), **loose)
    np.testing.assert_allclose(G.clipped_sum(c, w), w @ clipped, **loose)
    np.testing.assert_allclose(G.clipped_sum(np.inf, w), w @ rows, **loose)


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_against_differences(name):
    widths, m = (3, 4, 2), 5
    net = network(widths, "silu")
    generator = np.random.default_rng(1)
    X, y = generator.standard_normal((m, 3)), targets(name, generator, m, 2)
    gradients = per_sample_gradients(net, X, y, Cost(LOSSES[name]))
    expected = loss_gradients(lambda theta: [plain_loss(name)(u, t) for u, t in zip(net.replace(theta)(X), y)], net.parameters)
    np.testing.assert_allclose(gradients, expected, atol=2e-7)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_weighted_by_the_reduction_they_are_the_gradient(name):
    m = 40
    net = network((3, 6, 2))
    generator = np.random.default_rng(2)
    X, y = generator.standard_normal((m, 3)), generator.standard_normal((m, 2))
    cost = Cost("squared_error", REDUCTIONS[name][1](m))
    gradients = per_sample_gradients(net, X, y, cost)
    assert np.array_equal(gradients, per_sample_gradients(net, X, y, Cost("squared_error", "sum")))
    np.testing.assert_allclose(cost.reduction_gradient(net(X), y) @ gradients, value_and_gradient(net, X, y, cost)[1], atol=1e-12)


@pytest.mark.parametrize("activation, loss", [(CUBE, "squared_error"), ("tanh", QUARTIC), (CUBE, QUARTIC)])
def test_functions_of_ones_own(activation, loss):
    net = network((2, 5, 4, 2), (activation, activation, "identity"))
    generator = np.random.default_rng(3)
    X, y, cost = generator.standard_normal((19, 2)), generator.standard_normal((19, 2)), Cost(loss)
    rows = cost.loss_jacobian(net(X), y) @ net.jacobian(X).dense()
    np.testing.assert_allclose(per_sample_gradients(net, X, y, cost), rows, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(per_sample_gradient_norms(net, X, y, cost), np.linalg.norm(rows, axis=1), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_alone_and_at_any_thread_count(dtype):
    net, cost = network((30, 70, 40, 3), dtype=dtype), Cost("log_cosh")
    generator = np.random.default_rng(4)
    X, y = generator.standard_normal((301, 30)).astype(dtype), generator.standard_normal((301, 3)).astype(dtype)
    results, before = [], num_threads()
    try:
        for threads in (1, 2, 5):
            engine.set_num_threads(threads)
            G = LossJacobian(net, X, y, cost)
            norms = per_sample_gradient_norms(net, X, y, cost)
            results.append([norms, G.dense(), G.gram(), G.clipped_sum(1.0), G @ net.parameters])
    finally:
        engine.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other))
    for k in (0, 15, 16, 300):
        one = LossJacobian(net, X[k:k + 1], y[k:k + 1], cost)
        assert np.array_equal(one.dense()[0], results[0][1][k]) and one.row_norms()[0] == results[0][0][k]
        assert one.gram()[0, 0] == results[0][2][k, k]


def test_zero_gradients_stay_zero_when_clipped():
    net, cost = network((2, 3, 2)), Cost("squared_error")
    X = np.random.default_rng(5).standard_normal((4, 2))
    y = net(X)
    y[2] += 3
    G = LossJacobian(net, X, y, cost)
    norms = G.row_norms()
    assert np.array_equal(norms == 0, [True, True, False, True])
    np.testing.assert_allclose(G.clipped_sum(0.5), 0.5 * G.dense()[2] / norms[2], rtol=1e-14)
    assert not G.clipped_sum(0.5, np.array([1.0, 1, 0, 1])).any()


def test_works_with_scipy():
    from scipy.sparse.linalg import svds

    net = network((3, 8, 2))
    generator = np.random.default_rng(6)
    G = LossJacobian(net, generator.standard_normal((20, 3)), generator.standard_normal((20, 2)), Cost("squared_error"))
    np.testing.assert_allclose(svds(G, 3)[1][::-1], np.linalg.svd(G.dense(), compute_uv=False)[:3], rtol=1e-8)


def test_refusals():
    net, cost = network((3, 4, 2)), Cost("squared_error")
    X, y = np.ones((5, 3)), np.ones((5, 2))
    G = LossJacobian(net, X, y, cost)
    for call in (per_sample_gradients, per_sample_gradient_norms):
        with pytest.raises(ValueError, match=r"y must have one entry for each of the 5 samples.*\[2, 2\]"):
            call(net, X, y[:2], cost)
        with pytest.raises(ValueError, match="at least one sample"):
            call(net, X[:0], y[:0], cost)
    with pytest.raises(ValueError, match="clip_norm must be a finite number above 0, but is -1"):
        G.clipped_sum(-1)
    with pytest.raises(ValueError, match=r"weights must have shape \[5\].*\[3\]"):
        G.clipped_sum(1.0, np.ones(3))
    with pytest.raises(TypeError, match="other must be a LossJacobian, but is Jacobian"):
        G.gram(net.jacobian(X))
    with pytest.raises(ValueError, match=r"out must have shape \[5, 26\].*\[2, 2\]"):
        per_sample_gradients(net, X, y, cost, out=np.empty((2, 2)))


def test_against_backpack():
    torch, backpack = pytest.importorskip("torch"), pytest.importorskip("backpack")
    from backpack.extensions import BatchGrad, BatchL2Grad

    widths, m = (4, 6, 5, 3), 11
    net = network(widths)
    generator = np.random.default_rng(7)
    X, y = generator.standard_normal((m, 4)), generator.standard_normal((m, 3))
    layers = []
    for l in range(1, net.depth + 1):
        linear = torch.nn.Linear(widths[l - 1], widths[l], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(net.weight(l)), torch.tensor(net.bias(l))
        layers += [linear, torch.nn.Tanh()]
    model = backpack.extend(torch.nn.Sequential(*layers[:-1]))
    loss = backpack.extend(torch.nn.MSELoss(reduction="sum"))(model(torch.tensor(X)), torch.tensor(y)) / 2
    with backpack.backpack(BatchGrad(), BatchL2Grad()):
        loss.backward()
    rows = np.hstack([p.grad_batch.numpy().reshape(m, -1) for p in model.parameters()])
    np.testing.assert_allclose(per_sample_gradients(net, X, y, Cost("squared_error")), rows, atol=1e-13)
    squares = sum(p.batch_l2.numpy() for p in model.parameters())
    np.testing.assert_allclose(per_sample_gradient_norms(net, X, y, Cost("squared_error"))**2, squares, rtol=1e-12)


def test_a_network_of_one_weight():
    net = Network((1, 1), ("identity",), np.array([2.0, 1.0]))
    assert np.array_equal(per_sample_gradients(net, [[3.0]], [[0.0]], Cost("squared_error")), [[21.0, 7.0]])
