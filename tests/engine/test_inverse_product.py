"""(O + λ I)⁻¹ v by conjugate gradients, against NumPy's dense solve."""

import numpy as np
import pytest

from engine import Cost, operators
from tests.cases import CURVATURE, DTYPES, network, targets

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["ggn", "fisher", "empirical_fisher"])
def test_against_a_dense_solve(name, dtype):
    generator, net = np.random.default_rng(0), network((3, 5, 4), dtype=dtype)
    X, y = generator.standard_normal((30, 3)).astype(dtype), targets("softmax_cross_entropy", generator, 30, 4)
    operator, v = CURVATURE[name](net, X, y, Cost("softmax_cross_entropy")), generator.standard_normal(net.size).astype(dtype)
    found = operators.inverse_product(operator, v, damping=0.1)
    expected = np.linalg.solve(operator.dense().astype(float) + 0.1 * np.eye(net.size), v)
    np.testing.assert_allclose(found, expected, rtol=0, atol=(1e-4 if dtype == np.float64 else 1e-2) * np.abs(expected).max())
