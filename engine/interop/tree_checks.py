"""Refusals of trees of parameters: each names the place in the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..object_checks import shown
from ..typing import DType

EXPECTED = ("a sequence of (kernel [n_(l-1), n_l], bias [n_l]), or a mapping of layers by numbered names to mappings of kernel and "
            "bias")


def _place(keys: Iterable[Any], name: str) -> str:
    return name + "".join(f"[{key!r}]" for key in keys)


def dimensions(value: Any) -> int:
    """Number of axes of an array; −1 for what is none."""
    found = getattr(value, "ndim", -1)
    return found if isinstance(found, int) else -1


def array(value: Any, place: str, dtype: DType | None) -> NDArray[Any]:
    """A leaf as an array of real numbers."""
    kind = getattr(value, "dtype", None)
    if dtype is not None and str(kind) in ("bfloat16", "float16"):
        value = checks.as_array(value, place).astype(dtype)
    return checks.real_array(value, place)


def found_layers(leaves: list[Any], name: str) -> None:
    """Refuse a tree without layers."""
    if not leaves:
        raise ValueError(f"{name} must be {EXPECTED}, but holds no layer")


def depth(levels: int, most: int, name: str) -> None:
    """Refuse a tree that is nested without end."""
    if levels > most:
        raise ValueError(f"{name} must be {EXPECTED}, but is nested deeper than {most} levels")


def no_layer(part: Any, keys: Iterable[Any], name: str) -> NoReturn:
    """Refuse what stands where a layer should."""
    ndim = dimensions(part)
    what = shown(part) if ndim < 0 else f"an array of {ndim} {'axis' if ndim == 1 else 'axes'}, shape {list(np.shape(part))}"
    hint = ""
    if type(part).__module__.startswith("flax.nnx"):
        hint = "; nnx.to_pure_dict(nnx.state(model, nnx.Param)) makes mappings of it"
    elif ndim > 2:
        hint = "; a convolution is no dense layer"
    error = TypeError if ndim < 0 else ValueError
    raise error(f"{name} must be {EXPECTED}, but {_place(keys, name)} is {what}{hint}")


def further_keys(left: list[Any], keys: Iterable[Any], name: str) -> None:
    """Refuse a layer with more than a kernel and a bias."""
    if left:
        raise ValueError(f"{name} must be {EXPECTED}, but {_place(keys, name)} holds {', '.join(map(repr, left))} too, which a "
                         "dense layer has not")


def params_alone(left: list[Any], name: str) -> None:
    """Refuse variables of Flax's beside the parameters, such as the statistics of a BatchNorm."""
    if left:
        raise ValueError(f"{name} must hold parameters alone, but holds {', '.join(map(repr, left))} beside 'params'; where it is "
                         f"not needed, give {name}['params'], and fold a BatchNorm into the Dense before it")


def ordered(found: list[str] | None, names: Mapping[str, Any], keys: Iterable[Any], name: str) -> list[str]:
    """Names in order; refused where they say none."""
    if found is None:
        told = ", ".join(sorted(names)[:6])
        raise ValueError(f"{name} must name its layers by number, but the names in {_place(keys, name)} ({told}) differ in more, "
                         f"which does not say in what order they come; give them in a list: [{name}[…], {name}[…]]")
    return found
