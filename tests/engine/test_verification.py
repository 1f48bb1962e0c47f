"""check_derivatives: right derivatives pass and wrong ones are found, whatever the size of inputs, outputs, losses and costs."""

import numpy as np
import pytest

from engine import Activation, Cost, Loss, Network, Reduction, check_derivatives
from tests.cases import DTYPES, network, targets

pytestmark = pytest.mark.compiled

SCALES = [1e-12, 1e-9, 1e-4, 1.0, 1e4, 1e9, 1e12]
GENERATOR = np.random.default_rng(0)
X, Y = GENERATOR.standard_normal((6, 3)), GENERATOR.standard_normal((6, 2))
MISTAKES = {"a factor of 1.01": lambda g: 1.01 * g, "a sign": lambda g: -g, "a factor of 1/2": lambda g: g / 2}


def found(net, cost, inputs=X, y=Y):
    """The names of derivatives that do not hold."""
    return {row.name for row in check_derivatives(net, inputs, y, cost).rows if not row.holds}


def scaled_outputs(scale, dtype=np.float64):
    """A network whose outputs are of the size `scale`."""
    net = network((3, 5, 2), "tanh", dtype)
    theta = net.parameters.copy()
    theta[20:] *= scale
    return net.replace(theta)


@pytest.mark.parametrize("scale", SCALES)
def test_losses_of_any_size(scale):
    net = network((3, 5, 2))

    def value(A, y):
        return scale * ((A - y)**4 + np.abs(A)**3).sum(1)

    def gradient(A, y):
        return scale * (4 * (A - y)**3 + 3 * A * np.abs(A))

    assert not found(net, Cost(Loss(value, gradient)))
    for name, mistake in MISTAKES.items():
        assert "loss gradient" in found(net, Cost(Loss(value, lambda A, y, wrong=mistake: wrong(gradient(A, y))))), name
    assert "loss gradient" in found(net, Cost(Loss(value, lambda A, y: scale * 4 * (A - y)**3))), "a missing term"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", SCALES)
def test_outputs_of_any_size(scale, dtype):
    net = scaled_outputs(scale, dtype)
    for y in (Y, scale * Y):
        assert not found(net, Cost("squared_error"), y=y)
        wrong = Loss(lambda A, y: ((A - y)**2).sum(1) / 2, lambda A, y: 1.01 * (A - y))
        assert "loss gradient" in found(net, Cost(wrong), y=y)


@pytest.mark.parametrize("scale", SCALES)
def test_reductions_of_losses_of_any_size(scale):
    net, y = scaled_outputs(scale), scale * Y

    def value(L):
        return np.sqrt((L**2).sum())

    def gradient(L):
        return L / np.sqrt((L**2).sum())

    assert not found(net, Cost("squared_error", Reduction(value, gradient)), y=y)
    for name, mistake in MISTAKES.items():
        cost = Cost("squared_error", Reduction(value, lambda L, wrong=mistake: wrong(gradient(L))))
        assert "reduction gradient" in found(net, cost, y=y), name
    first = Reduction(value, lambda L: np.where(np.arange(len(L)) == 2, 0, gradient(L)))
    assert "reduction gradient" in found(net, Cost("squared_error", first), y=y), "a missing entry"


@pytest.mark.parametrize("scale", SCALES)
def test_activations_of_any_size(scale):
    """g of the size `scale` at ordinary z, and ordinary g at z of the size `scale`."""
    def build(size, first=1.0, second=1.0):
        own = Activation("own", lambda z: size * (z**3 + z), lambda z: first * size * (3 * z**2 + 1),
                         lambda z: second * size * 6 * z)
        return Network((3, 5, 2), (own, "identity"), network((3, 5, 2)).parameters)

    for size, inputs in ((scale, X), (1.0, scale * X)):
        assert not found(build(size), Cost("squared_error"), inputs)
        for wrong, name in (({"first": 1.01}, "first"), ({"second": 1.01}, "second"), ({"second": -1.0}, "second")):
            assert f"layer 1: own, {name} derivative" in found(build(size, **wrong), Cost("squared_error"), inputs)


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1.0, 1e3])
@pytest.mark.parametrize("name", ["tanh", "sin", "relu", "leaky_relu", "softplus", "hard_tanh"])
def test_our_own_at_inputs_of_any_size(name, size):
    assert not found(network((3, 5, 2), name), Cost("squared_error"), size * X)


@pytest.mark.parametrize("loss", ["huber", "log_cosh", "softmax_cross_entropy", "binary_cross_entropy", "hinge", "absolute_error"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 20.0])
def test_our_own_losses_at_outputs_of_any_size(loss, scale):
    assert not found(scaled_outputs(scale), Cost(loss), y=targets(loss, np.random.default_rng(1), 6, 2))


def test_a_sigmoid_of_tiny_inputs():
    """g(z) is ½ to within rounding at every step of z's own size, so that steps of the size of 1 must tell."""
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    for factor, name in ((1.0, set()), (1.01, {"layer 1: own, first derivative"})):
        own = Activation("own", sigmoid, lambda z, factor=factor: factor * sigmoid(z) * sigmoid(-z))
        assert name <= found(Network((3, 5, 2), (own, "identity"), network((3, 5, 2)).parameters), Cost("squared_error"), 1e-12 * X)
    own = Activation("own", sigmoid, lambda z: sigmoid(z) * sigmoid(-z))
    assert not found(Network((3, 5, 2), (own, "identity"), network((3, 5, 2)).parameters), Cost("squared_error"), 1e-12 * X)


def test_one_sample_that_is_wrong_among_larger_ones():
    """Each number is judged by its own size, and not by the largest."""
    sizes = 10.0**np.arange(-6, 6, 2)[:, None]

    def gradient(A, y):
        return sizes * (A - y)

    value = Loss(lambda A, y: (sizes * (A - y)**2).sum(1) / 2, gradient)
    assert not found(network((3, 5, 2)), Cost(value))
    wrong = Loss(value.value, lambda A, y: np.where(np.arange(6)[:, None] == 0, 1.01, 1) * gradient(A, y))
    assert "loss gradient" in found(network((3, 5, 2)), Cost(wrong))


def test_right_derivatives_far_from_the_targets():
    net = Network((2, 1), ("identity",), 1e4 * np.array([1.0, -2.0, 3.0]))
    inputs = GENERATOR.standard_normal((6, 2))
    report = check_derivatives(net, inputs, net(inputs) + 1e3 * GENERATOR.standard_normal((6, 1)), Cost("squared_error"))
    assert report.holds, str(report)
    zero = Network((2, 1), ("identity",), np.zeros(3))
    assert check_derivatives(zero, inputs, np.zeros((6, 1)), Cost("squared_error")).holds


def test_a_kink_shows_where_a_sample_lies_on_it():
    net = Network((1, 1), ("relu",), np.array([1.0, 0.0]))
    assert "layer 1: relu, first derivative" in found(net, Cost("squared_error"), np.zeros((1, 1)), np.ones((1, 1)))
    assert not found(net, Cost("squared_error"), np.full((1, 1), 1e-9), np.ones((1, 1)))


def test_what_is_not_finite_is_refused():
    large = Network((1, 1), ("exp",), np.array([1000.0, 0.0]))
    with pytest.raises(ValueError, match="the network's outputs must be finite"):
        check_derivatives(large, [[1.0]], [[0.0]], Cost("squared_error"))
    with pytest.raises(ValueError, match="the losses must be finite"):
        check_derivatives(large, [[0.5]], [[0.0]], Cost("squared_error"))
