"""§2: eq. 1–3."""

import numpy as np
import pytest

from engine import Network
from tests.cases import ACTIVATIONS, DTYPES, network
from tests.oracle import network as plain


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_forward_pass_is_equations_1_2_and_4(name, dtype):
    net = network((3, 5, 4, 2), name, dtype, output=name)
    if name == "exp":
        net = net.replace(0.3 * net.parameters)
    X = np.random.default_rng(0).standard_normal((20, 3)).astype(dtype)
    z, a, gamma = plain.forward(net.parameters.astype(float), net.widths, [name] * 3, X.astype(float))
    passed = net.forward(X)
    tolerance = dict(rtol=1e-10, atol=1e-12) if dtype == np.float64 else dict(rtol=2e-4, atol=2e-5)
    for l in (1, 2, 3):
        np.testing.assert_allclose(passed.z(l), z[l - 1], **tolerance)
        np.testing.assert_allclose(passed.a(l), a[l], **tolerance)
        np.testing.assert_allclose(passed.gamma(l), gamma[l - 1], **tolerance)
        assert passed.z(l).dtype == passed.a(l).dtype == passed.gamma(l).dtype == dtype
    assert np.array_equal(passed.a(0), X)
    assert np.array_equal(net(X), passed.outputs)


def test_parameters_lie_as_equation_3_says():
    net = network((3, 2, 4))
    theta = np.concatenate([net.weight(1).ravel(), net.bias(1), net.weight(2).ravel(), net.bias(2)])
    assert np.array_equal(theta, net.parameters)
    assert net.size == 2 * (3 + 1) + 4 * (2 + 1)


RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "softplus", "mish", "hard_swish")
VARIANCES = {"glorot": lambda before, width: 2 / (before + width), "he": lambda before, width: 2 / before,
             "lecun": lambda before, width: 1 / before}


@pytest.mark.parametrize("scheme", VARIANCES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_begin_with_the_variance_of_their_scheme(scheme, dtype):
    """Within five standard errors; uniform numbers (glorot) stay below √3 standard deviations, normal ones do not."""
    net = Network.initialize((40, 200, 120), "tanh", seed=0, dtype=dtype, scheme=scheme)
    for l in (1, 2):
        weights, variance = net.weight(l).astype(float), VARIANCES[scheme](*net.widths[l - 1:l + 1])
        assert weights.var() == pytest.approx(variance, rel=5 * (2 / weights.size)**0.5)
        assert abs(weights.mean()) < 5 * (variance / weights.size)**0.5
        assert (abs(weights).max() <= (3 * variance)**0.5 * (1 + 1e-6)) == (scheme == "glorot")
        assert not net.bias(l).any()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_scheme_suits_the_activation(name):
    scheme = "lecun" if name == "selu" else "he" if name in RECTIFIERS else "glorot"
    found, other = (Network.initialize((3, 4, 2), name, output=name, seed=1, scheme=kind) for kind in ("auto", scheme))
    assert np.array_equal(found.parameters, other.parameters)
