"""Checks of what a network is built from, of what names its layers, and of masks over its θ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .typing import Array, DType, Mask

LAYERS = "layers must be a sequence of (W, b, activation), one for each layer 1 … L"


def layers(values: Any, dtype: Any) -> tuple[tuple[int, ...], tuple[Any, ...], Array]:
    """(n_0, …, n_L), the layers' activations and θ [P] of [(W [n_l, n_{l−1}], b [n_l] or None, activation), …].

    θ is float32 where every array is, and else float64, unless `dtype` says which.
    """
    rows = _rows(values)
    arrays: list[NDArray[Any]] = []
    widths: list[int] = []
    for l, (W, b, _) in enumerate(rows, 1):
        weight = checks.real_array(W, f"W of layer {l}")
        if weight.ndim != 2 or 0 in weight.shape:
            raise ValueError(f"W of layer {l} must have shape [n_{l}, n_{l - 1}], a row for each neuron, but has shape "
                             f"{list(weight.shape)}")
        widths = widths or [weight.shape[1]]
        if weight.shape[1] != widths[-1]:
            hint = "; it may be transposed" if weight.shape[0] == widths[-1] else ""
            raise ValueError(f"W of layer {l} must have {widths[-1]} columns, one for each "
                             f"{'neuron of the layer before' if l > 1 else 'input'}, but has shape {list(weight.shape)}{hint}")
        arrays.append(weight)
        widths.append(weight.shape[0])
        if b is not None:
            bias = checks.real_array(b, f"b of layer {l}")
            if bias.shape != (widths[-1],):
                raise ValueError(f"b of layer {l} must have shape [{widths[-1]}], as W has rows, or be None for zeros, but has "
                                 f"shape {list(bias.shape)}")
            arrays.append(bias)
        else:
            arrays.append(np.zeros(widths[-1], weight.dtype))
    found = checks.float_dtype(dtype) if dtype is not None else _common(arrays)
    names = [f"{part} of layer {l}" for l in range(1, len(widths)) for part in "Wb"]
    parts = [checks.cast(array, found, name).reshape(-1) for array, name in zip(arrays, names)]
    return checks.widths(widths), tuple(activation for _, _, activation in rows), np.concatenate(parts)


def _rows(values: Any) -> list[tuple[Any, Any, Any]]:
    """The layers as a list of triples, of at least one."""
    try:
        rows = [tuple(row) for row in values]
    except Exception:  # whatever the object's own iteration raises
        raise TypeError(f"{LAYERS}, but is {type(values).__name__}") from None
    if not rows:
        raise ValueError(f"{LAYERS}, but is empty")
    for l, row in enumerate(rows, 1):
        if len(row) != 3:
            raise ValueError(f"{LAYERS}, but layer {l} has {len(row)} parts; without biases b is None")
    return rows


def _common(arrays: list[NDArray[Any]]) -> DType:
    """float32 where all arrays are, else float64; refused where that would lose digits that were given."""
    dtypes = {array.dtype.newbyteorder("=") for array in arrays}
    unusual = [dtype for dtype in dtypes if dtype.kind == "f" and dtype not in (np.dtype(np.float32), np.dtype(np.float64))]
    if unusual:
        raise TypeError(f"weights and biases must be float32 or float64, but some are {unusual[0]}; choose with dtype=")
    return np.dtype(np.float32 if dtypes == {np.dtype(np.float32)} else np.float64)


def last_axis(values: Any, name: str, size: int) -> NDArray[Any]:
    """`values` as an array [..., size] of real numbers, itself where it is one."""
    array = checks.real_array(values, name)
    if array.ndim == 0 or array.shape[-1] != size:
        raise ValueError(f"{name} must have shape [..., {size}], one number for each of θ along the last axis, but has shape "
                         f"{list(array.shape)}")
    return array


def flag(value: Any, name: str) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but is {value!r}")
    return bool(value)


def layer_numbers(values: Any, depth: int) -> list[int]:
    """Layers 1 … depth by number; all of them for None."""
    if values is None:
        return list(range(1, depth + 1))
    try:
        numbers = list(values)
    except Exception:  # whatever the object's own iteration raises
        raise TypeError(f"layers must be a sequence of layer numbers, such as [1, {depth}], but is {values!r}") from None
    return [checks.layer_index(l, 1, depth, "each of layers") for l in numbers]


def trainable(mask: Any, size: int) -> Mask:
    """A boolean mask [P] over θ; empty where every number may change."""
    if mask is None:
        return np.empty(0, np.bool_)
    array = np.array(mask)
    if array.dtype != np.bool_ or array.shape != (size,):
        raise ValueError(f"trainable must be a boolean mask of shape [{size}] over θ, but has shape {list(array.shape)} and dtype "
                         f"{array.dtype}")
    return array
