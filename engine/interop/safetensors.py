"""safetensors: a network as a file of arrays by torch's names."""

from __future__ import annotations

import json
from collections.abc import Sequence

from numpy.typing import DTypeLike

from .. import checks as engine_checks
from .. import object_checks
from ..activations import Activation
from ..extras import imported
from ..files import replacing
from ..network import Network
from ..typing import Path
from . import checks, file_checks
from .orders import by_number
from .torch_names import layer_names

PURPOSE, WHAT = "engine.interop.safetensors", "a safetensors file of a dense network's layers"
ACTIVATIONS = "gammachain.activations"  # the name in the file's metadata under which a JSON list of them stands
MOST_TEXT = 1 << 20  # characters of that list


def save(network: Network, path: Path) -> None:
    """Write a network to a safetensors file, for `load` and for whatever else reads that format.

    Its arrays have the names that torch gives them, ``0.weight`` [n_1, n_0], ``0.bias`` [n_1], ``2.weight``, …, so that
    ``to_torch(network).load_state_dict(safetensors.torch.load_file(path))`` reads them. The activations, with their parameters,
    stand in the metadata. The file is written beside `path` and moved there once it is whole: after a failure of any kind `path`
    still holds what it held before.

    Parameters
    ----------
    network : Network
    path : str or path-like

    Raises
    ------
    ValueError
        Where an activation is a user's own: a file cannot hold a function.
    OSError
        Where the folder does not exist or cannot be written to, or the disk is full.
    ModuleNotFoundError
        Where safetensors is not installed.

    See Also
    --------
    load, engine.Network.save

    Examples
    --------
    >>> import os, tempfile
    >>> from engine import Network
    >>> from engine.interop import safetensors
    >>> path = os.path.join(tempfile.mkdtemp(), "network.safetensors")
    >>> safetensors.save(Network.initialize((2, 3, 1), "tanh"), path)
    >>> safetensors.load(path)
    Network(2-3-1, (tanh, identity), float64, P = 13)
    """
    network = object_checks.network(network, Network)
    labels = engine_checks.savable_activations(network.activations)
    arrays = {}
    for l, name in enumerate(layer_names(network.activations), 1):
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = network.weight(l), network.bias(l)
    content = imported("safetensors.numpy", PURPOSE).save(arrays, {ACTIVATIONS: json.dumps(labels)})
    with replacing(path) as file:
        file.write(content)


def load(path: Path, activations: str | Activation | Sequence[str | Activation] | None = None, *,
         output: str | Activation = "identity", dtype: DTypeLike | None = None) -> Network:
    """The network of a safetensors file that `save` wrote, or that holds the weights and biases of dense layers by torch's names.

    Parameters
    ----------
    path : str or path-like
        The names of its arrays end in ``.weight`` [n_l, n_{l−1}] and ``.bias`` [n_l]; layers without a bias have b = 0. What stands
        before that may differ in numbers alone, which are the order of the layers: ``net.0``, ``net.2``, ``net.10``.
    activations : sequence of str or Activation, or one for all hidden layers, optional
        g^1 … g^L, as `Network.initialize` takes them; those of the file's metadata by default. A file of another's has none.
    output : str or Activation
        g^L where `activations` is a single one.
    dtype : float32 or float64, optional
        By default that of the arrays.

    Returns
    -------
    Network

    Raises
    ------
    ValueError, TypeError
        Where the file holds no such network, or is cut or damaged; it names the file and what is wrong with it.
    FileNotFoundError, PermissionError, IsADirectoryError
        As `open` raises them.
    ModuleNotFoundError
        Where safetensors is not installed.

    See Also
    --------
    save

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from safetensors.numpy import save_file
    >>> from engine.interop import safetensors
    >>> path = os.path.join(tempfile.mkdtemp(), "other.safetensors")
    >>> save_file({"net.0.weight": np.ones((3, 2)), "net.0.bias": np.zeros(3), "net.2.weight": np.ones((1, 3))}, path)
    >>> safetensors.load(path, "relu")([1.0, 2.0])
    array([9.])
    """
    found = checks.optional_dtype(dtype)
    safe_open = imported("safetensors", PURPOSE).safe_open
    file_checks.regular(path, WHAT)
    with file_checks.one_error(path, WHAT), safe_open(path, framework="numpy") as file:
        headers = {name: file.get_slice(name) for name in file.keys()}
        layers = _layers(path, {name: (array.get_shape(), array.get_dtype()) for name, array in headers.items()}, found is not None)
        labels = _labels(path, file.metadata() or {}, len(layers)) if activations is None else []
        arrays = {name: file.get_tensor(name) for name in headers}
    given: Sequence[str | Activation] = labels
    if activations is not None:
        given = checks.spread_activations(activations, output, len(layers))
    with file_checks.building(path, WHAT):
        return Network.from_layers([(arrays[f"{name}.weight"], arrays.get(f"{name}.bias"), activation)
                                    for name, activation in zip(layers, given)], found)


def _layers(path: Path, headers: dict[str, tuple[Sequence[int], str]], cast: bool) -> list[str]:
    """The names of the layers in order, once what the file promises of each array has been checked."""
    for name, (shape, kind) in headers.items():
        part = name.rpartition(".")[2]
        file_checks.array_header(path, WHAT, name, shape, {"weight": 2, "bias": 1}.get(part), kind, cast)
    weights = [name.removesuffix(".weight") for name in headers if name.endswith("weight")]
    alone = sorted(name for name in headers if name.endswith("bias") and name.removesuffix(".bias") not in weights)
    return file_checks.ordered_layers(path, WHAT, weights, alone, by_number(weights))


def _labels(path: Path, metadata: dict[str, str], depth: int) -> list[str]:
    """The activations of the file's metadata, one for each layer."""
    text = metadata.get(ACTIVATIONS)
    try:
        labels = json.loads(text) if text is not None and len(text) <= MOST_TEXT else None
    except (ValueError, RecursionError):
        labels = None
    return file_checks.labels(path, WHAT, labels, depth)
