"""Curvature of a softmax network that is nearly sure of its classes: float32 against float64, and none of it by the labels."""

import numpy as np
import pytest

from engine import Cost, LevenbergMarquardt, Network, losses, operators
from engine.operators.output_hessian import curvature_factor
from engine.updates.output_hessians import output_hessian
from tests.cases import DTYPES

pytestmark = pytest.mark.compiled
FACTORED = {"ggn": operators.ggn, "fisher": operators.fisher, "kfac": operators.kfac, "ekfac": operators.ekfac}


def sure(scale, dtype=np.float32, n=10):
    """A network of seeded weights times `scale`, the same numbers in either dtype."""
    net = Network.initialize((7, 9, 8, n), "tanh", seed=0, dtype=np.float32)
    return Network(net.widths, ("tanh", "tanh", "identity"), (np.float32(scale) * net.parameters).astype(dtype))


def samples(m=50):
    generator = np.random.default_rng(1)
    return generator.standard_normal((m, 7)).astype(np.float32), generator.integers(0, 10, m)


@pytest.mark.parametrize("name", FACTORED)
def test_float32_keeps_the_diagonal_of_a_sure_network(name):
    """Each entry within 10⁻⁴ of float64's, none below 0, of samples whose unlikely classes have 10⁻³ to 10⁻²⁰ in all."""
    X, labels = samples()
    for scale in (1, 3, 8):
        narrow, wide = (FACTORED[name](sure(scale, dtype), X, labels, Cost("softmax_cross_entropy")) for dtype in DTYPES[::-1])
        diagonal = narrow.diagonal()
        assert (diagonal >= 0).all()
        np.testing.assert_allclose(diagonal, wide.diagonal(), rtol=1e-4)
        np.testing.assert_allclose(np.diag(narrow.dense()), wide.diagonal(), rtol=1e-4)
        v = np.random.default_rng(2).standard_normal(narrow.shape[0]).astype(np.float32)
        size = np.sqrt(wide.diagonal())
        assert np.abs((narrow @ v - wide @ v.astype(float)) / size).max() <= 1e-3 * size.max() * np.linalg.norm(v)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["ggn", "fisher"])
def test_no_label_changes_a_bit_of_the_curvature(name, dtype):
    X, labels = samples()
    v = np.random.default_rng(3).standard_normal(sure(1).size).astype(dtype)
    found = []
    for y in (labels, (labels + 1) % 10, np.eye(10)[labels]):
        operator = FACTORED[name](sure(5, dtype), X, y, Cost("softmax_cross_entropy"))
        found.append([operator.diagonal().tobytes(), (operator @ v).tobytes(), operator.dense().tobytes()])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_and_entries_are_one_matrix(dtype):
    """With ∇²φ too, whose terms stand beside softmax's curvature."""
    from engine import reductions

    X, labels = samples(20)
    for reduction, joined in (("mean", False), (reductions.log_sum_exp(2.0), True)):
        cost = Cost("softmax_cross_entropy", reduction)
        operator = operators.ggn(sure(2, dtype), X, labels, cost, reduction_curvature=joined)
        dense, tolerance = operator.dense(), 200 * np.finfo(dtype).eps
        size = np.sqrt(np.diag(dense))
        V = np.eye(operator.shape[0], dtype=dtype)[:, ::7]
        assert np.abs((operator @ V - dense[:, ::7]) / size[:, None] / size[::7]).max() <= tolerance
        np.testing.assert_allclose(operator.diagonal(), np.diag(dense), rtol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_class_that_is_not_the_truth(dtype):
    """p (1 − p) at a margin of 18, whatever the label."""
    net = Network((1, 2), ("identity",), np.array([18.0, 0, 0, 0], dtype))
    right = 1 / (np.exp(9.0) + np.exp(-9.0))**2
    for label in (0, 1):
        for make in FACTORED.values():
            operator = make(net, np.ones((1, 1)), np.array([label]), Cost("softmax_cross_entropy"))
            np.testing.assert_allclose(operator.diagonal(), np.full(4, right), rtol=40 * np.finfo(dtype).eps)


def test_factors_of_second_order_updates_and_posteriors_keep_what_is_unlikely():
    """S Sᵀ in float32 against the Hessian in float64, entry by entry, in units of the two diagonal entries."""
    X, labels = samples()
    A, cost = sure(6)(X), Cost("softmax_cross_entropy")
    H = losses.softmax_cross_entropy.hessian(A.astype(float), labels)
    weights = np.full(len(A), 1 / len(A), np.float32)
    size = np.sqrt(np.einsum("kii->ki", H))
    for S in (curvature_factor(cost, A, labels[:, None].astype(np.float32))[0] * np.float32(len(A))**0.5,
              output_hessian(cost.loss, A, labels[:, None], weights).factor() * np.float32(len(A))**0.5):
        S = S.astype(float)
        assert np.abs((S @ S.transpose(0, 2, 1) - H) / size[:, :, None] / size[:, None, :]).max() <= 1e-5


def test_draws_of_targets_are_the_gradients_of_those_targets():
    """fisher(samples=) at a margin of 18: the likely class's gradient is the sum of the others', 1.5e-8, and not 0."""
    net = Network((1, 2), ("identity",), np.array([18.0, 0, 0, 0], np.float32))
    drawn = operators.fisher(net, np.ones((1, 1)), np.array([0]), Cost("softmax_cross_entropy"), samples=1)
    np.testing.assert_allclose(drawn.diagonal(), np.exp(-18.0)**2, rtol=1e-5)


def test_a_step_of_levenberg_marquardt_from_a_sure_network_is_finite():
    from engine import fit
    from schedulers import BatchSchedule

    X, labels = samples()
    net = sure(8)
    result = fit(net, X, labels, Cost("softmax_cross_entropy"), LevenbergMarquardt(), BatchSchedule(50), epochs=3, progress=False)
    assert np.isfinite(result.network.parameters).all() and result.history[-1]["cost"] <= result.history[0]["cost"]
