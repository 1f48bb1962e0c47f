"""§6: eq. 21."""

import numpy as np
import pytest

from engine import Cost, fit, value_and_gradient
from schedulers import BatchSchedule
from tests.cases import DTYPES, UPDATES, network


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UPDATES)
def test_update_is_its_plain_form(name, dtype):
    update, plain, settings = UPDATES[name]
    net = network((3, 4, 2), "tanh", dtype)
    generator = np.random.default_rng(10)
    X, y = generator.standard_normal((6, 3)).astype(dtype), generator.standard_normal((6, 2)).astype(dtype)
    cost = Cost("squared_error")
    got = fit(net, X, y, cost, update, BatchSchedule(6, order="sequential"), epochs=7, progress=False).network

    def gradient(theta):
        return value_and_gradient(net.replace(theta), X, y, cost)[1].astype(float)

    expected = plain(net.parameters.astype(float), gradient, 7, **settings)
    tolerance = dict(rtol=1e-9, atol=1e-10) if dtype == np.float64 else dict(rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(got.parameters, expected, **tolerance)
