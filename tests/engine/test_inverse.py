"""(K + λ I)⁻¹ as an operator, by each method, against NumPy's dense inverse."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

from engine import Cost
from engine.operators import ekfac, ggn, hessian, inverse, inverse_product, kfac
from tests.cases import DTYPES, network, targets

pytestmark = pytest.mark.compiled
COST = Cost("softmax_cross_entropy")


def set_up(dtype=np.float64):
    generator, net = np.random.default_rng(0), network((3, 5, 4), dtype=dtype)
    X, y = generator.standard_normal((30, 3)).astype(dtype), targets("softmax_cross_entropy", generator, 30, 4)
    return net, X, y, generator.standard_normal((net.size, 2)).astype(dtype)


def dense_inverse(operator, damping):
    return np.linalg.inv(operator.dense().astype(float) + damping * np.eye(operator.shape[0]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_method(dtype):
    net, X, y, V = set_up(dtype)
    G, K = ggn(net, X, y, COST), kfac(net, X, y, COST)
    near = 1e-6 if dtype == np.float64 else 2e-3
    own, exact = dense_inverse(K, 0.1), dense_inverse(G, 0.1)
    for made, wanted in ((inverse(G, damping=0.1), exact), (inverse(K, damping=0.1, method="kfac"), own),
                         (inverse(G, damping=0.1, preconditioner=K), exact),
                         (inverse(G, damping=0.1, preconditioner=ekfac(net, X, y, COST)), exact),
                         (inverse(G, damping=0.1, preconditioner=exact.astype(dtype)), exact),
                         (inverse(G.dense(), damping=0.1), exact), (inverse(K, damping=0.1), own),
                         (inverse(G, damping=0.1, method="neumann", terms=300), exact)):
        assert isinstance(made, LinearOperator) and made.shape == G.shape and made.dtype == dtype
        for found in (made @ V, made.T @ V, np.stack([made @ v for v in V.T], 1)):
            assert found.dtype == dtype
            np.testing.assert_allclose(found, wanted @ V, rtol=0, atol=near * abs(wanted @ V).max())
    np.testing.assert_array_equal(inverse(G, damping=0.1) @ V[:, 0], inverse_product(G, V[:, 0], damping=0.1))


def test_a_neumann_series_is_the_series():
    net, X, y, V = set_up()
    G = ggn(net, X, y, COST)
    shifted, v = G.dense() + 0.1 * np.eye(net.size), V[:, 0]
    for terms, scale in ((0, 0.5), (1, 0.5), (7, 0.25)):
        expected = scale * sum(np.linalg.matrix_power(np.eye(net.size) - scale * shifted, i) for i in range(terms + 1)) @ v
        np.testing.assert_allclose(inverse(G, damping=0.1, method="neumann", terms=terms, scale=scale) @ v, expected, rtol=1e-10)


def test_a_preconditioner_saves_products():
    net, X, y, V = set_up()
    G, products = ggn(net, X, y, COST), []

    def counted(v):
        products.append(1)
        return G @ v
    K = LinearOperator(G.shape, counted, dtype=G.dtype)
    counts = []
    for preconditioner in (None, ekfac(net, X, y, COST)):
        products.clear()
        inverse(K, damping=1e-4, preconditioner=preconditioner) @ V[:, 0]
        counts.append(len(products))
    assert counts[1] < 0.8 * counts[0]


def test_what_does_not_converge_says_so():
    net, X, y, V = set_up()
    for operator, scale in ((ggn(net, X, y, COST), 50.0), (-ggn(net, X, y, COST).dense(), 0.5), (hessian(net, X, y, COST), 50.0)):
        with pytest.raises(np.linalg.LinAlgError, match="the Neumann series does not converge at scale .*smaller scale"):
            inverse(operator, method="neumann", scale=scale) @ V[:, 0]
    with pytest.raises(np.linalg.LinAlgError, match="conjugate gradients did not solve"):
        inverse(np.diag([1.0, -1.0]), preconditioner=np.eye(2)) @ np.ones(2)


@pytest.mark.parametrize("settings, message", [
    (dict(method="lu"), "method must be one of cg, kfac, neumann, but is 'lu'"),
    (dict(method="kfac"), r"method='kfac' needs an operator with a solve.*GaussNewtonOperator.*preconditioner=kfac\(network"),
    (dict(terms=3), "terms is for method='neumann', but method is 'cg'"),
    (dict(scale=3.0), "scale is for method='neumann'"), (dict(method="neumann", rtol=0.1), "rtol is for method='cg'"),
    (dict(method="neumann", preconditioner=np.eye(39)), "preconditioner is for method='cg', but method is 'neumann'"),
    (dict(preconditioner=np.eye(3)), r"preconditioner must have the operator's shape \[44, 44\], but has shape \[3, 3\]"),
    (dict(damping=-1), "damping must be a finite number of at least 0"),
    (dict(method="neumann", terms=-1), "terms must be a whole number of at least 0"),
    (dict(method="neumann", scale=0), "scale must be")])
def test_settings_of_other_methods_are_refused(settings, message):
    net, X, y, _ = set_up()
    with pytest.raises(ValueError, match=message):
        inverse(ggn(net, X, y, COST), **{"damping": 0.1, **settings})
