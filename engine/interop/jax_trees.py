"""Trees of parameters: where the layers stand in one, in order, and a tree of the same structure with other numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..extras import imported
from ..typing import DType
from . import tree_checks
from .orders import by_number

KERNELS, BIASES = ("kernel", "w", "W"), ("bias", "b")
DEEPEST = 50  # levels of a tree
Keys = tuple[Any, ...]


@dataclass
class Leaf:
    """A layer of a tree: its kernel and bias, and the keys that lead to each."""

    name: str  # of the argument
    kernel_keys: Keys
    kernel: Any
    bias_keys: Keys | None = None
    bias: Any = None

    @property
    def place(self) -> str:
        """Where the kernel stands, as one writes it: tree['params']['Dense_0']['kernel']."""
        return self.name + "".join(f"[{key!r}]" for key in self.kernel_keys)

    def kernel_array(self, dtype: DType | None) -> NDArray[Any]:
        """The kernel [n_{l−1}, n_l]."""
        return tree_checks.array(self.kernel, self.place, dtype)

    def bias_array(self, dtype: DType | None) -> NDArray[Any] | None:
        """The bias [n_l], or None."""
        if self.bias_keys is None:
            return None
        return tree_checks.array(self.bias, self.name + "".join(f"[{key!r}]" for key in self.bias_keys), dtype)


def layers_of(tree: Any, name: str = "tree") -> list[Leaf]:
    """The layers of a tree in order."""
    leaves: list[Leaf] = []
    _collect(tree, (), leaves, name)
    tree_checks.found_layers(leaves, name)
    return leaves


def _collect(part: Any, keys: Keys, leaves: list[Leaf], name: str) -> None:
    """Append the layers of a part of a tree."""
    tree_checks.depth(len(keys), DEEPEST, name)
    if isinstance(part, Mapping):
        _collect_mapping(part, keys, leaves, name)
    elif isinstance(part, (list, tuple)):
        if _is_pair(part):
            biased = len(part) == 2 and part[1] is not None
            leaves.append(Leaf(name, (*keys, 0), part[0], (*keys, 1) if biased else None, part[1] if biased else None))
            return
        for place, child in enumerate(part):
            if not (isinstance(child, (list, tuple, Mapping)) and not child):  # of a layer without parameters, as Stax has them
                _collect(child, (*keys, place), leaves, name)
    elif tree_checks.dimensions(part) == 2:
        leaves.append(Leaf(name, keys, part))
    else:
        tree_checks.no_layer(part, keys, name)


def _collect_mapping(part: Mapping[Any, Any], keys: Keys, leaves: list[Leaf], name: str) -> None:
    """Append the layer that a mapping is, or those that stand in it, by their numbers."""
    kernel = next((key for key in KERNELS if key in part and not isinstance(part[key], (Mapping, list, tuple))), None)
    if kernel is not None:
        bias = next((key for key in BIASES if part.get(key) is not None), None)
        tree_checks.further_keys([key for key in part if key not in (kernel, *BIASES)], keys, name)
        leaves.append(Leaf(name, (*keys, kernel), part[kernel], None if bias is None else (*keys, bias),
                           None if bias is None else part[bias]))
        return
    inner = part
    if not keys and "params" in part:
        tree_checks.params_alone([key for key in part if key != "params"], name)
        inner, keys = part["params"], ("params",)
        if not isinstance(inner, Mapping):
            return _collect(inner, keys, leaves, name)
    by_text = {str(key): key for key in inner}
    for text in tree_checks.ordered(by_number(by_text), by_text, keys, name):
        _collect(inner[by_text[text]], (*keys, by_text[text]), leaves, name)


def _is_pair(part: Any) -> bool:
    """Whether a sequence is a layer: a kernel, then a bias or None."""
    if not 1 <= len(part) <= 2 or tree_checks.dimensions(part[0]) != 2:
        return False
    return len(part) == 2 and (part[1] is None or tree_checks.dimensions(part[1]) == 1)


def rebuilt(leaves: list[Leaf], parts: list[tuple[NDArray[Any], NDArray[Any]]], like: Any) -> Any:
    """`like` with other numbers, each of the kind and dtype that is there."""
    values = {}
    for leaf, (kernel, bias) in zip(leaves, parts):
        values[leaf.kernel_keys] = _of_kind(leaf.kernel, kernel)
        if leaf.bias_keys is not None:
            values[leaf.bias_keys] = _of_kind(leaf.bias, bias)
    return _replaced(like, (), values)


def _replaced(part: Any, keys: Keys, values: dict[Keys, Any]) -> Any:
    if keys in values:
        return values[keys]
    if isinstance(part, Mapping):
        made = {key: _replaced(child, (*keys, key), values) for key, child in part.items()}
        return made if type(part) is dict else _constructor(part)(made)
    if isinstance(part, (list, tuple)):
        made_of = [_replaced(child, (*keys, place), values) for place, child in enumerate(part)]
        return type(part)(*made_of) if hasattr(part, "_fields") else type(part)(made_of)
    return part


def _constructor(part: Mapping[Any, Any]) -> Callable[..., Any]:
    kind: Any = type(part)
    return kind


def _of_kind(there: Any, values: NDArray[Any]) -> Any:
    """Numbers as an array of the kind and dtype that stands `there`."""
    if isinstance(there, np.ndarray) or not type(there).__module__.startswith("jax"):
        return values.astype(np.asarray(there).dtype)
    return imported("jax", "engine.interop.jax").numpy.asarray(values, dtype=there.dtype)
