"""§3: eq. 4–10."""

import numpy as np
import pytest

from tests.cases import network
from tests.oracle import index_sums
from tests.oracle import network as plain

WIDTHS = [(2, 3), (1, 1, 1), (3, 2, 2), (2, 3, 2, 2), (2, 2, 1, 2, 2), (2, 1, 2, 2, 2, 2)]


def parts(net, X):
    weights, _ = plain.split(net.parameters, net.widths)
    _, a, gamma = plain.forward(net.parameters, net.widths, [g.name for g in net.activations], X)
    return weights, a, gamma


@pytest.mark.parametrize("widths", WIDTHS)
def test_every_block_is_equation_9(widths):
    net = network(widths, "tanh", output="sigmoid")
    X = np.random.default_rng(2).standard_normal((3, widths[0]))
    weights, a, gamma = parts(net, X)
    J, n = net.jacobian(X), widths[-1]
    for l in range(1, net.depth + 1):
        for k in range(3):
            gammas, inputs = [g[k] for g in gamma], [x[k] for x in a]
            by_weight = index_sums.weight_derivative(weights, gammas, inputs, l)
            by_bias = index_sums.bias_derivative(weights, gammas, l)
            np.testing.assert_allclose(J.wrt_weight(l)[k * n:(k + 1) * n], by_weight, atol=1e-14)
            np.testing.assert_allclose(J.wrt_bias(l)[k * n:(k + 1) * n], by_bias, atol=1e-14)
            np.testing.assert_allclose(J.chain(l)[k], by_bias, atol=1e-14)


def test_example_1_five_layers_third_weight():
    net = network((2, 3, 2, 3, 2, 4), "tanh", output="tanh")
    X = np.random.default_rng(3).standard_normal((1, 2))
    weights, a, gamma = parts(net, X)
    g3, g4, g5 = (gamma[l - 1][0] for l in (3, 4, 5))
    expected = np.zeros((4, 3, 2))
    for nu in range(4):
        for p in range(3):
            for q in range(2):
                total = sum(weights[4][nu, i] * g4[i] * weights[3][i, p] for i in range(2))
                expected[nu, p, q] = g5[nu] * total * g3[p] * a[2][0, q]
    got = net.jacobian(X).wrt_weight(3)
    assert got.shape == (4, 3, 2)
    np.testing.assert_allclose(got, expected, atol=1e-15)


def test_example_2_two_layers_second_weight():
    net = network((2, 3, 4), "tanh", output="tanh")
    X = np.random.default_rng(4).standard_normal((1, 2))
    _, a, gamma = parts(net, X)
    expected = np.einsum("v,vp,q->vpq", gamma[1][0], np.eye(4), a[1][0])
    got = net.jacobian(X)
    assert got.wrt_weight(2).shape == (4, 4, 3) and got.wrt_bias(2).shape == (4, 4)
    np.testing.assert_allclose(got.wrt_weight(2), expected, atol=1e-15)
    np.testing.assert_allclose(got.wrt_bias(2), np.diag(gamma[1][0]), atol=1e-15)


def test_example_3_two_layers_first_weight():
    net = network((2, 3, 4), "tanh", output="tanh")
    X = np.random.default_rng(5).standard_normal((1, 2))
    weights, a, gamma = parts(net, X)
    chain = np.einsum("v,vp,p->vp", gamma[1][0], weights[1], gamma[0][0])
    got = net.jacobian(X)
    assert got.wrt_weight(1).shape == (4, 3, 2) and got.wrt_bias(1).shape == (4, 3)
    np.testing.assert_allclose(got.wrt_weight(1), np.einsum("vp,q->vpq", chain, a[0][0]), atol=1e-15)
    np.testing.assert_allclose(got.wrt_bias(1), chain, atol=1e-15)


def test_hadamard_identities_of_equations_5_to_7():
    net = network((3, 4, 2, 3), "tanh", output="sigmoid")
    X = np.random.default_rng(6).standard_normal((5, 3))
    passed, J = net.forward(X), net.jacobian(X)
    for k in range(5):
        for l in (1, 2, 3):
            G = np.repeat(passed.gamma(l)[k][:, None], net.widths[l - 1], axis=1)  # eq. 5: γ^l is every column
            np.testing.assert_allclose(passed.D(l)[k], G * net.weight(l), atol=1e-16)
        for l in (1, 2):
            G_tilde = np.repeat(passed.gamma(l)[k][None], net.widths[l + 1], axis=0)  # eq. 6: γ^l is every row
            product = passed.D(l + 1)[k] * G_tilde
            np.testing.assert_allclose(product, passed.D(l + 1)[k] @ np.diag(passed.gamma(l)[k]), atol=1e-16)
            for above in range(l + 2, 4):
                product = passed.D(above)[k] @ product
            np.testing.assert_allclose(J.chain(l)[k], product, atol=1e-15)
            recursion = (J.chain(l + 1)[k] @ net.weight(l + 1)) * passed.gamma(l)[k]
            np.testing.assert_allclose(J.chain(l)[k], recursion, atol=1e-15)
        np.testing.assert_allclose(J.chain(3)[k], np.diag(passed.gamma(3)[k]), atol=1e-16)
