"""Moments of single samples' gradients: against the literal formulas, where the mean is large, in slabs, and BackPACK."""

import numpy as np
import pytest

import engine
from engine import Activation, Cost, Loss, Network, gradient_moments, per_sample_gradients
from engine.pool import num_threads
from tests.cases import DTYPES, network, targets
from tests.oracle import network as plain
from tests.oracle.losses import derivatives

pytestmark = pytest.mark.compiled

CUBE = Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
QUARTIC = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)


def literal_rows(net, X, loss, y):
    """∇_θ L_k [m, P] by the oracle, in float64."""
    theta, X, names = net.parameters.astype(float), X.astype(float), [g.name for g in net.activations]
    A = plain.forward(theta, net.widths, names, X)[1][-1]
    J = plain.jacobian(theta, net.widths, names, X).reshape(len(X), net.widths[-1], -1)
    return np.einsum("ki,kip->kp", derivatives(loss, A, y)[0], J)


def data(net, m, loss="squared_error", seed=0):
    generator = np.random.default_rng(seed)
    X, y = generator.standard_normal((m, net.widths[0])), targets(loss, generator, m, net.widths[-1])
    return X.astype(net.dtype), y if y.dtype.kind == "i" else y.astype(net.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("widths, m, loss", [((5, 19, 7, 3), 300, "softmax_cross_entropy"), ((3, 1), 1, "squared_error"),
                                             ((2, 20, 1), 129, "log_cosh"), ((40, 70, 2), 133, "huber"),
                                             ((260, 70, 260, 2), 21, "squared_error"),
                                             ((3, 4, 2), 5, "poisson")])
def test_the_literal_formulas(widths, m, loss, dtype):
    net = network(widths, "tanh", dtype)
    X, y = data(net, m, loss)
    rows, found = literal_rows(net, X, loss, y), gradient_moments(net, X, y, Cost(loss))
    scale = np.abs(rows).max()
    close = dict(rtol=0, atol=1e-12 if dtype == np.float64 else 1e-5)
    for value, expected, power in ((found.mean, rows.mean(0), 1), (found.variance, rows.var(0), 2),
                                   (found.second_moment, (rows**2).mean(0), 2)):
        assert value.shape == (net.size,) and value.dtype == dtype
        np.testing.assert_allclose(value / scale**power, expected / scale**power, **close)
    assert (found.variance >= 0).all() and found.samples == m and repr(found) == f"GradientMoments(m = {m}, P = {net.size})"


@pytest.mark.parametrize("dtype, ratio", [(np.float64, 1e10), (np.float32, 1e4)])
@pytest.mark.parametrize("m", [130, 700])
def test_the_variance_keeps_its_digits_beside_a_large_mean(dtype, ratio, m):
    net = network((3, 6, 4, 2), dtype=dtype)
    X, y = data(net, m)
    y = (ratio * (1 + np.arange(2)) + y).astype(dtype)
    y[:, 1] += np.linspace(0, 40, m).astype(dtype)  # so that blocks have means of their own
    rows = per_sample_gradients(net, X, y, Cost("squared_error")).astype(np.longdouble)
    found = gradient_moments(net, X, y, Cost("squared_error"))
    np.testing.assert_allclose(found.variance, rows.var(0).astype(float), rtol=1e-4 if dtype == np.float64 else 2e-3)
    close = float(np.abs(rows).max()) * 64 * np.finfo(dtype).eps
    np.testing.assert_allclose(found.mean, rows.mean(0).astype(float), rtol=0, atol=close)
    bias = rows[:, -2].astype(dtype)
    assert abs(((bias**2).mean() - bias.mean()**2) / bias.var() - 1) > 0.5  # what cancels


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_bits_in_slabs_and_on_any_number_of_threads(dtype):
    net, before = network((6, 40, 30, 4), dtype=dtype), num_threads()
    X, y = data(net, 1100)
    try:
        results = []
        for threads, max_bytes in ((1, None), (2, None), (3, 2_000_000), (1, 1_000_000)):
            engine.set_num_threads(threads)
            found = gradient_moments(net, X, y, Cost("squared_error"), max_bytes=max_bytes)
            results.append(found.mean.tobytes() + found.variance.tobytes())
    finally:
        engine.set_num_threads(before)
    assert len(set(results)) == 1
    with pytest.raises(MemoryError, match="max_bytes is 1000, but one block of 128 samples takes"):
        gradient_moments(net, X, y, Cost("squared_error"), max_bytes=1000)


def test_functions_of_ones_own_and_rows_from_a_file():
    class File:
        """Rows by slices."""

        def __init__(self, array):
            self.array = array

        def __len__(self):
            return len(self.array)

        def __getitem__(self, chosen):
            return self.array[chosen]

    for activation, loss in ((CUBE, "squared_error"), ("tanh", QUARTIC)):
        net = network((2, 5, 2), (activation, "identity"))
        X, y = data(net, 300)
        rows = per_sample_gradients(net, X, y, Cost(loss))
        found = gradient_moments(net, X, y, Cost(loss))
        np.testing.assert_allclose(found.mean, rows.mean(0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.variance, rows.var(0), rtol=1e-12)
        slabs = gradient_moments(net, File(X), File(y), Cost(loss), max_bytes=200_000)
        assert slabs.variance.tobytes() == found.variance.tobytes() and slabs.mean.tobytes() == found.mean.tobytes()


def test_signal_to_noise_where_nothing_varies():
    net = Network((1, 1, 1), ("relu", "identity"), np.array([1.0, -9.0, 1.0, 2.0]))  # a neuron that is never active
    found = gradient_moments(net, [[1.0], [2.0], [3.0]], [[0.0], [0.0], [0.0]], Cost("squared_error"))
    assert np.array_equal(found.mean, [0, 0, 0, 2]) and np.array_equal(found.variance, np.zeros(4))
    assert np.array_equal(found.signal_to_noise, [0, 0, 0, np.inf])
    net = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    found = gradient_moments(net, [[1.0], [2.0]], [[0.0], [0.0]], Cost("squared_error", "sum"))
    assert np.array_equal(found.signal_to_noise, [25 / 9, 9]) and np.array_equal(found.second_moment, [34, 10])


def test_refusals():
    net, cost = network((3, 4, 2)), Cost("squared_error")
    X, y = np.ones((5, 3)), np.ones((5, 2))
    with pytest.raises(ValueError, match=r"y must have one entry for each of the 5 samples.*\[2, 2\]"):
        gradient_moments(net, X, y[:2], cost)
    with pytest.raises(ValueError, match="at least one sample"):
        gradient_moments(net, X[:0], y[:0], cost)
    with pytest.raises(ValueError, match="cost must have no penalty here"):
        gradient_moments(net, X, y, Cost("squared_error", penalty=engine.penalties.ridge(0.1)))


def test_against_backpack():
    torch, backpack = pytest.importorskip("torch"), pytest.importorskip("backpack")
    from backpack.extensions import SumGradSquared, Variance

    net, m = network((4, 6, 3)), 30
    X, c = data(net, m, "softmax_cross_entropy", 7)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    with torch.no_grad():
        for l, layer in ((1, model[0]), (2, model[2])):
            layer.weight.copy_(torch.tensor(net.weight(l)))
            layer.bias.copy_(torch.tensor(net.bias(l)))
    loss = backpack.extend(torch.nn.CrossEntropyLoss())(backpack.extend(model)(torch.tensor(X)), torch.tensor(c))
    with backpack.backpack(Variance(), SumGradSquared()):
        loss.backward()
    found = gradient_moments(net, X, c, Cost("softmax_cross_entropy"))
    for value, name in ((found.variance / m**2, "variance"), (found.second_moment / m, "sum_grad_squared"), (found.mean, "grad")):
        theirs = np.concatenate([getattr(parameter, name).numpy().ravel() for parameter in model.parameters()])
        np.testing.assert_allclose(value, theirs, atol=1e-15, rtol=1e-11)
