"""§2: eq. 1–3."""

import numpy as np
import pytest

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
