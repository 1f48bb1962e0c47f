"""safetensors: a network there and back by torch's names, and files that hold none, or are damaged, refused by what is wrong."""

import os
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Network
from engine.interop import safetensors
from engine.interop.orders import by_number

from . import cases

numpy_format = pytest.importorskip("safetensors.numpy")
W, V = np.arange(6.0).reshape(3, 2), np.ones((1, 3))
NAME = safetensors.ACTIVATIONS


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("activation", cases.activations(), ids=str)
def test_there_and_back(tmp_path, activation, dtype):
    network, path = cases.network(activation, dtype), tmp_path / "network.safetensors"
    safetensors.save(network, path)
    assert cases.same(safetensors.load(path), network) and os.listdir(tmp_path) == ["network.safetensors"]
    other = np.float32 if dtype == np.float64 else np.float64
    assert np.array_equal(safetensors.load(path, dtype=other).parameters, network.parameters.astype(other))


def test_names_are_torchs(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    network, path = cases.network("tanh", np.float32), tmp_path / "network.safetensors"
    safetensors.save(network, path)
    module = engine.interop.torch.to_torch(Network.initialize(network.widths, "tanh", dtype=np.float32, seed=8))
    module.load_state_dict(load_file(path))
    assert cases.same(engine.interop.torch.from_torch(module), network)
    deep = torch.nn.Sequential(*[torch.nn.Linear(2, 2, bias=i % 2 == 0) for i in range(12)])
    save_file(deep.state_dict(), path)
    loaded = safetensors.load(path, "identity")
    assert cases.same(loaded, engine.interop.torch.from_torch(deep)) and loaded.depth == 12


def test_a_file_of_anothers_takes_activations(tmp_path):
    path = str(tmp_path / "other.safetensors")
    numpy_format.save_file({"net.10.weight": V, "net.2.weight": W, "net.2.bias": np.ones(3)}, path)
    network = safetensors.load(path, engine.activations.NAMED["relu"], output="tanh")
    assert [a.name for a in network.activations] == ["relu", "tanh"] and network.dtype == np.float64
    assert np.array_equal(network.weight(1), W) and network.bias(1).all() and not network.bias(2).any()
    assert safetensors.load(path, ("sin", "cos")).activations[1].name == "cos"
    with pytest.raises(ValueError, match=re.escape(f"{path} does not say which activations its layers have; name them")):
        safetensors.load(path)
    with pytest.raises(ValueError, match="activations must name one for each of the 2 layers"):
        safetensors.load(path, ("tanh",))
    with pytest.raises(ValueError, match="^no activation is named 'tahn'"):
        safetensors.load(path, "tahn")


REFUSED = [
    ({}, None, "holds no arrays"),
    ({"0.weight": W, "0.running_mean": W[0]}, None, "holds '0.running_mean', whose name does not end in .weight or .bias"),
    ({"weight": W}, None, "holds 'weight'"),
    ({"0.weight": W[0]}, None, r"its 0.weight must have shape \[n_l, n_\(l-1\)\], but has \[2\]"),
    ({"0.weight": W, "0.bias": W}, None, r"its 0.bias must have shape \[n_l\], but has \[3, 2\]"),
    ({"0.weight": W, "1.bias": W[:, 0]}, None, "holds 1.bias, but no weight beside it"),
    ({"0.weight": W.astype(int)}, None, "its 0.weight must hold F32, F64, F16, but holds I64"),
    ({"0.weight": W.astype(np.float16)}, None, "its 0.weight holds F16; say in which dtype"),
    ({"enc.weight": W, "dec.weight": V}, None, r"names of its layers \(dec, enc\) differ in more than a number"),
    ({"0.weight": W, "0.1.weight": V}, None, "differ in more than a number"),
    ({"0.weight": W, "2.weight": W}, ["tanh", "tanh"], "W of layer 2 must have 3 columns"),
    ({"0.weight": W, "0.bias": np.ones(2)}, ["tanh"], r"b of layer 1 must have shape \[3\]"),
    ({"0.weight": W * np.nan}, ["tanh"], "W of layer 1 must be finite"),
    ({"0.weight": W}, ["tahn"], "no activation is named 'tahn'"),
    ({"0.weight": W}, ["tanh", "tanh"], "is damaged: it names 2 activations, but holds 1 layers"),
    ({"0.weight": W}, [3], "does not say which activations"),
    ({"0.weight": W}, "{", "does not say which activations"),
    ({"0.weight": W}, "[" * 100_000, "does not say which activations"),
]


@pytest.mark.parametrize("arrays, labels, message", REFUSED, ids=[message[:30] for *_, message in REFUSED])
def test_what_holds_no_network_is_refused(tmp_path, arrays, labels, message):
    import json

    path = str(tmp_path / "wrong.safetensors")
    text = labels if isinstance(labels, str) else json.dumps(labels)
    numpy_format.save_file(arrays, path, None if labels is None else {NAME: text})
    with pytest.raises((ValueError, TypeError), match=message) as refused:
        safetensors.load(path)
    assert str(refused.value).startswith(f"path must name a safetensors file of a dense network's layers, but {path} ")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_whole(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    safetensors.save(cases.network("tanh", np.float32), path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[:data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        network = safetensors.load(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert network.size == cases.network("tanh", np.float32).size and np.isfinite(network.parameters).all()


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        safetensors.load(tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError):
        safetensors.load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="pipe or a device"):
            safetensors.load(tmp_path / "pipe")


def test_a_failure_to_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "network.safetensors"
    safetensors.save(cases.network("tanh", np.float64), path)
    before = path.read_bytes()
    own = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    with pytest.raises(ValueError, match="layer 1's activation 'cube' is a user's own"):
        safetensors.save(Network((1, 1), (own,), [1.0, 0.0]), path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        safetensors.save(cases.network("relu", np.float64), path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["network.safetensors"]
    with pytest.raises(TypeError, match="network must be an engine.Network"):
        safetensors.save(before, path)


def test_without_safetensors_the_error_says_what_to_install(monkeypatch, tmp_path):
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: safetensors.load(tmp_path), lambda: safetensors.save(cases.network("tanh", np.float64), tmp_path)):
        with pytest.raises(ModuleNotFoundError, match=re.escape('needs safetensors: python -m pip install "gammachain[interop]"')):
            call()


@given(st.lists(st.integers(0, 10**9), unique=True), st.sampled_from(["", "Dense_", "net.", "a/b.", "x1_"]), st.randoms())
def test_names_come_in_the_order_of_their_numbers(numbers, stem, random):
    names = [f"{stem}{number}" for number in sorted(numbers)]
    shuffled = random.sample(names, len(names))
    assert by_number(shuffled) == names


@pytest.mark.parametrize("names", [["a", "b"], ["a0", "b1"], ["0", "0.1"], ["Dense_0", "Dense_00"], ["Dense_0", "out"],
                                   ["1.weight", "1.bias"], ["9" * 19, "8" * 19]])
def test_names_that_say_no_order(names):
    assert by_number(names) is None
