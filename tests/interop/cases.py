"""Networks that every partner is tested with."""

import numpy as np

import engine
from engine import Network
from engine.activations import NAMED

DTYPES = (np.float64, np.float32)
ROUNDING = {np.float64: 1e-12, np.float32: 2e-5}
WIDTHS = (3, 4, 4, 2)
M = 5


def activations():
    """Every activation by name, and with parameters where they may have some."""
    return [*NAMED, engine.activations.leaky_relu(0.2), engine.activations.elu(0.5), engine.activations.softplus(2.0),
            engine.activations.hard_tanh(-0.5, 2.0), engine.activations.hard_tanh(0.0, 6.0)]


def network(activation, dtype, widths=WIDTHS, seed=1):
    """A network whose hidden layers have one activation, with biases other than 0."""
    first = Network.initialize(widths, activation, seed=seed, dtype=dtype)
    biases = 0.3 * np.random.default_rng(seed).standard_normal(first.size)
    return first.replace(np.where(first.mask(weights=False), biases, first.parameters))


def samples(dtype, m=M):
    return np.random.default_rng(2).standard_normal((m, WIDTHS[0])).astype(dtype)


def same(first, second):
    """Two networks are one: widths, activations, dtype and every number."""
    return (first.widths == second.widths and first.dtype == second.dtype and np.array_equal(first.parameters, second.parameters)
            and repr(first.activations) == repr(second.activations))


def assert_close(found, expected, dtype, message="", times=1):
    """Equal to rounding, by the size of the largest number."""
    expected = np.asarray(expected)
    assert np.asarray(found).dtype == dtype, message
    np.testing.assert_allclose(found, expected, rtol=0, atol=times * ROUNDING[dtype] * max(1.0, np.abs(expected).max(initial=0)),
                               err_msg=message)
