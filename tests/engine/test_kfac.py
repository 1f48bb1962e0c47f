"""KFAC and EKFAC: their literal factors, their scale against the GGN, where they are exact, and their inverses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

from engine import Cost, Loss, reductions
from engine.operators import ekfac, kfac
from tests.cases import DTYPES, network, targets
from tests.oracle import kronecker as plain

pytestmark = pytest.mark.compiled

shapes = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)
LOSSES = ("squared_error", "softmax_cross_entropy", "poisson", "binary_cross_entropy")
KINDS = (kfac, ekfac)


def set_up(widths, m, loss="squared_error", names="tanh", dtype=np.float64, seed=0, output="identity"):
    """A network, X, y and the arguments of the oracle."""
    generator = np.random.default_rng(seed)
    net = network(widths, names, dtype, seed=seed % 1000, output=output)
    X, y = generator.standard_normal((m, widths[0])).astype(dtype), targets(loss, generator, m, widths[-1])
    return net, X, y, (net.parameters.astype(float), widths, [g.name for g in net.activations], X.astype(float), y, loss)


@settings(max_examples=25, deadline=None)
@given(shapes, st.sampled_from([1, 2, 7, 9, 17]), st.sampled_from(LOSSES), st.sampled_from(DTYPES), st.integers(0, 2**31))
def test_the_literal_factors(widths, m, loss, dtype, seed):
    net, X, y, literal = set_up(widths, m, loss, dtype=dtype, seed=seed)
    generator = np.random.default_rng(seed)
    weights = generator.random(m) + 0.1
    cost = Cost(loss, reductions.weighted(weights))
    K, E = kfac(net, X, y, cost), ekfac(net, X, y, cost)
    close = dict(rtol=1e-9, atol=1e-10) if dtype == np.float64 else dict(rtol=2e-3, atol=2e-3)
    pairs = plain.factors(*literal, weights)
    for (A, B), mine_A, mine_B in zip(pairs, K.input_factors, K.output_factors):
        np.testing.assert_allclose(mine_A, A, **close)
        np.testing.assert_allclose(mine_B, B, **close)
    D = block_diag(*(plain.in_order(np.kron(B, A), len(B)) for A, B in pairs))
    np.testing.assert_allclose(K.dense(), D, **close)
    G = plain.ggn(*literal, weights)
    np.testing.assert_allclose(E.trace(), np.trace(G), **close)
    for block, rows, U, V in zip(E.blocks(), plain.layer_slices(widths), *zip(*[(u, v) for u, v, _ in E._spectrum()])):
        Q = np.kron(U, V).astype(float)
        layer = np.zeros_like(Q)
        places = plain.in_order(np.arange(len(Q))[:, None] * np.ones(len(Q)), len(U))[:, 0].astype(int)
        layer[np.ix_(places, places)] = G[rows, rows]
        np.testing.assert_allclose(block, plain.in_order(Q @ np.diag(np.diag(Q.T @ layer @ Q)) @ Q.T, len(U)), **close)
    v = generator.standard_normal(net.size)
    for operator in (K, E):
        dense = operator.dense().astype(float)
        assert operator.dtype == operator.dense().dtype == dtype
        assert np.array_equal(operator.dense(), block_diag(*operator.blocks()))
        np.testing.assert_allclose(dense, dense.T, **close)
        np.testing.assert_allclose(operator @ v, dense @ v, **close)
        np.testing.assert_allclose(operator.T @ np.stack([v, v], 1), dense @ np.stack([v, v], 1), **close)
        np.testing.assert_allclose(operator.diagonal(), np.diag(dense), **close)
        np.testing.assert_allclose(operator.trace(), np.trace(dense), **close)
        np.testing.assert_allclose(operator.solve(v, damping=0.5), np.linalg.solve(dense + 0.5 * np.eye(len(v)), v), **close)


@pytest.mark.parametrize("m", [1, 2, 9, 130])
@pytest.mark.parametrize("reduction", ["mean", "sum", reductions.log_sum_exp(1.0)])
@pytest.mark.parametrize("make", KINDS)
def test_equals_the_ggn_of_deep_linear_networks(make, reduction, m):
    net, X, y, literal = set_up((3, 5, 4, 2), m, names="identity")
    cost = Cost("squared_error", reduction)
    G = plain.ggn(*literal, cost.reduction_gradient(net(X), y))
    for block, rows in zip(make(net, X, y, cost).blocks(), plain.layer_slices(net.widths)):
        np.testing.assert_allclose(block, G[rows, rows], rtol=1e-9, atol=1e-11 * abs(G).max())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("make", KINDS)
def test_equals_the_ggn_of_one_sample(make, loss):
    net, X, y, literal = set_up((3, 5, 4, 2), 1, loss, output="tanh")
    G = plain.ggn(*literal, [1.0])
    for block, rows in zip(make(net, X, y, Cost(loss)).blocks(), plain.layer_slices(net.widths)):
        np.testing.assert_allclose(block, G[rows, rows], rtol=1e-9, atol=1e-11 * max(1, abs(G).max()))


def test_the_eigen_corrected_is_nearer():
    net, X, y, literal = set_up((3, 5, 4, 2), 30, "softmax_cross_entropy")
    G = plain.ggn(*literal, np.full(30, 1 / 30))
    K, E = (make(net, X, y, Cost("softmax_cross_entropy")).blocks() for make in KINDS)
    for one, two, rows in zip(K, E, plain.layer_slices(net.widths)):
        assert np.linalg.norm(two - G[rows, rows]) < np.linalg.norm(one - G[rows, rows])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", KINDS)
def test_singular_ones_have_a_pseudo_inverse(make, dtype):
    net, X, y, _ = set_up((6, 4, 3), 2, dtype=dtype)
    K = make(net, X, y, Cost("squared_error"))
    dense = K.dense().astype(float)
    v = np.random.default_rng(1).standard_normal(net.size)
    found = K.solve(v)
    cut, close = (1e-12, 1e-6) if dtype == np.float64 else (3e-6, 0.05)
    inverse = np.linalg.pinv(dense, rcond=cut, hermitian=True)
    np.testing.assert_allclose(found, inverse @ v, rtol=close, atol=close * abs(found).max())
    assert np.isfinite(K.solve(v, damping=1e-30)).all() and K.solve(np.stack([v, v], 1), damping=0.1).shape == (net.size, 2)


def test_no_curvature_is_zero_not_nan():
    net = network((2, 3, 1))
    X, y = np.ones((4, 2)), np.ones((4, 1))
    for make in KINDS:
        K = make(net, X, y, Cost("absolute_error"))
        assert not K.dense().any() and not K.solve(np.ones(net.size)).any()
        np.testing.assert_allclose(K.solve(np.ones(net.size), damping=2.0), 0.5)
        zero = make(net, X, y, Cost("squared_error", reductions.weighted(np.zeros(4))))
        assert not zero.dense().any()


def test_negative_curvature_counts_as_zero():
    net = network((2, 3, 2))
    X, y = np.random.default_rng(2).standard_normal((6, 2)), np.random.default_rng(3).standard_normal((6, 2))
    for cost in (Cost("cosine"), Cost("squared_error", reductions.weighted([1.0, -1, 1, -1, 1, 1]))):
        for make in KINDS:
            assert np.linalg.eigvalsh(make(net, X, y, cost).dense()).min() > -1e-12


def test_a_loss_of_ones_own():
    net, X, y, _ = set_up((2, 3, 2), 7)
    bare = Loss(lambda A, y: 0.5 * ((A - y)**2).sum(1), lambda A, y: A - y)
    whole = Loss(bare.value, bare.gradient, lambda A, y: np.broadcast_to(np.eye(2), (len(A), 2, 2)))
    np.testing.assert_allclose(kfac(net, X, y, Cost(whole)).dense(), kfac(net, X, y, Cost("squared_error")).dense(), atol=1e-14)
    with pytest.raises(ValueError, match=r"second derivative.*hessian\(A, y\) \[m, n, n\]"):
        kfac(net, X, y, Cost(bare))
    K = kfac(net, X, y, Cost(whole))
    with pytest.raises(ValueError, match="damping must be a finite number of at least 0, but is -1"):
        K.solve(np.ones(net.size), damping=-1)
    with pytest.raises(ValueError, match=r"v must have shape \[17\].*\[3\]"):
        K.solve(np.ones(3))
    with pytest.raises(ValueError, match=r"y must have one entry for each of the 7 samples"):
        kfac(net, X, y[:3], Cost(whole))


@pytest.mark.parametrize("loss, reduction, scale", [("squared_error", "sum", 2), ("softmax_cross_entropy", "mean", 1)])
def test_against_curvlinops(loss, reduction, scale):
    """MSELoss("sum") is ‖u − y‖², twice squared_error; CrossEntropyLoss("mean") is ours."""
    torch, curvlinops = pytest.importorskip("torch"), pytest.importorskip("curvlinops")
    from curvlinops.kfac import FisherType

    widths, m = (4, 6, 3), 11
    net, X, y, _ = set_up(widths, m, loss)
    layers = []
    for l in range(1, net.depth + 1):
        linear = torch.nn.Linear(widths[l - 1], widths[l], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(net.weight(l)), torch.tensor(net.bias(l))
        layers += [linear, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    criterion = (torch.nn.MSELoss if loss == "squared_error" else torch.nn.CrossEntropyLoss)(reduction=reduction)
    for ours, name in ((kfac, "KFACLinearOperator"), (ekfac, "EKFACLinearOperator")):
        theirs = getattr(curvlinops, name)(model, criterion, list(model.parameters()), [(torch.tensor(X), torch.tensor(y))],
                                           fisher_type=FisherType.TYPE2, separate_weight_and_bias=False)
        dense = (theirs @ torch.eye(net.size, dtype=torch.float64)).numpy()
        np.testing.assert_allclose(dense, scale * ours(net, X, y, Cost(loss, reduction)).dense(), atol=1e-12)
