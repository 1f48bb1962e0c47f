"""What holds for every curvature operator: symmetry, parts that agree with products, batches, bits, roads, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, eigsh

import engine
from engine import Activation, Cost, Loss, Network, Reduction, operators, reductions
from tests.cases import CURVATURE, DTYPES, network

pytestmark = pytest.mark.compiled

shapes = st.lists(st.integers(1, 7), min_size=2, max_size=5).map(tuple)
counts = st.sampled_from([1, 2, 7, 9, 17, 129])


def data(widths, m, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((m, widths[0])).astype(dtype), generator.integers(0, widths[-1], m)


@settings(max_examples=25, deadline=None)
@given(shapes, counts, st.sampled_from(DTYPES), st.sampled_from(list(CURVATURE)), st.sampled_from(["mean", "sum", "cvar"]),
       st.integers(0, 999))
def test_parts_agree_with_products(widths, m, dtype, name, reduction, seed):
    X, c = data(widths, m, seed, dtype)
    cost = Cost("softmax_cross_entropy", reductions.cvar(0.4) if reduction == "cvar" else reduction)
    operator = CURVATURE[name](network(widths, "tanh", dtype, seed=seed), X, c, cost)
    assert isinstance(operator, LinearOperator) and operator.dtype == dtype
    V = np.eye(operator.shape[0], dtype=dtype)
    product, dense, diagonal = operator @ V, operator.dense(), operator.diagonal()
    assert product.dtype == dense.dtype == diagonal.dtype == dtype
    size = 1 + np.abs(product).max()
    close = dict(rtol=0, atol=size * (1e-12 if dtype == np.float64 else 2e-5))
    np.testing.assert_allclose(dense, product, **close)
    np.testing.assert_allclose(product, product.T, **close)
    np.testing.assert_allclose(diagonal, product.diagonal(), **close)
    assert operator.trace() == pytest.approx(product.trace(), rel=1e-3 if dtype == np.float32 else 1e-9, abs=float(close["atol"]))
    assert np.array_equal(operator.T @ V[:, 0], product[:, 0]) and np.array_equal(operator.H @ V[:, 0], product[:, 0])
    assert np.array_equal(operator.rmatvec(V[:, -1]), product[:, -1])
    at = 0
    for before, width, block in zip(widths[:-1], widths[1:], operator.blocks(), strict=True):
        stop = at + width * (before + 1)
        np.testing.assert_allclose(block, product[at:stop, at:stop], **close)
        at = stop
    assert at == len(product)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVATURE)
def test_unequal_batches_sum_to_the_whole(name, dtype):
    net, (X, c) = network((3, 8, 4), "silu", dtype), data((3, 4), 150, dtype=dtype)
    build = CURVATURE[name]
    cost = Cost("softmax_cross_entropy", "sum")
    whole, parts = build(net, X, c, cost), [build(net, X[s], c[s], cost) for s in (slice(0, 13), slice(13, 150))]
    v = np.random.default_rng(1).standard_normal(net.size).astype(dtype)
    tolerance = dict(rtol=0, atol=1e-10 if dtype == np.float64 else 1e-2)
    np.testing.assert_allclose(whole @ v, sum(part @ v for part in parts), **tolerance)
    np.testing.assert_allclose(whole.diagonal(), sum(part.diagonal() for part in parts), **tolerance)
    mean = build(net, X, c, Cost("softmax_cross_entropy"))
    np.testing.assert_allclose(150 * (mean @ v), whole @ v, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVATURE)
def test_threads_change_nothing(name, dtype):
    net, (X, c) = network((20, 40, 30, 6), "tanh", dtype), data((20, 6), 1500, dtype=dtype)
    wide, (Xw, cw) = network((300, 300, 150, 4), "tanh", dtype), data((300, 4), 70, dtype=dtype)
    results = []
    try:
        for threads in (1, 2, 3):
            engine.set_num_threads(threads)
            found = []
            for n, samples, classes in ((net, X, c), (wide, Xw, cw)):
                operator = CURVATURE[name](n, samples, classes, Cost("softmax_cross_entropy", reductions.log_sum_exp(1.0)))
                found.append((operator @ np.linspace(-1, 1, n.size).astype(dtype)).tobytes())
                if name != "hessian":
                    found.append(operator.diagonal().tobytes())
            results.append(found)
    finally:
        engine.set_num_threads(2)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_networks_take_another_road_to_the_same_numbers(dtype):
    net, (X, c) = network((260, 300, 200, 3), "tanh", dtype), data((260, 3), 140, dtype=dtype)
    cost = Cost("softmax_cross_entropy")
    J = net.jacobian(X)
    v = np.random.default_rng(2).standard_normal(net.size).astype(dtype)
    H = cost.loss.hessian(net(X), c) / 140
    expected = J.T @ np.einsum("kij,kj->ki", H, (J @ v).reshape(140, 3)).ravel()
    G = operators.ggn(net, X, c, cost)
    tolerance = dict(rtol=0, atol=1e-12 if dtype == np.float64 else 1e-3)
    np.testing.assert_allclose(G @ v, expected, **tolerance)
    tables = J.dense().reshape(140, 3, -1)
    np.testing.assert_allclose(G.diagonal(), np.einsum("kip,kip->p", tables, H @ tables), **tolerance)
    gradient = operators.empirical_fisher(net, X, c, cost)
    rows = (cost.loss_gradients(net(X), c)[:, None] @ tables)[:, 0]
    np.testing.assert_allclose(gradient.diagonal(), (rows**2).mean(0), **tolerance)
    curved, h = operators.hessian(net, X, c, cost), 1e-5
    if dtype == np.float64:
        v /= np.linalg.norm(v)
        up, down = (engine.value_and_gradient(net.replace(net.parameters + e * v), X, c, cost)[1] for e in (h, -h))
        np.testing.assert_allclose(curved @ v, (up - down) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("name", ["ggn", "fisher", "empirical_fisher"])
def test_positive_semi_definite(name):
    X, c = data((3, 3), 40)
    operator = CURVATURE[name](network((3, 6, 3), "gelu"), X, c, Cost("softmax_cross_entropy"))
    assert np.linalg.eigvalsh(operator.dense()).min() > -1e-14
    top = eigsh(operator, 2, which="LA", return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(top), np.linalg.eigvalsh(operator.dense())[-2:], rtol=1e-9)


def test_missing_second_derivatives_are_named():
    net, (X, c) = network((2, 4, 2)), data((2, 2), 6)
    y = X
    quartic = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)
    plain = Reduction(lambda L: L.sum(), lambda L: np.ones_like(L))
    cube = Network.initialize((2, 3, 2), (Activation("cube", lambda z: z**3, lambda z: 3 * z**2), "identity"))
    for build in (operators.ggn, operators.hessian):
        with pytest.raises(ValueError, match=rf"{build.__name__} needs ∇²L.*hessian\(A, y\)"):
            build(net, X, y, Cost(quartic))
    with pytest.raises(ValueError, match="hessian needs ∇²φ.*hessian_product"):
        operators.hessian(net, X, c, Cost("softmax_cross_entropy", plain))
    with pytest.raises(ValueError, match="ggn needs ∇²φ"):
        operators.ggn(net, X, c, Cost("softmax_cross_entropy", plain), reduction_curvature=True)
    with pytest.raises(ValueError, match="hessian needs g″, but layer 1's activation 'cube'.*second_derivative"):
        operators.hessian(cube, X, y, Cost("squared_error"))
    with pytest.raises(ValueError, match="fisher needs a loss that implies a model.*huber"):
        operators.fisher(net, X, y, Cost("huber"))
    with pytest.raises(ValueError, match="samples must be a whole number of at least 1, but is 0"):
        operators.fisher(net, X, y, Cost("squared_error"), samples=0)
    with pytest.raises(ValueError, match="at least one sample"):
        operators.ggn(net, X[:0], y[:0], Cost("squared_error"))
    wrong = Loss(quartic.value, quartic.gradient, lambda A, y: np.zeros(A.shape))
    with pytest.raises(ValueError, match=r"the loss's hessian must return shape \[6, 2, 2\]"):
        operators.ggn(net, X, y, Cost(wrong))
    assert operators.ggn(cube, X, y, Cost("squared_error", plain)).trace() > 0
    assert operators.empirical_fisher(cube, X, y, Cost(quartic, plain)).trace() > 0


def test_what_does_not_fit_is_refused(monkeypatch):
    from engine.operators import curvature_checks

    X, c = data((2, 2), 6)
    operator = operators.ggn(network((2, 4, 2)), X, c, Cost("softmax_cross_entropy"))
    monkeypatch.setattr(curvature_checks, "available_bytes", lambda: 100)
    with pytest.raises(MemoryError, match=rf"a dense ggn of shape \[22, 22\] takes {22 * 22 * 8} bytes, but 100"):
        operator.dense()
