"""Refusals of ONNX models: each names the file and the node, and says what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..file_checks import refuse
from ..typing import DType, Path
from .activation_forms import Form
from .onnx_activations import LARGEST, WITHOUT_FLOAT64
from .onnx_expressions import Apply, Constant

if TYPE_CHECKING:
    from .onnx_reader import Value

WHAT = "an ONNX model of a dense network"
MOST_BYTES = (1 << 31) - (1 << 20)  # what Protocol Buffers can hold, with some for names
LOGITS = "leave it out of what is exported, for the loss takes logits: Cost('softmax_cross_entropy')"
REMEDIES = {"Softmax": LOGITS, "LogSoftmax": LOGITS, "Conv": "a Network's layers are dense", "PRelu": "its slopes differ by neuron",
            "LayerNormalization": "it takes the mean over a sample's neurons, which no layer of a Network does",
            "Cast": "a Network computes in one dtype; export the model in float32 or float64"}
READ = "Gemm, MatMul, Add of a bias, BatchNormalization, Flatten, Identity, Dropout and activations are read"
FLOATS = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


def kernels_in_onnx_runtime(forms: Sequence[Form], dtype: DType, asked: bool) -> None:
    """Refuse float64 that was not asked for, where ONNX Runtime computes an activation in float32 alone."""
    for l, (name, _) in enumerate(forms, 1):
        if not asked and dtype == np.dtype(np.float64) and name in WITHOUT_FLOAT64:
            raise ValueError(f"network's layer {l} has the activation {name}, which ONNX Runtime computes in float32 alone, but "
                             "the network is float64; save it with dtype=np.float32, or with dtype=np.float64 for another runtime")


def size_fits(count: int, dtype: DType) -> None:
    """Refuse more than a file can hold."""
    if count * dtype.itemsize > MOST_BYTES:
        raise ValueError(f"network takes {count * dtype.itemsize} bytes in {dtype}, but an ONNX file holds 2 GiB at most; save it "
                         "with engine.interop.safetensors")


def own_data(path: Path, onnx: Any, model: Any) -> None:
    """Refuse a model whose numbers lie in other files, before anything looks for these."""
    tensors = [*model.graph.initializer, *(given.t for node in model.graph.node for given in node.attribute if given.HasField("t"))]
    for found in tensors:
        inside(path, onnx, found)


def inside(path: Path, onnx: Any, found: Any) -> None:
    """Refuse a tensor that lies in another file."""
    if found.data_location == onnx.TensorProto.EXTERNAL or found.external_data:
        refuse(path, WHAT, f"is not read: its tensor {found.name!r} lies in another file; save the model in one: "
               "onnx.save(model, path, save_as_external_data=False)")


def tensor(path: Path, onnx: Any, found: Any, name: str) -> NDArray[Any]:
    """A tensor of the file as an array; what lies in other files is refused."""
    if found.HasField("segment"):
        refuse(path, WHAT, f"is not read: its tensor {name!r} is cut in segments")
    count = math.prod(found.dims)
    if min(found.dims, default=0) < 0 or count > MOST_BYTES:
        refuse(path, WHAT, f"is damaged: its tensor {name!r} has shape {list(found.dims)}")
    try:
        array = onnx.numpy_helper.to_array(found)
    except Exception as problem:  # whatever the library raises for a shape without its numbers
        refuse(path, WHAT, f"is damaged: its tensor {name!r}: {' '.join(str(problem).split())[:200]}")
    return np.asarray(array)


def constant(at: Node, path: Path, onnx: Any, attributes: dict[str, Any]) -> NDArray[Any]:
    """What a Constant node holds."""
    for name, value in attributes.items():
        if name == "value":
            return tensor(path, onnx, value, name)
        if name in ("value_float", "value_floats"):
            return np.asarray(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.asarray(value, np.int64)
    at.refuse("it holds no numbers")


def of_constants(at: Node, op: str, inputs: list[Any], attributes: dict[str, Any]) -> NDArray[Any] | None:
    """The result of a node all of whose inputs are constants; None for one that does not depend on the data at all."""
    first = inputs[0] if inputs else None
    if isinstance(first, np.ndarray) and op == "Identity":
        return first
    if isinstance(first, np.ndarray) and op == "Transpose":
        axes = attributes.get("perm", range(first.ndim)[::-1])
        if sorted(axes) == list(range(first.ndim)):
            return first.transpose(axes)
    return None


def one_input(path: Path, graph: Any, constants: set[str]) -> tuple[str, int | None]:
    """The name of the graph's input, and the number of its dimensions where the file says it."""
    inputs = [found for found in graph.input if found.name not in constants]
    if len(inputs) != 1:
        refuse(path, WHAT, f"is not one: it has {len(inputs)} inputs ({', '.join(found.name for found in inputs)[:100]}), but a "
               "Network has one, X [m, n_0]")
    kind = inputs[0].type.tensor_type
    return inputs[0].name, len(kind.shape.dim) if kind.HasField("shape") else None


def one_output(path: Path, graph: Any) -> str:
    """The name of the graph's output."""
    if len(graph.output) != 1:
        refuse(path, WHAT, f"is not one: it has {len(graph.output)} outputs, but a Network has one")
    name: str = graph.output[0].name
    return name


def ends_in_a_layer(path: Path, last: Value | None) -> Value:
    """What the output is, where it is of a layer."""
    if last is None or last.layer is None:
        refuse(path, WHAT, "is not one: no Gemm or MatMul leads from its input to its output")
    return last


class Node:
    """A node of the graph, for messages: its place, name and operator. Without a node it is the output."""

    def __init__(self, path: Path, place: int, node: Any) -> None:
        self.path, self.place = path, place
        self.domain = "" if node is None else node.domain
        self.op = "" if node is None else node.op_type
        self.name = "the output" if node is None else f"node {place} ({node.name or node.output[0]}, {node.op_type})"

    def refuse(self, problem: str) -> NoReturn:
        """Raise a ValueError that names the file and this node."""
        refuse(self.path, WHAT, f"is not one: {self.name}: {problem}")

    def standard_domain(self) -> None:
        """Refuse operators of other domains than ONNX's own."""
        if self.domain not in ("", "ai.onnx"):
            self.refuse(f"it is of the domain {self.domain}; export the model with standard operators, without a "
                        "runtime's optimisations")

    def elementwise(self, op: str, known: set[str]) -> None:
        """Refuse an operator that is no part of a layer."""
        if op not in known:
            self.refuse(REMEDIES.get(op, f"it is no part of a dense layer; {READ}"))

    def data_and_weight(self, inputs: list[Any], transposed: int = 0) -> tuple[Any, NDArray[Any]]:
        """The data, and the matrix that they are multiplied with."""
        if len(inputs) < 2 or isinstance(inputs[0], np.ndarray) or not isinstance(inputs[1], np.ndarray) or transposed:
            self.refuse("a dense layer multiplies its data, a row for each sample, with a constant matrix from the right")
        weight = inputs[1]
        if weight.ndim != 2 or weight.dtype not in FLOATS:
            self.refuse(f"its weights must be a matrix of floating-point numbers, but have shape {list(weight.shape)} and dtype "
                        f"{weight.dtype}")
        return inputs[0], weight

    def gemm_bias(self, found: Any, width: int) -> NDArray[Any]:
        """C of a Gemm as b [n_l]."""
        if not isinstance(found, np.ndarray) or found.shape not in ((), (1,), (width,), (1, 1), (1, width)):
            shape = list(found.shape) if isinstance(found, np.ndarray) else "of a node"
            self.refuse(f"its bias must be a constant of shape [{width}], but is {shape}")
        return np.array(np.broadcast_to(found.reshape(-1), (width,)))

    def bias(self, inputs: list[Any], z: Any) -> tuple[Any, NDArray[Any]] | None:
        """The layer and the bias where the node adds a vector to z, or None."""
        arrays = [part for part in inputs if isinstance(part, np.ndarray)]
        values = [part for part in inputs if not isinstance(part, np.ndarray)]
        if len(arrays) != 1 or len(values) != 1 or not arrays[0].ndim:
            return None
        value, vector = values[0], arrays[0]
        width = 0 if value.layer is None else len(value.layer.weight)
        if value.function != z or vector.shape not in ((width,), (1, width)):
            if vector.size > 1:
                self.refuse(f"it adds an array of shape {list(vector.shape)}, which is no bias of a layer before it")
            return None
        return value, vector.reshape(-1)

    def flat(self, flat: bool) -> None:
        """Refuse samples that are no vectors."""
        if not flat:
            self.refuse("its input has more than 2 dimensions; a Network takes samples [m, n_0]: flatten first")

    def width(self, weight: NDArray[Any], before: int | None) -> None:
        """Refuse weights that do not fit the layer before."""
        if before is not None and weight.shape[1] != before:
            self.refuse(f"it takes {weight.shape[1]} numbers, but the layer before gives {before}")

    def inference(self, inputs: list[Any]) -> None:
        """Refuse a Dropout that is in training."""
        if len(inputs) > 2 and inputs[2] is not None and not (isinstance(inputs[2], np.ndarray) and not inputs[2].any()):
            self.refuse("it is in training mode; export the model in eval")

    def flattens_samples(self, op: str, leading: bool, inputs: list[Any], attributes: dict[str, Any]) -> None:
        """Refuse what does not turn samples into vectors, before the first layer."""
        shape = inputs[1].tolist() if op == "Reshape" and len(inputs) > 1 and isinstance(inputs[1], np.ndarray) else None
        reshapes = isinstance(shape, list) and len(shape) == 2 and shape[0] in (0, -1) and (shape[1] > 0 or shape == [0, -1])
        if not leading or (op == "Flatten" and attributes.get("axis", 1) != 1) or (op == "Reshape" and not reshapes):
            self.refuse("only samples, before the first layer, may be flattened, each to a vector")

    def activation(self, form: Form | None, leading: bool) -> Form:
        """The form of an activation that was recognised."""
        if form is None:
            self.refuse("what leads to it from the layer before is none of the activations of a Network")
        if leading and form[0] != "identity":
            self.refuse(f"an activation, {form[0]}, stands before the first layer; apply it to X instead")
        return form

    def batch_norm(self, inputs: list[Any], attributes: dict[str, Any], z: Any) -> tuple[Any, list[NDArray[Any]]]:
        """The layer before a BatchNormalization, and its four constants."""
        value, arrays = inputs[0], inputs[1:5]
        width = 0 if getattr(value, "layer", None) is None else len(value.layer.weight)
        if not width or value.function != z or attributes.get("training_mode", 0):
            self.refuse("it is folded into the Gemm or MatMul before it, in eval; there is none before it, or it is in training "
                        "mode")
        if len(arrays) != 4 or any(not isinstance(part, np.ndarray) or part.shape != (width,) for part in arrays):
            self.refuse(f"its scale, bias, mean and variance must be constants of shape [{width}]")
        if not (arrays[3] + attributes.get("epsilon", 1e-5) > 0).all():
            self.refuse("its variance and epsilon must be above 0 together")
        return value, arrays

    def one_layer(self, one: bool) -> None:
        """Refuse connections that skip layers."""
        if not one:
            self.refuse("it joins two layers; those of a Network stand in one chain")

    def number(self, part: Any, place: int) -> Any:
        """A constant of one number; an optional input that is missing stays None."""
        if part is None:
            return None
        if part.size != 1 or part.dtype.kind not in "fiu":
            self.refuse(f"its input {place} must be a single number, but has shape {list(part.shape)} and dtype {part.dtype}")
        return Constant(float(part.reshape(-1)[0]), part.dtype == np.float32)

    def limits(self, given: list[Any], attributes: dict[str, Any]) -> list[Any]:
        """The limits of a Clip, both of them."""
        old = [Constant(attributes[name], True) for name in ("min", "max") if name in attributes]
        limits = [part for part in given if part is not None] or old
        if len(limits) != 2:
            self.refuse("it has one limit alone; a Network has hard_tanh(low, high), and relu")
        return limits

    def small(self, found: Apply) -> None:
        """Refuse an expression of too many operators."""
        if found.size > LARGEST:
            self.refuse(f"an activation of more than {LARGEST} operators is none of a Network's")
