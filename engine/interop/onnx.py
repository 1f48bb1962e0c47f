"""ONNX: a network as a model file, and a model file of dense layers as a network."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import object_checks
from ..extras import imported
from ..files import replacing
from ..network import Network
from ..typing import Path
from . import checks, file_checks, onnx_checks
from .activation_forms import forms
from .onnx_activations import tree
from .onnx_expressions import Apply, Constant
from .onnx_reader import Reader

PURPOSE, WHAT = "engine.interop.onnx", onnx_checks.WHAT
OPSET = 20  # the first that has Gelu


def save(network: Network, path: Path, dtype: DTypeLike | None = None) -> None:
    """Write a network as an ONNX model, X [m, n_0] → A [m, n], for ONNX Runtime and whatever else reads that format.

    Each layer is a Gemm and its activation: one operator where ONNX has one that ONNX Runtime computes in the dtype, and otherwise
    several. The file is written beside `path` and moved there once it is whole: after a failure of any kind `path` still holds what
    it held before.

    Parameters
    ----------
    network : Network
    path : str or path-like
    dtype : float32 or float64, optional
        Of the weights and of the computation; the network's own by default. ONNX Runtime takes X in this dtype. It has no float64
        kernel for erf, which the activations erf and gelu need: a float64 network with one of them needs ``dtype=np.float32``, or
        an explicit ``np.float64`` where the file is for another runtime.

    Raises
    ------
    ValueError
        Where an activation is a user's own, ONNX Runtime could not run the model, or it takes more than the 2 GiB of such files.
    OSError
        Where the folder does not exist or cannot be written to, or the disk is full.
    ModuleNotFoundError
        Where onnx is not installed.

    See Also
    --------
    load

    Examples
    --------
    >>> import os, tempfile
    >>> from engine import Network
    >>> from engine.interop import onnx
    >>> path = os.path.join(tempfile.mkdtemp(), "network.onnx")
    >>> onnx.save(Network.initialize((2, 3, 1), "softplus"), path)
    >>> onnx.load(path)
    Network(2-3-1, (softplus, identity), float64, P = 13)
    """
    network = object_checks.network(network, Network)
    found = forms(network, "an ONNX model")
    chosen = network.dtype if dtype is None else checks.optional_dtype(dtype)
    onnx_checks.kernels_in_onnx_runtime(found, chosen or network.dtype, dtype is not None)
    onnx_checks.size_fits(network.size, chosen or network.dtype)
    network = network.astype(chosen or network.dtype)
    onnx = imported("onnx", PURPOSE)
    writer = _Writer(onnx, network.dtype)
    values = "X"
    for l, form in enumerate(found, 1):
        weight, bias = writer.constant(f"W{l}", network.weight(l)), writer.constant(f"b{l}", network.bias(l))
        values = writer.node("Gemm", [values, weight, bias], f"z{l}", transB=1)
        function = tree(form, network.dtype == np.float32)
        if isinstance(function, Apply):
            values = writer.tree(function, values, f"a{l}")
    model = writer.model(values, network.widths[0], network.widths[-1])
    onnx.checker.check_model(model)
    with replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def load(path: Path, dtype: DTypeLike | None = None) -> Network:
    """The network of an ONNX model of dense layers, whoever wrote it.

    Parameters
    ----------
    path : str or path-like
        A chain of Gemm (or MatMul, and Add of a bias) and activations, with BatchNormalization after a Gemm, Dropout and Identity
        anywhere, and Flatten at the beginning, after which the Network takes X flattened. Activations are known by what they
        compute, also where an exporter wrote several operators for one.
    dtype : float32 or float64, optional
        By default that of the weights.

    Returns
    -------
    Network

    Raises
    ------
    ValueError, TypeError
        Where the file holds anything else, or is damaged; it names the file, and the node.
    FileNotFoundError, PermissionError, IsADirectoryError
        As `open` raises them.
    ModuleNotFoundError
        Where onnx is not installed.

    See Also
    --------
    save
    """
    found = checks.optional_dtype(dtype)
    onnx = imported("onnx", PURPOSE)
    file_checks.regular(path, WHAT)
    with open(path, "rb") as file:
        file_checks.at_most(path, WHAT, os.fstat(file.fileno()).st_size, onnx_checks.MOST_BYTES)
        content = file.read()
    with file_checks.one_error(path, WHAT):
        model = onnx.load_model_from_string(content)
        onnx_checks.own_data(path, onnx, model)
        onnx.checker.check_model(model)
        layers = Reader(path, onnx, model.graph).layers()
    with file_checks.building(path, WHAT):
        return Network.from_layers(layers, found)


class _Writer:
    """The nodes and constants of a model in the making."""

    def __init__(self, onnx: Any, dtype: Any) -> None:
        self.onnx, self.dtype = onnx, np.dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, values: Any) -> str:
        """A constant's name."""
        self.constants.setdefault(name, self.onnx.numpy_helper.from_array(np.array(values, self.dtype), name))
        return name

    def node(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """The name of a new node's output."""
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def tree(self, part: Any, z: str, name: str) -> str:
        """The name of what computes a tree of operators of z."""
        if isinstance(part, Constant):
            return self.constant(f"c{part.value!r}", part.value)
        if not isinstance(part, Apply):
            return z
        inputs = [self.tree(child, z, f"{name}_{place}") for place, child in enumerate(part.inputs)]
        return self.node(part.op, inputs, name, **{key: value.value if isinstance(value, Constant) else value
                                                   for key, value in part.attributes})

    def model(self, output: str, width: int, outputs: int) -> Any:
        """The whole model."""
        helper, kind = self.onnx.helper, self.onnx.helper.np_dtype_to_tensor_dtype(self.dtype)
        self.nodes.append(helper.make_node("Identity", [output], ["A"], name="A"))
        graph = helper.make_graph(self.nodes, "network", [helper.make_tensor_value_info("X", kind, ["m", width])],
                                  [helper.make_tensor_value_info("A", kind, ["m", outputs])], list(self.constants.values()))
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, producer_name="gammachain",
                                 ir_version=helper.find_min_ir_version_for(opset))
