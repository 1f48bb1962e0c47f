"""Trees of NumPy arrays, which need no JAX: there and back, and refusals that name the place."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from engine import Network
from engine.interop.jax import from_tree, to_tree

from . import cases

K, B, V, C = np.arange(6.0).reshape(2, 3), np.arange(3.0), np.ones((3, 1)), np.ones(1)
LAYER = {"kernel": K, "bias": B}
Pair = namedtuple("Pair", "w, b")
SAME = [
    [(K, B), (V, C)],
    ((K, B), (), (V, C)),
    [Pair(K, B), Pair(V, C)],
    [LAYER, {"w": V, "b": C}],
    {"params": {"Dense_0": LAYER, "Dense_1": {"kernel": V, "bias": C}}},
    {"Dense_10": {"kernel": V, "bias": C}, "Dense_9": LAYER},
    {"linear_1": {"w": V, "b": C}, "linear": {"w": K, "b": B}},
    {"params": {"MLP_0": {"Dense_0": LAYER, "Dense_1": {"kernel": V, "bias": C}}}},
    {"layers": {2: {"kernel": V, "bias": C}, 0: LAYER}},
    {"params": [(K, B), (V, C)]},
    OrderedDict(layer1=(K, B), layer2=(V, C)),
]


@pytest.mark.parametrize("tree", SAME, ids=range(len(SAME)))
def test_one_network_in_many_trees(tree):
    network = Network.from_layers([(K.T, B, "tanh"), (V.T, C, "identity")])
    assert cases.same(from_tree(tree, "tanh"), network) and cases.same(from_tree(tree, ("tanh", "identity")), network)
    back = to_tree(network, like=tree)
    assert type(back) is type(tree) and cases.same(from_tree(back, "tanh"), network) and repr(back) == repr(tree)
    kernels = to_tree(network)
    assert np.array_equal(kernels[0][0], K) and np.array_equal(kernels[1][1], C) and cases.same(from_tree(kernels, "tanh"), network)
    kernels[0][0][:] = 0
    assert network.weight(1).any()


def test_biases_may_be_missing():
    for tree in ([(K, None), (V, None)], [K, V], [(K,), (V,)], {"a1": {"w": K}, "a2": {"w": V, "b": None}}):
        network = from_tree(tree, "relu")
        assert not network.bias(1).any() and np.array_equal(network.weight(2), V.T)
        gradient = to_tree(network, np.ones(network.size), like=tree)
        assert repr(gradient) == repr(tree).replace(repr(K), repr(np.ones_like(K))).replace(repr(V), repr(np.ones_like(V)))
    with pytest.raises(ValueError, match=r"like has no bias beside like\[0\], but the network's is not 0 there"):
        to_tree(from_tree([(K, B + 1)], ("tanh",)), like=[K])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_dtypes(dtype):
    network = from_tree([(K.astype(dtype), B.astype(dtype))], ("tanh",))
    assert network.dtype == dtype and to_tree(network)[0][0].dtype == dtype
    assert from_tree([(K.astype(np.float16), B)], ("tanh",), dtype=dtype).dtype == dtype
    assert to_tree(network, like=[(K.astype(np.float16), B)])[0][0].dtype == np.float16
    assert to_tree(network, np.arange(9), like=[(K, B)])[0][1].tolist() == [6, 7, 8]


def test_flaxs_names_are_understood():
    names = ("swish", "soft_sign", "hard_tanh", "gelu")
    assert [a.name for a in from_tree([np.eye(2)] * 4, names).activations] == ["silu", "softsign", "hard_tanh", "gelu"]


def endless():
    tree = {}
    tree["layer"] = tree
    return tree


REFUSED = [
    (lambda: [], "but holds no layer"),
    (lambda: {}, "but holds no layer"),
    (lambda: 3, "but tree is 3"),
    (lambda: "params", "but tree is 'params'"),
    (lambda: [LAYER, "tanh"], r"tree\[1\] is 'tanh'"),
    (lambda: {"encoder": LAYER, "decoder": LAYER}, r"names in tree \(decoder, encoder\) differ in more.*\[tree\[…\], tree\[…\]\]"),
    (lambda: {"w1": K, "b1": B}, "differ in more"),
    (lambda: {"params": {"Dense_0": LAYER}, "batch_stats": {}}, "holds 'batch_stats' beside 'params'"),
    (lambda: {"LayerNorm_0": {"scale": B, "bias": B}}, "differ in more"),
    (lambda: {"Conv_0": {"kernel": np.ones((3, 3, 1, 2)), "bias": B}}, r"tree\['Conv_0'\]\['kernel'\] has shape \[3, 3, 1, 2\]"),
    (lambda: {"Dense_0": {**LAYER, "scale": B}}, r"tree\['Dense_0'\] holds 'scale' too"),
    (lambda: [(K, B), (K, B)], r"tree\[1\]\[0\] has shape \[2, 3\], and the layer before gives 3; .*W.T"),
    (lambda: [(K.T, B)], r"tree\[0\]\[0\] has shape \[3, 2\], and its bias \[3\]; .*W.T"),
    (lambda: [(K, B), B], r"tree\[1\] is an array of 1 axis, shape \[3\]"),
    (lambda: [(K.astype(complex), B)], r"tree\[0\]\[0\] must hold real numbers"),
    (lambda: [(K * np.nan, B)], "W of layer 1 must be finite"),
    (lambda: endless(), "nested deeper than 50 levels"),
]


@pytest.mark.parametrize("build, message", REFUSED, ids=[message[:30] for _, message in REFUSED])
def test_other_trees_are_refused_by_the_place(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        from_tree(build(), "tanh")


def test_wrong_arguments():
    network = from_tree([(K, B)], ("tanh",))
    for call, message in [(lambda: from_tree([(K, B)], ("tanh", "tanh")), "activations must name one for each of the 1 layers"),
                          (lambda: from_tree([(K, B)], "tanh", output="tahn"), "no activation is named 'tahn'"),
                          (lambda: from_tree([(K, B)], "tanh", output=np.tanh), "an activation must be a name"),
                          (lambda: from_tree([(K, B)], "tanh", dtype="int"), "dtype must be float32 or float64"),
                          (lambda: to_tree(network, np.ones(8)), r"v must have shape \[9\]"),
                          (lambda: to_tree(network, like=[(V, C)]), "like must have the network's kernels"),
                          (lambda: to_tree(network, like=[(K, C)]), r"like must have a bias of shape \[3\] beside like\[0\]\[0\]"),
                          (lambda: to_tree(network, like=3), "like must be a sequence"),
                          (lambda: to_tree([(K, B)]), "network must be an engine.Network")]:
        with pytest.raises((ValueError, TypeError), match=message):
            call()
