"""ONNX: models that ONNX Runtime runs, read back as the same network; models of others; refusals that name file and node."""

import os
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Network
from engine.interop import onnx as ours
from engine.interop.onnx_expressions import Z, apply, canonical, matches

from . import cases

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

W, B, V = np.arange(6.0, dtype=np.float32).reshape(3, 2) / 7, np.ones(3, np.float32), np.ones((1, 3), np.float32)


def run(path, X):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"X": X})[0]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("activation", cases.activations(), ids=str)
def test_there_and_back(tmp_path, activation, dtype):
    network, X, path = cases.network(activation, dtype), cases.samples(dtype), tmp_path / "network.onnx"
    if activation in ("erf", "gelu") and dtype == np.float64:
        with pytest.raises(ValueError, match=f"layer 1 has the activation {activation}, which ONNX Runtime computes in"):
            ours.save(network, path)
        ours.save(network, path, np.float64)
        assert cases.same(ours.load(path), network)
        ours.save(network, path, np.float32)
        X, dtype = X.astype(np.float32), np.float32
        network = network.astype(dtype)
    else:
        ours.save(network, path)
    onnx.checker.check_model(str(path), full_check=True)
    found = run(path, X)
    cases.assert_close(found, network(X), dtype, times=2)
    assert cases.same(ours.load(path), network) and os.listdir(tmp_path) == ["network.onnx"]


def test_every_activations_derivative_is_read_with_it(tmp_path):
    """J of what was read is J of what was written: parameters are exact."""
    network, path = cases.network(engine.activations.elu(0.3), np.float64), tmp_path / "network.onnx"
    ours.save(network, path)
    X = cases.samples(np.float64)
    assert np.array_equal(ours.load(path).jacobian(X).dense(), network.jacobian(X).dense())


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def model(path, nodes, constants, shape=("m", 2), outputs=("A",), kind=TensorProto.FLOAT, opset=20, inputs=("X",)):
    """A model of (op, inputs, output, attributes)."""
    made = [helper.make_node(op, list(given), [output], domain=attributes.pop("domain", ""), **attributes)
            for op, given, output, attributes in ((*node, {}) if len(node) == 3 else (*node[:3], dict(node[3])) for node in nodes)]
    graph = helper.make_graph(made, "g", [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
                              [helper.make_tensor_value_info(name, kind, ("m", "n")) for name in outputs],
                              [values if isinstance(values, TensorProto) else tensor(name, values)
                               for name, values in constants.items()])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


CONSTANTS = {"W": W, "Wt": W.T.copy(), "b": B, "V": V, "half": np.float32(0.5), "one": np.float32(1), "two": np.float32(2),
             "root": np.float32(np.sqrt(2)), "zero": np.float32(0), "three": np.float32(3), "six": np.float32(6),
             "shape": np.array([-1, 2])}
LAYER = ("Gemm", ("X", "W", "b"), "z", {"transB": 1})
LAST = ("Gemm", ("a", "V"), "A", {"transB": 1})
GELU = [("Div", ("z", "root"), "q"), ("Erf", ("q",), "e"), ("Add", ("e", "one"), "p"), ("Mul", ("z", "p"), "r"),
        ("Mul", ("r", "half"), "a")]
READ = {
    "MatMul and Add": ([("MatMul", ("X", "Wt"), "y"), ("Add", ("b", "y"), "z"), ("Tanh", ("z",), "a"), LAST], "tanh"),
    "Gemm without transB": ([("Gemm", ("X", "Wt", "b"), "z"), ("Relu", ("z",), "a"), LAST], "relu"),
    "a transposed constant": ([("Transpose", ("W",), "T", {"perm": [1, 0]}), ("MatMul", ("X", "T"), "y"), ("Add", ("y", "b"), "z"),
                               ("Sin", ("z",), "a"), LAST], "sin"),
    "Dropout and Identity": ([("Identity", ("X",), "x"), ("Gemm", ("x", "W", "b"), "y", {"transB": 1}), ("Dropout", ("y",), "z"),
                              ("Tanh", ("z",), "t"), ("Dropout", ("t",), "a"), LAST], "tanh"),
    "Flatten": ([("Flatten", ("X",), "x"), ("Gemm", ("x", "W", "b"), "z", {"transB": 1}), ("Tanh", ("z",), "a"), LAST], "tanh"),
    "Reshape": ([("Reshape", ("X", "shape"), "x"), ("Gemm", ("x", "W", "b"), "z", {"transB": 1}), ("Tanh", ("z",), "a"), LAST],
                "tanh"),
    "gelu by erf": ([LAYER, *GELU, LAST], "gelu"),
    "silu": ([LAYER, ("Sigmoid", ("z",), "s"), ("Mul", ("s", "z"), "a"), LAST], "silu"),
    "Max with 0": ([LAYER, ("Max", ("zero", "z"), "a"), LAST], "relu"),
    "Mish": ([LAYER, ("Mish", ("z",), "a"), LAST], "mish"),
    "log_sigmoid": ([LAYER, ("Sigmoid", ("z",), "s"), ("Log", ("s",), "a"), LAST], "log_sigmoid"),
    "relu6": ([LAYER, ("Clip", ("z", "zero", "six"), "a"), LAST], engine.activations.hard_tanh(0.0, 6.0)),
    "LeakyRelu's default": ([LAYER, ("LeakyRelu", ("z",), "a"), LAST], "leaky_relu"),
    "a slope in float32": ([LAYER, ("LeakyRelu", ("z",), "a", {"alpha": 0.2}), LAST], engine.activations.leaky_relu(0.2)),
    "scaled softplus": ([LAYER, ("Mul", ("z", "two"), "t"), ("Softplus", ("t",), "s"), ("Div", ("s", "two"), "a"), LAST],
                        engine.activations.softplus(2.0)),
    "what nobody needs": ([LAYER, ("Conv", ("W", "W"), "c"), ("Tanh", ("z",), "a"), LAST], "tanh"),
}


@pytest.mark.parametrize("name", READ)
def test_models_of_others(tmp_path, name):
    nodes, activation = READ[name]
    path = model(tmp_path / "other.onnx", nodes, CONSTANTS)
    expected = Network.from_layers([(W, B, activation), (V, None, "identity")])
    assert cases.same(ours.load(path), expected)
    assert ours.load(path, np.float64).dtype == np.float64


def test_alpha_and_beta_of_gemm(tmp_path):
    X = cases.samples(np.float32)[:, :2].copy()
    path = model(tmp_path / "g.onnx", [("Gemm", ("X", "W", "b"), "A", {"transB": 1, "alpha": 0.5, "beta": -2.0})], CONSTANTS)
    network = ours.load(path)
    assert np.array_equal(network.weight(1), W / 2) and np.array_equal(network.bias(1), -2 * B)
    cases.assert_close(run(path, X), network(X), np.float32)
    path = model(tmp_path / "h.onnx", [("Gemm", ("X", "W", "one"), "A", {"transB": 1})], CONSTANTS)
    assert np.array_equal(ours.load(path).bias(1), B)


def test_batch_normalisation_is_folded(tmp_path):
    generator, X = np.random.default_rng(0), cases.samples(np.float32)[:, :2].copy()
    statistics = {name: generator.random(3).astype(np.float32) for name in ("scale", "shift", "mean", "variance")}
    nodes = [LAYER, ("BatchNormalization", ("z", "scale", "shift", "mean", "variance"), "n", {"epsilon": 1e-3}),
             ("Tanh", ("n",), "a"), LAST]
    path = model(tmp_path / "bn.onnx", nodes, {**CONSTANTS, **statistics})
    cases.assert_close(run(path, X), ours.load(path)(X), np.float32)


def external():
    values = tensor("W", W)
    values.data_location = TensorProto.EXTERNAL
    values.external_data.add(key="location", value="../../etc/passwd")
    values.ClearField("raw_data")
    return {**CONSTANTS, "W": values}


def short():
    values = tensor("W", W)
    values.raw_data = values.raw_data[:-4]
    return {**CONSTANTS, "W": values}


def doubling(count):
    steps = [("Mul", (f"d{i}", f"d{i}"), f"d{i + 1}") for i in range(count)]
    return [LAYER, ("Identity", ("z",), "d0"), *steps, ("Gemm", (f"d{count}", "V"), "A", {"transB": 1})]


REFUSED = [
    ([LAYER, ("Softmax", ("z",), "A")], {}, r"node 1 \(A, Softmax\): leave it out of what is exported, for the loss takes logits"),
    ([("Conv", ("X", "W"), "A")], {}, r"node 0 \(A, Conv\): a Network's layers are dense"),
    ([LAYER, ("Celu", ("z",), "A")], {}, r"node 1 \(A, Celu\): it is no part of a dense layer; Gemm, MatMul"),
    ([LAYER, ("FastGelu", ("z",), "A", {"domain": "com.microsoft"})], {}, "of the domain com.microsoft"),
    ([("Gemm", ("X", "W"), "A", {"transA": 1})], {}, "Gemm.*multiplies its data, a row for each sample"),
    ([("MatMul", ("W", "X"), "A")], {}, "MatMul.*multiplies its data"),
    ([("Gemm", ("X", "X"), "A")], {}, "multiplies its data"),
    ([("Gemm", ("X", "b"), "A")], {}, "weights must be a matrix"),
    ([("Gemm", ("X", "W", "V"), "A", {"transB": 1})], {"V": np.ones((2, 3), np.float32)}, "its bias must be a constant of shape"),
    ([LAYER, ("Relu", ("z",), "r"), ("Tanh", ("r",), "A")], {}, "the output: .*none of the activations"),
    ([LAYER, ("Relu", ("z",), "r"), ("Tanh", ("r",), "a"), LAST], {}, r"node 3 \(A, Gemm\): .*none of the activations"),
    ([("Tanh", ("X",), "a"), ("Gemm", ("a", "W"), "A", {"transB": 1})], {}, "an activation, tanh, stands before the first layer"),
    ([("Tanh", ("X",), "A")], {}, "no Gemm or MatMul leads from its input to its output"),
    ([LAYER, ("Gemm", ("z", "U"), "u"), ("Add", ("u", "z"), "A")], {"U": np.eye(3, dtype=np.float32)}, "it joins two layers"),
    ([LAYER, ("Add", ("z", "U"), "A")], {"U": np.ones((4, 3), np.float32)}, "adds an array of shape .* which is no bias"),
    ([LAYER, ("Mul", ("z", "b"), "A")], {}, "its input 1 must be a single number"),
    ([LAYER, ("Clip", ("z", "zero"), "A")], {}, "it has one limit alone"),
    ([LAYER, ("HardSigmoid", ("z",), "A")], {}, "the output: .*none of the activations"),
    ([LAYER, ("Flatten", ("z",), "A")], {}, "only samples, before the first layer"),
    ([("Flatten", ("X",), "x", {"axis": 0}), ("Gemm", ("x", "W"), "A", {"transB": 1})], {}, "only samples, before"),
    ([LAYER, ("Gemm", ("z", "W"), "A", {"transB": 1})], {}, "it takes 2 numbers, but the layer before gives 3"),
    (doubling(60), {}, "more than 200 operators"),
    (doubling(3), {}, "none of the activations"),
    ([LAYER], {}, "checked|output"),
    ([("Gemm", ("nothing", "W"), "A")], {}, "cannot be read"),
]


@pytest.mark.parametrize("nodes, constants, message", REFUSED, ids=[message[:30] for *_, message in REFUSED])
def test_other_models_are_refused_by_the_node(tmp_path, nodes, constants, message):
    path = model(tmp_path / "wrong.onnx", nodes, {**CONSTANTS, **constants})
    with pytest.raises(ValueError, match=message) as refused:
        ours.load(path)
    assert str(refused.value).startswith(f"path must name an ONNX model of a dense network, but {path} ")


def test_tensors_that_are_not_there_are_refused(tmp_path):
    nodes = [LAYER, ("Tanh", ("z",), "a"), LAST]
    for constants, message in [(external(), "its tensor 'W' lies in another file; save the model in one"),
                               (short(), "W"), ({**CONSTANTS, "W": W.astype(np.int64)}, "floating-point numbers|cannot be read"),
                               ({**CONSTANTS, "W": W * np.float32(np.nan)}, "W of layer 1 must be finite")]:
        path = model(tmp_path / "wrong.onnx", nodes, constants)
        with pytest.raises(ValueError, match=message) as refused:
            ours.load(path)
        assert str(path) in str(refused.value)
    path = model(tmp_path / "deep.onnx", nodes, CONSTANTS, ("m", 1, 2))
    with pytest.raises(ValueError, match="more than 2 dimensions"):
        ours.load(path)
    for settings_, message in [(dict(inputs=("X", "U")), "it has 2 inputs"), (dict(outputs=("A", "z")), "it has 2 outputs")]:
        with pytest.raises(ValueError, match=message):
            ours.load(model(tmp_path / "wrong.onnx", nodes, CONSTANTS, **settings_))
    half = {name: values.astype(np.float16) for name, values in (("W", W), ("b", B), ("V", V))}
    path = model(tmp_path / "half.onnx", nodes, half, kind=TensorProto.FLOAT16)
    with pytest.raises(ValueError, match="float16; choose with dtype="):
        ours.load(path)
    assert ours.load(path, np.float32).dtype == np.float32


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    ours.save(cases.network("gaussian", np.float32), path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[:data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        network = ours.load(path)
    except (ValueError, TypeError) as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(network.parameters).all()


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        ours.load(tmp_path / "none.onnx")
    with pytest.raises(IsADirectoryError):
        ours.load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="pipe or a device"):
            ours.load(tmp_path / "pipe")


def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "network.onnx"
    ours.save(cases.network("tanh", np.float64), path)
    before = path.read_bytes()
    ours.save(cases.network("tanh", np.float64), path)
    assert path.read_bytes() == before
    own = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    for call, message in [(lambda: ours.save(Network((1, 1), (own,), [1.0, 0.0]), path), "'cube', a user's own, which an ONNX"),
                          (lambda: ours.save(before, path), "network must be an engine.Network"),
                          (lambda: ours.save(cases.network("gelu", np.float64), path), "save it with dtype=np.float32"),
                          (lambda: ours.save(cases.network("tanh", np.float64), path, np.int64), "dtype must be float32")]:
        with pytest.raises((ValueError, TypeError), match=message):
            call()
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["network.onnx"]


def test_without_onnx_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (lambda: ours.load(tmp_path), lambda: ours.save(cases.network("tanh", np.float64), tmp_path)):
        with pytest.raises(ModuleNotFoundError, match=re.escape('needs onnx: python -m pip install "gammachain[interop]"')):
            call()


def test_expressions_are_compared_whatever_their_order():
    pattern = canonical(apply("Mul", apply("Mul", 0.5, Z), apply("Add", 1.0, apply("Erf", Z))))
    same = canonical(apply("Mul", apply("Add", apply("Erf", Z), 1.0), apply("Div", Z, 2.0)))
    assert list(matches(pattern, same, {})) and not list(matches(pattern, canonical(apply("Mul", same, 1.01)), {}))
