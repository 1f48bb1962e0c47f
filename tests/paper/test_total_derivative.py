"""§4–5: eq. 11–20, multiplied out as dense matrices."""

import numpy as np
import pytest
from scipy.sparse import issparse

import engine
from engine import Cost, value_and_gradient
from tests.cases import LOSSES, REDUCTIONS, network, plain_loss, plain_reduction, targets

M, N = 11, 3


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_both_roads_and_the_dense_product_agree(loss, reduction):
    generator = np.random.default_rng(7)
    net = network((4, 5, N), "tanh")
    X, y = generator.standard_normal((M, 4)), targets(loss, generator, M, N)
    if loss == "poisson" and reduction == "power_mean":
        y = np.zeros((M, N))
    cost = Cost(LOSSES[loss], REDUCTIONS[reduction][1](M))
    A, J = net(X), net.jacobian(X)
    phi, D_phi = cost.reduction_gradient(A, y), cost.loss_jacobian(A, y)
    assert phi.shape == (M,) and issparse(D_phi) and D_phi.shape == (M, M * N)
    value, gradient = value_and_gradient(net, X, y, cost)
    product = phi @ D_phi.toarray() @ J.dense()  # eq. 20
    np.testing.assert_allclose(gradient, product, atol=1e-12)
    np.testing.assert_allclose(gradient, J.T @ cost.output_gradient(A, y), atol=1e-12)
    np.testing.assert_allclose(cost.output_gradient(A, y), phi @ D_phi.toarray(), atol=1e-15)  # eq. 15 and 18
    losses = np.array([plain_loss(loss)(u, t) for u, t in zip(A, y)])
    np.testing.assert_allclose(cost.losses(A, y), losses, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(value, plain_reduction(reduction, M)(losses), rtol=1e-11)
    for l in (1, 2):
        tensor = J.wrt_weight(l)
        assert tensor.shape == (M * N, net.widths[l], net.widths[l - 1])  # eq. 19
        by_layer = np.einsum("r,rpq->pq", cost.output_gradient(A, y), tensor)
        np.testing.assert_allclose(gradient[net.kernels.layout.weight_slice(l)].reshape(by_layer.shape), by_layer, atol=1e-12)


def test_projection_is_the_identity_in_one_block():
    for k in range(4):
        P = engine.projection(k, 4, 3)
        assert issparse(P) and P.shape == (3, 12)
        expected = np.zeros((3, 12))
        expected[:, 3 * k:3 * k + 3] = np.eye(3)
        assert np.array_equal(P.toarray(), expected)  # eq. 16


def test_loss_jacobian_is_block_diagonal_of_projected_gradients():
    generator = np.random.default_rng(8)
    A, y = generator.standard_normal((4, 3)), generator.standard_normal((4, 3))
    cost = Cost("log_cosh")
    rows = [cost.loss_gradients(A, y)[k] @ engine.projection(k, 4, 3).toarray() for k in range(4)]  # eq. 17
    np.testing.assert_allclose(cost.loss_jacobian(A, y).toarray(), rows)


def test_stacked_outputs_are_sample_by_sample():
    net = network((2, 4, 3))
    X = np.random.default_rng(9).standard_normal((5, 2))
    passed = net.forward(X)
    assert np.array_equal(passed.stacked, np.concatenate([net(x) for x in X]))  # eq. 12
    assert np.shares_memory(passed.stacked, passed.outputs)
