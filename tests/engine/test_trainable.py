"""Curvature operators of some numbers of θ: the rows and columns of the dense formula, and work that ends at the first of them."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from engine import Activation, Cost, Network, influence_on_cost, influence_on_predictions, operators, reductions
from engine.operators import dense_curvature
from engine.operators.jacobian import Jacobian
from engine.penalties import ridge
from tests.cases import CURVATURE, DTYPES, network
from tests.oracle import curvature as plain
from tests.oracle import network as plain_network
from tests.oracle.losses import derivatives

pytestmark = pytest.mark.compiled

WIDTHS, NAMES, M = (3, 4, 3, 3), ("tanh", "softplus", "identity"), 7
G = np.random.default_rng(3)
X, C = G.standard_normal((M, 3)), G.integers(0, 3, M)
COST = Cost("softmax_cross_entropy", reductions.weighted(np.linspace(0.5, 2, M)), ridge(0.3))
NET = network(WIDTHS, NAMES)
MASKS = {"last layer": NET.mask(layers=[3]), "last two": NET.mask(layers=[2, 3]), "biases": NET.mask(weights=False),
         "weights of the last": NET.mask(biases=False, layers=[3]), "first and last": NET.mask(layers=[1, 3]),
         "some": G.random(NET.size) < 0.4, "one": np.arange(NET.size) == 20, "none": np.zeros(NET.size, bool)}


def dense_formula(name, net):
    """Every number of the operator of COST by the oracle, in float64."""
    theta = net.parameters.astype(float)
    A = plain_network.forward(theta, WIDTHS, NAMES, X)[1][-1]
    J = plain_network.jacobian(theta, WIDTHS, NAMES, X).reshape(M, 3, -1)
    w, (gradients, hessians) = np.linspace(0.5, 2, M), derivatives("softmax_cross_entropy", A, C)
    penalty = np.diag(0.3 * np.concatenate([np.r_[np.ones(n * before), np.zeros(n)] for before, n in zip(WIDTHS, WIDTHS[1:])]))
    if name == "hessian":
        found = plain.hessian(theta, WIDTHS, NAMES, X, w, gradients, hessians, np.zeros((M, M)))
        return found[:len(theta), :len(theta)] + penalty
    H = gradients[:, :, None] * gradients[:, None, :] if name == "empirical_fisher" else hessians
    return plain.gauss_newton(J, w[:, None, None] * H) + penalty


def agrees(part, expected, layers, close):
    T = len(expected)
    assert part.shape == (T, T) and part.T is part
    V = np.random.default_rng(4).standard_normal((T, 2)).astype(part.dtype)
    for found, wanted in ((part.dense(), expected), (part @ V, expected @ V), (part @ V[:, 0], expected @ V[:, 0]),
                          (part.diagonal(), expected.diagonal()), (part.trace(), expected.trace())):
        assert np.ndim(found) == 0 or found.dtype == part.dtype
        np.testing.assert_allclose(found, wanted, **close)
    at, sizes = 0, [size for size in layers if size]
    for size, block in zip(sizes, part.blocks(), strict=True):
        np.testing.assert_allclose(block, expected[at:at + size, at:at + size], **close)
        at += size


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVATURE)
def test_rows_and_columns_of_the_dense_formula(name, dtype):
    net = NET.astype(dtype)
    expected, close = dense_formula(name, net), dict(rtol=0, atol=1e-11 if dtype == np.float64 else 1e-4)
    agrees(CURVATURE[name](net, X, C, COST), expected, [16, 15, 12], close)
    agrees(CURVATURE[name](net, X, C, COST, trainable=[True] * net.size), expected, [16, 15, 12], close)
    for mask in MASKS.values():
        layers = [mask[rows].sum() for rows in (slice(0, 16), slice(16, 31), slice(31, 43))]
        for max_bytes in (None, 1 << 20):
            part = CURVATURE[name](net, X, C, COST, trainable=mask, max_bytes=max_bytes)
            agrees(part, expected[np.ix_(mask, mask)], layers, close)
            assert np.array_equal(part.trainable, mask) and f"T = {mask.sum()} of P = 43" in repr(part)


@pytest.mark.parametrize("name", ["log_sum_exp", "own"])
def test_what_joins_samples_is_restricted_too(name):
    own = reductions.Reduction(lambda L: np.sqrt(L @ L), lambda L: L / np.sqrt(L @ L),
                               lambda L, v: v / np.sqrt(L @ L) - L * (L @ v) / np.sqrt(L @ L)**3)
    cost = Cost("softmax_cross_entropy", own if name == "own" else reductions.log_sum_exp(2.0), ridge(0.3, biases=True))
    for build in (operators.hessian, lambda *given, **kept: operators.ggn(*given, reduction_curvature=True, **kept)):
        whole = build(NET, X, C, cost).dense()
        for mask in (MASKS["last layer"], MASKS["some"]):
            for max_bytes in (None, 1 << 20):
                part = build(NET, X, C, cost, trainable=mask, max_bytes=max_bytes)
                layers = [mask[rows].sum() for rows in (slice(0, 16), slice(16, 31), slice(31, 43))]
                agrees(part, whole[np.ix_(mask, mask)], layers, dict(rtol=0, atol=1e-12))


@pytest.mark.parametrize("name", ["ggn", "hessian"])
def test_scattered_entries_are_summed_by_themselves(name, monkeypatch):
    """Few numbers among many neurons and inputs, whose products of matrices would be far larger than what is asked for."""
    net = network((9, 8, 9))
    samples, mask = G.standard_normal((5, 9)), np.zeros(net.size, bool)
    mask[10 * np.arange(8)] = mask[80 + 9 * np.arange(8)] = True  # w_pp of both layers
    whole = CURVATURE[name](net, samples, C[:5], Cost("softmax_cross_entropy")).dense()
    part = CURVATURE[name](net, samples, C[:5], Cost("softmax_cross_entropy"), trainable=mask)
    monkeypatch.setattr(dense_curvature, "pair_sum", None)
    monkeypatch.setattr(dense_curvature, "symmetric_pair_sum", None)
    np.testing.assert_allclose(part.dense(), whole[np.ix_(mask, mask)], atol=1e-13)


def test_what_lies_below_only_goes_forward(monkeypatch):
    """No derivative of lower layers is asked for, and dense matrices read the chains of layers that have a trainable number."""
    cube = Activation("cube", lambda z: z**3, lambda z: 3 * z**2)  # without g″
    net = Network.initialize((3, 4, 3, 2), (cube, "tanh", "identity"), seed=1)
    cost, y, last = Cost("squared_error"), G.standard_normal((M, 2)), net.mask(layers=[2, 3])
    assert operators.hessian(net, X, y, cost, trainable=last).dense().shape == (23, 23)
    with pytest.raises(ValueError, match="hessian needs g″, but layer 1's activation 'cube'"):
        operators.hessian(net, X, y, cost)
    above = Network.initialize((3, 4, 3, 2), ("tanh", cube, "identity"), seed=1)
    with pytest.raises(ValueError, match="hessian needs g″, but layer 2's activation 'cube'"):
        operators.hessian(above, X, y, cost, trainable=last)
    read, chain = [], Jacobian.chain
    monkeypatch.setattr(Jacobian, "chain", lambda self, l: (read.append((self.network.widths, l)), chain(self, l))[1])
    operators.ggn(NET, X, C, COST, trainable=MASKS["last two"]).dense()
    operators.ggn(NET, X, C, COST, trainable=MASKS["first and last"]).dense()
    assert read == [((4, 3, 3), 1), ((4, 3, 3), 2), (WIDTHS, 1), (WIDTHS, 3)]


def test_files_pass_in_slabs():
    class File:
        def __len__(self):
            return 300

        def __getitem__(self, chosen):
            assert isinstance(chosen, slice) or (np.diff(chosen) > 0).all()
            return samples[chosen]

    samples, classes = G.standard_normal((300, 3)), G.integers(0, 3, 300)
    cost, mask = Cost("softmax_cross_entropy", penalty=ridge(0.1)), MASKS["last two"]
    whole = operators.ggn(NET, samples, classes, cost, trainable=mask)
    slabs = operators.ggn(NET, File(), classes, cost, trainable=mask, max_bytes=400_000)
    v = np.linspace(-1, 1, mask.sum())
    assert np.array_equal(slabs @ v, whole @ v) and np.array_equal(slabs.diagonal(), whole.diagonal())
    with pytest.raises(MemoryError, match="max_bytes is 1000"):
        operators.ggn(NET, File(), classes, cost, trainable=mask, max_bytes=1000)


@pytest.mark.parametrize("mask", ["last layer", "some"])
def test_influences_over_trainable_numbers(mask):
    """−J K⁻¹ G of the trainable columns, with the penalty in K and in no sample's loss."""
    mask, X_test, c_test = MASKS[mask], G.standard_normal((2, 3)), np.array([0, 2])
    theta = NET.parameters
    A, A_test = (plain_network.forward(theta, WIDTHS, NAMES, samples)[1][-1] for samples in (X, X_test))
    J, J_test = (plain_network.jacobian(theta, WIDTHS, NAMES, samples).reshape(-1, 3, 43)[:, :, mask] for samples in (X, X_test))
    rows = np.einsum("ki,kip->kp", derivatives("softmax_cross_entropy", A, C)[0], J)
    K = dense_formula("ggn", NET)[np.ix_(mask, mask)] + 0.1 * np.eye(mask.sum())
    expected = -np.einsum("jip,pk->kji", J_test, np.linalg.solve(K, rows.T))
    curvature = operators.ggn(NET, X, C, COST, trainable=mask)
    for K, given in ((curvature, None), (aslinearoperator(curvature.dense()), mask)):
        found = influence_on_predictions(NET, X, C, COST, X_test, curvature=K, damping=0.1, trainable=given)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    layer = operators.kfac(NET, X, C, COST, trainable=MASKS["last layer"])
    found = influence_on_predictions(NET, X, C, COST, X_test, curvature=layer, damping=0.1)
    given = influence_on_predictions(NET, X, C, COST, X_test, curvature=aslinearoperator(layer.dense()), damping=0.1,
                                     trainable=MASKS["last layer"])
    np.testing.assert_allclose(found, given, atol=1e-6)
    gradients = derivatives("softmax_cross_entropy", A_test, c_test)[0] / 2
    found = influence_on_cost(NET, X, C, COST, X_test, c_test, curvature=curvature, damping=0.1,
                              test_cost=Cost("softmax_cross_entropy"))
    np.testing.assert_allclose(found, np.einsum("kji,ji->k", expected, gradients), atol=1e-6)


@pytest.mark.parametrize("call, message", [
    (lambda: operators.ggn(NET, X, C, COST, trainable=np.ones(4, bool)), r"trainable must be a boolean mask of shape \[43\]"),
    (lambda: operators.hessian(NET, X, C, COST, trainable=np.ones(43)), "boolean mask .* dtype float64"),
    (lambda: operators.fisher(NET, X[:, :2], C, COST, trainable=MASKS["some"]), r"X must have shape \[m, 3\]"),
    (lambda: influence_on_predictions(NET, X, C, COST, X, curvature=np.eye(12), damping=0.1), "a row for each of 43 trainable"),
    (lambda: influence_on_predictions(NET, X, C, COST, X, curvature=operators.ggn(NET, X, C, COST, trainable=MASKS["last layer"]),
                                      damping=0.1, trainable=MASKS["some"]), "made with the same mask")])
def test_masks_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
