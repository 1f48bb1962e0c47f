"""The dense layers of an ONNX graph: its nodes are followed from the input to the output, and each must be part of a layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from ..activations import Activation
from ..typing import Path
from . import onnx_checks
from .activation_forms import Form, made
from .batch_norm import folded
from .onnx_activations import operators, recognised
from .onnx_expressions import Constant, Expression, Z, apply

DEFAULTS: dict[str, dict[str, Any]] = {  # attributes that a node may leave out
    "LeakyRelu": {"alpha": 0.01}, "Elu": {"alpha": 1.0}, "Selu": {"alpha": 1.6732632, "gamma": 1.050701},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5}, "Gelu": {"approximate": "none"}}
PASSIVE = ("Identity", "Dropout")


@dataclass(frozen=True)
class Dense:
    """W a + b of the activation of the layer before, which is None for the first."""

    before: Dense | None
    activation: Form
    weight: NDArray[Any]
    bias: NDArray[Any] | None


@dataclass(frozen=True)
class Value:
    """An elementwise function of a layer's z, or the input where `layer` is None; `flat` where it is [m, n]."""

    layer: Dense | None
    function: Expression
    flat: bool = True


class Reader:
    """Follows a checked graph.

    Parameters
    ----------
    path : path-like
        Of the file, for messages.
    onnx : module
    graph : onnx.GraphProto
    """

    def __init__(self, path: Path, onnx: Any, graph: Any) -> None:
        self.path, self.onnx, self.graph = path, onnx, graph
        self.constants: dict[str, NDArray[Any]] = {}
        self.values: dict[str, Value] = {}
        self.known = operators()

    def layers(self) -> list[tuple[NDArray[Any], NDArray[Any] | None, str | Activation]]:
        """(W, b or None, activation) of each layer, as `Network.from_layers` takes them."""
        for tensor in self.graph.initializer:
            self.constants[tensor.name] = onnx_checks.tensor(self.path, self.onnx, tensor, tensor.name)
        name, dimensions = onnx_checks.one_input(self.path, self.graph, set(self.constants))
        self.values[name] = Value(None, Z, dimensions in (None, 2))
        for place, node in enumerate(self.graph.node):
            self._node(onnx_checks.Node(self.path, place, node), node)
        last = self.values.get(onnx_checks.one_output(self.path, self.graph))
        last = onnx_checks.ends_in_a_layer(self.path, last)
        found: list[tuple[NDArray[Any], NDArray[Any] | None, str | Activation]] = []
        layer: Dense | None = last.layer
        form = self._activation(last, onnx_checks.Node(self.path, len(self.graph.node), None))
        while layer is not None:
            found.append((layer.weight, layer.bias, made(form)))
            form = layer.activation
            layer = layer.before
        return found[::-1]

    def _node(self, at: onnx_checks.Node, node: Any) -> None:
        """Say what a node's output is."""
        at.standard_domain()
        attributes = {**DEFAULTS.get(node.op_type, {}),
                      **{given.name: self.onnx.helper.get_attribute_value(given) for given in node.attribute}}
        if node.op_type == "Constant":
            self.constants[node.output[0]] = onnx_checks.constant(at, self.path, self.onnx, attributes)
            return
        inputs = [self.constants[name] if name in self.constants else self.values.get(name) for name in node.input]
        if not any(isinstance(part, Value) for part in inputs):
            made_of = onnx_checks.of_constants(at, node.op_type, inputs, attributes)
            if made_of is not None:
                self.constants[node.output[0]] = made_of
            return
        self.values[node.output[0]] = self._value(at, node.op_type, inputs, attributes)

    def _value(self, at: onnx_checks.Node, op: str, inputs: list[Any], attributes: dict[str, Any]) -> Value:
        first = inputs[0]
        if op == "Gemm":
            return self._gemm(at, inputs, attributes)
        if op == "MatMul":
            data, weight = at.data_and_weight(inputs)
            return self._dense(at, data, weight.T, None)
        if op in PASSIVE:
            at.inference(inputs)
            return self._of(first)
        if op in ("Flatten", "Reshape"):
            at.flattens_samples(op, first.layer is None and first.function == Z, inputs, attributes)
            return replace(first, flat=True)
        if op == "BatchNormalization":
            return self._batch_norm(at, inputs, attributes)
        if op == "Add" and (bias := at.bias(inputs, Z)) is not None:
            value, vector = bias
            before = value.layer.bias
            return Value(replace(value.layer, bias=vector if before is None else before + vector), Z)
        at.elementwise(op, self.known)
        return self._elementwise(at, op, inputs, attributes)

    def _of(self, value: Any) -> Value:
        found: Value = value
        return found

    def _gemm(self, at: onnx_checks.Node, inputs: list[Any], attributes: dict[str, Any]) -> Value:
        """α A B + β C, with the samples in A."""
        data, weight = at.data_and_weight(inputs, attributes.get("transA", 0))
        weight = weight if attributes.get("transB", 0) else weight.T
        alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
        bias = at.gemm_bias(inputs[2], len(weight)) if len(inputs) > 2 and inputs[2] is not None else None
        if alpha != 1.0:
            weight = (alpha * weight).astype(weight.dtype)
        if bias is not None and beta != 1.0:
            bias = (beta * bias).astype(bias.dtype)
        return self._dense(at, data, weight, bias)

    def _dense(self, at: onnx_checks.Node, data: Value, weight: NDArray[Any], bias: NDArray[Any] | None) -> Value:
        at.flat(data.flat)
        at.width(weight, None if data.layer is None else len(data.layer.weight))
        return Value(Dense(data.layer, self._activation(data, at), weight, bias), Z)

    def _activation(self, value: Value, at: onnx_checks.Node) -> Form:
        """The activation that a value is of its layer's z."""
        form = recognised(value.function)
        return at.activation(form, value.layer is None)

    def _batch_norm(self, at: onnx_checks.Node, inputs: list[Any], attributes: dict[str, Any]) -> Value:
        value, (scale, shift, mean, variance) = at.batch_norm(inputs, attributes, Z)
        W, b = folded(value.layer.weight, value.layer.bias, mean, variance, attributes.get("epsilon", 1e-5), scale, shift)
        return Value(replace(value.layer, weight=W, bias=b), Z)

    def _elementwise(self, at: onnx_checks.Node, op: str, inputs: list[Any], attributes: dict[str, Any]) -> Value:
        """An operator on functions of one layer's z and numbers."""
        layers = [part.layer for part in inputs if isinstance(part, Value)]
        at.one_layer(all(layer is layers[0] for layer in layers))
        parts: list[Any] = [part.function if isinstance(part, Value) else at.number(part, place)
                            for place, part in enumerate(inputs)]
        if op == "Clip":
            parts = [parts[0], *at.limits(parts[1:], attributes)]
            attributes = {}
        found: dict[str, Any] = {name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()}
        made_of = apply(op, *parts, **{name: Constant(value, True) if isinstance(value, float) else value
                                       for name, value in found.items()})
        at.small(made_of)
        flat = all(part.flat for part in inputs if isinstance(part, Value))
        return Value(layers[0], made_of, flat)
