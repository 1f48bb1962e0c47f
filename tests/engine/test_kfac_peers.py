"""KFAC, its forms and its inverses against curvlinops."""

import numpy as np
import pytest

from engine import Cost
from engine.operators import ekfac, ggn, inverse, kfac
from tests.cases import network, targets

torch, curvlinops = pytest.importorskip("torch"), pytest.importorskip("curvlinops")
pytestmark = pytest.mark.compiled
WIDTHS, M = (4, 6, 3), 40


def set_up(loss="squared_error", reduction="sum"):
    """Ours, their arguments, and what their curvature is multiplied by to be ours: MSELoss("sum") is ‖u − y‖²."""
    generator, net = np.random.default_rng(0), network(WIDTHS)
    X, y = generator.standard_normal((M, 4)), targets(loss, generator, M, 3)
    layers = []
    for l in range(1, net.depth + 1):
        linear = torch.nn.Linear(WIDTHS[l - 1], WIDTHS[l], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(net.weight(l)), torch.tensor(net.bias(l))
        layers += [linear, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    criterion = (torch.nn.MSELoss if loss == "squared_error" else torch.nn.CrossEntropyLoss)(reduction=reduction)
    theirs = model, criterion, list(model.parameters()), [(torch.tensor(X), torch.tensor(y))]
    return (net, X, y, Cost(loss, reduction)), theirs, 0.5 if loss == "squared_error" else 1.0


def dense(operator, size):
    """Their operator's entries; its parameters are in θ's order."""
    return (operator @ torch.eye(size, dtype=torch.float64)).numpy()


@pytest.mark.parametrize("loss, reduction", [("squared_error", "sum"), ("softmax_cross_entropy", "mean")])
@pytest.mark.parametrize("biases", ["joint", "separate"])
@pytest.mark.parametrize("name", ["kfac", "ekfac"])
def test_forms_norms_and_inverses(name, biases, loss, reduction):
    ours, theirs, scale = set_up(loss, reduction)
    size = ours[0].size
    kind = {"kfac": "KFACLinearOperator", "ekfac": "EKFACLinearOperator"}[name]
    T = getattr(curvlinops, kind)(*theirs, fisher_type=curvlinops.FisherType.TYPE2, check_deterministic=False,
                                  separate_weight_and_bias=biases == "separate")
    K = {"kfac": kfac, "ekfac": ekfac}[name](*ours, biases=biases)
    np.testing.assert_allclose(K.dense(), scale * dense(T, size), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(K.trace(), scale * float(T.trace), rtol=1e-10)
    np.testing.assert_allclose(K.frobenius_norm(), scale * float(T.frobenius_norm), rtol=1e-10)
    if loss == "squared_error":
        np.testing.assert_allclose(K.log_determinant(), float(T.logdet) + size * np.log(scale), rtol=1e-8)
    damping, V = 0.1, np.random.default_rng(1).standard_normal((size, 2))
    I = curvlinops.KFACInverseLinearOperator(T, damping=damping / scale, use_exact_damping=True)
    np.testing.assert_allclose(K.solve(V, damping=damping), dense(I, size) @ V / scale, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(inverse(K, damping=damping, method="kfac") @ V, dense(I, size) @ V / scale, rtol=1e-8, atol=1e-9)
    if name == "kfac":
        I = curvlinops.KFACInverseLinearOperator(T, damping=damping / scale, use_heuristic_damping=True)
        weights = ours[0].mask(biases=biases == "joint")  # separate biases are damped exactly here
        np.testing.assert_allclose(K.solve(V, damping=damping, form="factored")[weights], (dense(I, size) @ V / scale)[weights],
                                   rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["kfac", "ekfac"])
def test_empirical_factors(name):
    ours, theirs, _ = set_up("softmax_cross_entropy", "mean")
    kind = {"kfac": "KFACLinearOperator", "ekfac": "EKFACLinearOperator"}[name]
    T = getattr(curvlinops, kind)(*theirs, fisher_type=curvlinops.FisherType.EMPIRICAL, check_deterministic=False)
    K = {"kfac": kfac, "ekfac": ekfac}[name](*ours, biases="separate", curvature="empirical")
    np.testing.assert_allclose(K.dense(), dense(T, ours[0].size), rtol=1e-9, atol=1e-12)


def test_sampled_factors():
    """Their draws are others: both estimates are near the exact factors."""
    ours, theirs, _ = set_up("softmax_cross_entropy", "mean")
    T = curvlinops.KFACLinearOperator(*theirs, fisher_type=curvlinops.FisherType.MC, mc_samples=200, check_deterministic=False)
    K = kfac(*ours, biases="separate", curvature="sampled", samples=200)
    exact = kfac(*ours, biases="separate").dense()
    for estimate in (dense(T, ours[0].size), K.dense()):
        assert np.linalg.norm(estimate - exact) < 0.1 * np.linalg.norm(exact)


def test_inverses_of_the_ggn():
    ours, theirs, scale = set_up("softmax_cross_entropy", "mean")
    from curvlinops.examples import IdentityLinearOperator

    T, G = curvlinops.GGNLinearOperator(*theirs, check_deterministic=False), ggn(*ours)
    v = np.random.default_rng(1).standard_normal(ours[0].size)
    shifted = T + 0.1 * IdentityLinearOperator([p.shape for p in theirs[2]], torch.device("cpu"), torch.float64)
    N = curvlinops.NeumannInverseLinearOperator(shifted, num_terms=20, scale=0.3)
    series = inverse(G, damping=0.1, method="neumann", terms=20, scale=0.3)
    np.testing.assert_allclose(series @ v, (N @ torch.tensor(v)).numpy(), rtol=1e-9, atol=1e-12)
    C = curvlinops.CGInverseLinearOperator(shifted, eps=0, tolerance=1e-10)
    np.testing.assert_allclose(inverse(G, damping=0.1, rtol=1e-10) @ v, (C @ torch.tensor(v)).numpy(), rtol=1e-5, atol=1e-7)
