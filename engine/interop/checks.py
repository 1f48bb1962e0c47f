"""Refusals of what is no dense network: each names the place in what was given, what stands there, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from .. import checks
from ..activations import Activation, named
from ..object_checks import shown
from ..typing import Array, DType


def refuse(name: str, where: str, problem: str, error: type[Exception] = ValueError) -> NoReturn:
    """Raise `error`: the argument `name` cannot become a Network, for the `problem` at `where`."""
    raise error(f"{name} cannot become a Network: {where}: {problem}") from None


def no_mapping(name: str, expected: str, value: Any) -> NoReturn:
    """Refuse an argument of another kind than `expected`."""
    raise TypeError(f"{name} must be {expected}, but is {shown(value)}")


def optional_dtype(dtype: Any) -> DType | None:
    """float32, float64, or None for that of the numbers given."""
    return None if dtype is None else checks.float_dtype(dtype)


def known_activation(form: tuple[str, tuple[float, ...]] | None, l: int, name: str, partner: str) -> tuple[str, tuple[float, ...]]:
    """The form of layer l's activation; a user's own, which has none, is refused."""
    if form is None:
        raise ValueError(f"network's layer {l} has the activation {name!r}, a user's own, which {partner} cannot hold; replace it "
                         "by one with a name, or build that layer by hand")
    return form


def spread_activations(values: Any, output: Any, depth: int) -> list[Activation]:
    """One activation a layer: those given, or a single one for the hidden layers and `output` for the last."""
    if not isinstance(values, (tuple, list)):
        values = (values,) * (depth - 1) + (output,)
    return [named(activation) for activation in checks.layer_activations(values, depth)]


def parameter_vector(values: Any, size: int, dtype: DType) -> Array:
    """v [P] in the network's dtype."""
    return checks.vector(values, size, dtype, "v", "one number for each of θ")


def chained(name: str, layers: Sequence[tuple[str, Sequence[int], Sequence[int] | None]]) -> None:
    """Refuse kernels [n_{l−1}, n_l] and biases [n_l] that do not fit each other; each comes with its place."""
    width = None
    for place, kernel, bias in layers:
        shape = f"{name} must hold kernels [n_(l-1), n_l], as for x @ kernel + bias, but {place} has shape {list(kernel)}"
        remedy = f"; where yours are [n_l, n_(l-1)], give [(W.T, b) for W, b in {name}]"
        if len(kernel) != 2:
            raise ValueError(shape)
        if width is not None and kernel[0] != width:
            raise ValueError(f"{shape}, and the layer before gives {width}{remedy}")
        if bias is not None and tuple(bias) != (kernel[1],):
            raise ValueError(f"{shape}, and its bias {list(bias)}{remedy}")
        width = kernel[1]


def same_layers(leaves: Sequence[Any], parts: Sequence[tuple[Array, Array]], parameters: bool) -> None:
    """Refuse a tree `like` with other layers than the network's, or without a bias that is needed."""
    shapes = [np.shape(leaf.kernel) for leaf in leaves]
    wanted = [kernel.shape for kernel, _ in parts]
    if shapes != wanted:
        raise ValueError(f"like must have the network's kernels, of shapes {wanted}, but has {shapes}")
    for leaf, (_, bias) in zip(leaves, parts):
        if leaf.bias_keys is not None and np.shape(leaf.bias) != bias.shape:
            raise ValueError(f"like must have a bias of shape {list(bias.shape)} beside {leaf.place}, but its shape is "
                             f"{list(np.shape(leaf.bias))}")
        if parameters and leaf.bias_keys is None and bias.any():
            raise ValueError(f"like has no bias beside {leaf.place}, but the network's is not 0 there; give a tree with biases")
