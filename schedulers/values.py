"""Values as text and back, exactly: JSON, with floats by their shortest repr and a mark on what JSON lacks.

Equal texts are equal values of equal types: 1, 1.0 and True are three, 0.0 and -0.0 are two, a list is not a tuple, and NaN is NaN.
A NumPy scalar is the Python number that it equals.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

from . import sweep_checks as checks

MARKS = ("$float", "$complex", "$tuple", "$array", "$bytes")


def to_text(value: Any, name: str, *, sort_keys: bool = False) -> str:
    """The text of None, bool, numbers, str, bytes, lists, tuples, dicts with str keys, and arrays of numbers or text.

    Parameters
    ----------
    value : object
    name : str
        What the value is called where it has no text.
    sort_keys : bool
        Give dicts that differ in order the same text.

    Examples
    --------
    >>> from schedulers.values import to_text
    >>> to_text({"widths": (4, 8), "rate": np.float64(0.1)}, "settings", sort_keys=True)
    '{"rate":0.1,"widths":{"$tuple":[4,8]}}'
    """
    return json.dumps(_plain(value, name), sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> Any:
    """The value that `to_text` was given, NumPy scalars as Python's."""
    return json.loads(text, object_hook=_restored)


def scalar(value: Any) -> Any:
    """A NumPy scalar as Python's number, anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _plain(value: Any, name: str) -> Any:
    value = scalar(value)
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is complex:
        return {"$complex": [_plain(value.real, name), _plain(value.imag, name)]}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is list:
        return [_plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if kind is tuple:
        return {"$tuple": [_plain(item, f"{name}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {"$" + key if key[:1] == "$" else key: _plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if kind is np.ndarray and value.dtype.kind in "biufcU":
        return {"$array": [value.dtype.str, list(value.shape), base64.b64encode(value.tobytes()).decode()]}
    return checks.no_text(value, name)


def _restored(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        (mark, inner), = found.items()
        if mark in MARKS:
            return _marked(mark, inner)
    return {key[1:] if key[:2] == "$$" else key: item for key, item in found.items()}


def _marked(mark: str, inner: Any) -> Any:
    if mark == "$float":
        return float(inner)
    if mark == "$complex":
        return complex(*inner)
    if mark == "$tuple":
        return tuple(inner)
    if mark == "$bytes":
        return base64.b64decode(inner)
    dtype, shape, data = inner
    return np.frombuffer(base64.b64decode(data), dtype).reshape(shape).copy()
