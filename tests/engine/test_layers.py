"""A network from the weights and biases of its layers, and back: `from_layers`, `slices`, `unflatten`, `mask`, `astype`."""

import numpy as np
import pytest

import engine
from engine import Network

WIDTHS, NAMES = (4, 6, 5, 3), ("tanh", "softplus", "identity")
NET = Network(WIDTHS, NAMES, np.arange(1.0, 1 + 4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3) / 50)


def layers(net):
    return [(net.weight(l), net.bias(l), net.activations[l - 1]) for l in range(1, net.depth + 1)]


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_a_network_is_made_of_its_layers(dtype):
    net = NET.astype(dtype)
    made = Network.from_layers(layers(net))
    assert made.dtype == dtype and made.widths == WIDTHS and made.activations == net.activations
    assert np.array_equal(made.parameters, net.parameters) and not np.shares_memory(made.parameters, net.parameters)


def test_layers_need_no_biases():
    made = Network.from_layers([(np.ones((2, 4), np.float32), None, "tanh"), (np.ones((1, 2), np.float32), [3.0], "identity")])
    assert made.size == 13 and made.dtype == np.float64 and not made.bias(1).any() and made.bias(2) == 3
    assert Network.from_layers([(np.ones((2, 4), np.float32), None, "tanh")]).dtype == np.float32
    assert Network.from_layers([([[1, 2]], None, "tanh")]).dtype == np.float64
    assert Network.from_layers([(np.ones((1, 2), np.float16), None, "tanh")], np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype, order", [("<f8", "F"), (">f8", "C"), ("f4", "F")])
def test_layers_may_lie_in_any_order(dtype, order):
    W = np.asarray(NET.weight(1), dtype, order=order)
    made = Network.from_layers([(W, NET.bias(1).astype(dtype), "tanh")])
    assert np.array_equal(made.weight(1), NET.weight(1).astype(np.dtype(dtype).newbyteorder("=")))


def test_layers_are_copied():
    W = np.ones((1, 1))
    made = Network.from_layers([(W, None, "identity")])
    W[:] = 2
    assert made([1.0]) == 1


W = np.ones((3, 2))


@pytest.mark.parametrize("given, dtype, error, message", [
    ([], None, ValueError, "but is empty"),
    (3, None, TypeError, "but is int"),
    ([(W, None)], None, ValueError, "layer 1 has 2 parts; without biases b is None"),
    ([(W[0], None, "tanh")], None, ValueError, r"W of layer 1 must have shape \[n_1, n_0\].*\[2\]"),
    ([(W, None, "tanh"), (W, None, "tanh")], None, ValueError, r"W of layer 2 must have 3 columns.*\[3, 2\]; it may be transposed"),
    ([(W, np.ones(2), "tanh")], None, ValueError, r"b of layer 1 must have shape \[3\].*None for zeros.*\[2\]"),
    ([(W, None, "tahn")], None, ValueError, "no activation is named 'tahn'"),
    ([(W * np.nan, None, "tanh")], None, ValueError, r"W of layer 1 must be finite, but W of layer 1\[0, 0\] is nan"),
    ([(W * 1e300, None, "tanh")], np.float32, ValueError, "W of layer 1 must be finite in float32"),
    ([(W.astype(np.float16), None, "tanh")], None, TypeError, "some are float16; choose with dtype="),
    ([(W, None, "tanh")], int, TypeError, "float32 or float64"),
    ([(W * 1j, None, "tanh")], None, TypeError, "W of layer 1 must hold real numbers"),
    ([(np.ones((0, 2)), None, "tanh")], None, ValueError, r"W of layer 1.*\[0, 2\]"),
])
def test_layers_that_do_not_fit_are_refused(given, dtype, error, message):
    with pytest.raises(error, match=message):
        Network.from_layers(given, dtype)


def test_slices_are_where_weights_and_biases_lie():
    for l in (1, 2, 3):
        of_weight, of_bias = NET.slices(l)
        assert np.array_equal(NET.parameters[of_weight], NET.weight(l).ravel())
        assert np.array_equal(NET.parameters[of_bias], NET.bias(l))
    for l in (0, 4, -1):
        with pytest.raises(ValueError, match=r"\bl must be"):
            NET.slices(l)


@pytest.mark.parametrize("shape", [(), (2,), (0,), (2, 3)])
@pytest.mark.parametrize("dtype", (np.float32, np.float64, bool))
def test_unflatten_gives_views(shape, dtype):
    v = np.zeros((*shape, NET.size), dtype)
    found = NET.unflatten(v)
    assert [(w.shape, b.shape) for w, b in found] == [((*shape, n, k), (*shape, n)) for k, n in zip(WIDTHS, WIDTHS[1:])]
    for part in (part for layer in found for part in layer):
        assert part.dtype == dtype and (not part.size or np.shares_memory(part, v))
        part[...] = 1
    assert v.all()


def test_unflatten_gives_views_of_any_memory():
    v = np.asfortranarray(np.random.default_rng(0).standard_normal((7, 2 * NET.size)))[::2, ::2]
    for l, (w, b) in enumerate(NET.unflatten(v), 1):
        of_weight, of_bias = NET.slices(l)
        assert np.shares_memory(w, v) and np.shares_memory(b, v)
        assert np.array_equal(w.reshape(4, -1), v[:, of_weight]) and np.array_equal(b, v[:, of_bias])
    assert not NET.unflatten(NET.parameters)[0][0].flags.writeable


def test_unflatten_and_from_layers_undo_each_other():
    parts = [(w, b, name) for (w, b), name in zip(NET.unflatten(NET.parameters), NAMES)]
    assert np.array_equal(Network.from_layers(parts).parameters, NET.parameters)


@pytest.mark.parametrize("v", (np.float64(3), np.ones(5), np.ones((NET.size, 2))))
def test_unflatten_refuses_other_lengths(v):
    with pytest.raises(ValueError, match=rf"v must have shape \[\.\.\., {NET.size}\]"):
        NET.unflatten(v)


def test_a_mask_marks_weights_and_biases_of_layers():
    assert NET.mask().all() and not NET.mask(False, False).any() and NET.mask().dtype == bool and NET.mask().flags.writeable
    assert np.array_equal(NET.mask(biases=False), ~NET.mask(weights=False))
    assert NET.mask(biases=False).sum() == 4 * 6 + 6 * 5 + 5 * 3
    assert np.flatnonzero(NET.mask(weights=False, layers=[1])).tolist() == list(range(24, 30))
    assert np.array_equal(NET.mask(layers=iter([3, 1])) | NET.mask(layers=np.array([2])), NET.mask())
    assert not NET.mask(layers=[]).any()


@pytest.mark.parametrize("given, error, message", [
    ({"layers": 3}, TypeError, r"layers must be a sequence of layer numbers, such as \[1, 3\], but is 3"),
    ({"layers": [0]}, ValueError, "each of layers must be a whole number of at least 1"),
    ({"layers": [4]}, ValueError, "each of layers must be a layer from 1 to 3, but is 4"),
    ({"weights": 1}, TypeError, "weights must be True or False, but is 1"),
    ({"biases": None}, TypeError, "biases must be True or False"),
])
def test_masks_of_no_layers_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        NET.mask(**given)


def test_astype_rounds_parameters():
    single = NET.astype(np.float32)
    assert single.dtype == np.float32 and np.array_equal(single.parameters, NET.parameters.astype(np.float32))
    assert single(np.ones((2, 4))).dtype == np.float32 and NET.astype("float64") is NET
    assert not single.parameters.flags.writeable and single.activations == NET.activations
    back = single.astype(float)
    assert back.dtype == np.float64 and np.array_equal(back.parameters, single.parameters)
    with pytest.raises(ValueError, match=r"parameters\[1\] is 1e\+300, beyond its range"):
        Network((1, 1), ("identity",), np.array([0.0, 1e300])).astype(np.float32)
    with pytest.raises(TypeError, match="dtype must be float32 or float64"):
        NET.astype(np.int64)


def test_a_users_own_activation_goes_along():
    cube = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    made = Network.from_layers([([[2.0]], None, cube)]).astype(np.float32)
    assert made([1.0]) == 8 and made.activations == (cube,)
