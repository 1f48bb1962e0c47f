"""What kernels index by is a copy that was checked after it was made; arrays of any kind give the numbers that they hold."""

import numpy as np
import pytest

import engine
from engine import Cost, Network, checks, cost_checks, operators, reductions, value_and_gradient
from tests.cases import network

net = network((4, 5, 3))
X, Y, C = np.random.default_rng(0).uniform(-1, 1, (6, 4)), np.linspace(0, 1, 18).reshape(6, 3), np.array([0, 1, 2, 2, 1, 0])
square, entropy = Cost("squared_error"), Cost("softmax_cross_entropy")


class Changing:
    """An array that is another each time it is asked for."""

    def __init__(self, *arrays):
        self._arrays, self.asked = arrays, 0

    def __len__(self):
        return len(self._arrays[0])

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return self._arrays[min(self.asked, len(self._arrays)) - 1]


WRONG = {"X": np.full_like(X, np.nan), "y": np.full(6, 10**6), "theta": np.full(net.size, np.nan), "v": np.full(net.size, np.nan)}


@pytest.mark.parametrize("name, right, call", [
    ("X", X, lambda values: net(values)),
    ("X", X, lambda values: net.forward(values).outputs),
    ("X", X, lambda values: net.jacobian(values).dense()),
    ("X", X, lambda values: value_and_gradient(net, values, C, entropy)[1]),
    ("y", C, lambda values: value_and_gradient(net, X, values, entropy)[1]),
    ("y", C, lambda values: value_and_gradient(net, X, values, entropy, max_bytes=1 << 30)[1]),
    ("y", C, lambda values: entropy.output_gradient(Y, values)),
    ("y", C, lambda values: operators.ggn(net, X, values, entropy).diagonal()),
    ("y", C, lambda values: engine.per_sample_gradient_norms(net, X, values, entropy)),
    ("y", C, lambda values: engine.losses.softmax_cross_entropy.value(Y, values)),
    ("theta", net.parameters, lambda values: net.replace(values)(X)),
    ("theta", net.parameters, lambda values: Network(net.widths, net.activations, values)(X)),
    ("v", np.ones(net.size), lambda values: net.jacobian(X) @ values),
    ("y", C, lambda values: reductions.group_max(values).data),
])
def test_an_object_is_asked_for_its_numbers_once(name, right, call):
    values = Changing(right, WRONG[name])
    assert np.array_equal(call(values), call(right)) and values.asked == 1


def test_class_numbers_are_copied_before_they_are_checked(monkeypatch):
    """Another thread may write to the array at any time: what is checked is what the kernel gets."""
    given = C.copy()
    copied = cost_checks.indexing

    def then_changed(array, dtype):
        copy = copied(array, dtype)
        given[:] = 10**6
        return copy

    monkeypatch.setattr(cost_checks, "indexing", then_changed)
    targets = cost_checks.targets(given, (6, 3), np.dtype(np.float64), "classes")
    assert np.array_equal(targets[:, 0], C) and not np.shares_memory(targets, given)

    def changed_before(array, dtype):
        given[:] = 10**6
        return copied(array, dtype)

    given[:] = C
    monkeypatch.setattr(cost_checks, "indexing", changed_before)
    with pytest.raises(ValueError, match=r"y\[0\] is 1000000"):
        cost_checks.targets(given, (6, 3), np.dtype(np.float64), "classes")


@pytest.mark.parametrize("dtype", [bool, "u1", "<i8", ">i8", "u8", "i2"])
@pytest.mark.parametrize("real", (np.float32, np.float64))
def test_what_kernels_index_by_is_never_the_users_memory(dtype, real):
    given = (C % 2).astype(dtype)
    targets = cost_checks.targets(given, (6, 3), np.dtype(real), "classes")
    assert targets.dtype == real and np.array_equal(targets[:, 0], C % 2) and not np.shares_memory(targets, given)
    assert not np.shares_memory(reductions.group_max(given).data, given)
    assert not np.shares_memory(checks.parameters(given.astype(real), 6, ()), given)


def kinds():
    """X by the ways in which it can lie in memory."""
    wide = np.zeros((6, 9))
    wide[:, ::2][:, :4] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    shifted = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(X.shape)
    shifted[:] = X
    yield from (X.tolist(), np.asfortranarray(X), wide[:, ::2][:, :4], frozen, shifted, X.astype(">f8"), X[::-1].copy()[::-1])
    yield from (np.asmatrix(X), X.astype(np.longdouble), np.ma.masked_array(X), memoryview(X), X.astype(object).astype(float))


def test_samples_in_any_memory_give_the_same_bits():
    expected = net(X)
    for given in kinds():
        assert net(given).tobytes() == expected.tobytes() and type(net(given)) is np.ndarray
    one = np.broadcast_to(X[:1], X.shape)  # every row the same memory
    assert np.array_equal(net(one), np.repeat(net(X[:1]), 6, axis=0))
    assert np.array_equal(net(X.astype(np.float16)), net(X.astype(np.float16).astype(float)))


def test_parameters_truths_and_directions_of_another_byte_order_are_converted():
    for real in (np.float32, np.float64):
        own = network((4, 5, 3), dtype=real)
        theta = own.parameters.astype(own.dtype.newbyteorder(">"))
        foreign = Network(own.widths, own.activations, theta)
        assert foreign.dtype == real and foreign.dtype.isnative and np.array_equal(foreign.parameters, own.parameters)
        expected, A = value_and_gradient(own, X, Y, square), own(X)
        found = value_and_gradient(own, X.astype(">f8"), Y.astype(">f4").astype(">f8"), square)
        assert found[0] == value_and_gradient(own, X, Y.astype("f4"), square)[0] and np.isfinite(expected[0])
        assert np.array_equal(own.jacobian(X) @ theta, own.jacobian(X) @ own.parameters)
        values = square.losses(A.astype(A.dtype.newbyteorder(">")), Y)
        assert values.dtype == real and values.dtype.isnative and np.array_equal(values, square.losses(A, Y))


def test_products_have_the_shapes_that_scipy_gives_them():
    J = net.jacobian(X)
    dense, generator = J.dense(), np.random.default_rng(1)
    V, U = generator.standard_normal((net.size, 2)), generator.standard_normal((18, 2))
    for found, expected in ((J @ V, dense @ V), (J.T @ U, dense.T @ U), (U.T @ J, U.T @ dense), (J.H @ U[:, 0], dense.T @ U[:, 0]),
                            (J.matvec(V[:, :1]), dense @ V[:, :1]), (J.T.T @ V, dense @ V), (J.rmatmat(U), dense.T @ U),
                            (J @ np.asmatrix(V), dense @ V), ((2 * J) @ V, 2 * dense @ V), (J @ V[:, :0], dense @ V[:, :0]),
                            (J.T @ U[:, :0], dense.T @ U[:, :0]), ((J.T @ J) @ V, dense.T @ (dense @ V))):
        assert found.shape == expected.shape and np.allclose(found, expected)
    assert J.T.shape == (net.size, 18) and J.T.T is J and J.T.dtype == J.dtype
