"""Checks of what is to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..object_checks import Kind, shown


def axes(value: Any, kind: type[Kind]) -> Kind:
    """Matplotlib's axes."""
    if not isinstance(value, kind):
        figure = " (a figure: ax=figure.add_subplot())" if hasattr(value, "add_subplot") else ""
        raise TypeError(f"ax must be a matplotlib Axes, or None for new ones, but is {shown(value)}{figure}; "
                        "figure, ax = matplotlib.pyplot.subplots() makes one")
    return value


def labels(values: Any, name: str) -> NDArray[Any]:
    """Class labels [m] as an array of whole numbers or text, m ≥ 1."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have a class label for each of at least one sample, [m], but has shape {list(array.shape)}; "
                         "of outputs [m, n] take outputs.argmax(1)")
    wrong = ~(array == np.round(array)) | np.isinf(array) if array.dtype.kind == "f" else np.zeros(1, bool)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(f"{name} must hold class labels, whole numbers or text, but {name}[{k}] is {array[k]}; of outputs take "
                         "outputs.argmax(1)")
    if array.dtype.kind in "fb":
        return array.astype(np.int64)
    return array if array.dtype.kind in "iu" else array.astype(str)


def classes(truth: NDArray[Any], predicted: NDArray[Any], names: Any) -> tuple[NDArray[Any], list[str]]:
    """The labels to tell apart, and what each is called."""
    if len(truth) != len(predicted):
        raise ValueError(f"y and predicted must have a label for each sample, but have {len(truth)} and {len(predicted)}")
    if (truth.dtype.kind == "U") != (predicted.dtype.kind == "U"):
        raise TypeError(f"y and predicted must both hold numbers or both text, but y has {truth[0].item()!r} and predicted "
                        f"{predicted[0].item()!r}")
    found = np.unique(np.concatenate([truth, predicted]))
    if names is None:
        return found, [str(label) for label in found.tolist()]
    names = [str(name) for name in names]
    if truth.dtype.kind == "U":
        unknown = sorted(set(found.tolist()) - set(names))
        if unknown:
            raise ValueError(f"names must hold every label, but {unknown[0]!r} is not among {', '.join(map(repr, names))}")
        return np.array(names), names
    if found[0] < 0 or found[-1] >= len(names):
        wrong = found[0] if found[0] < 0 else found[-1]
        raise ValueError(f"names has {len(names)} names, for the classes 0 … {len(names) - 1}, but a label is {wrong}")
    return np.arange(len(names)), names


def matrix(values: Any, name: str) -> NDArray[Any]:
    """A matrix of finite real numbers, neither side 0."""
    array = checks.finite(checks.float_array(values, name), name)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be a matrix [rows, columns] with at least one entry, but has shape {list(array.shape)}")
    return array


def pairs(y: Any, predicted: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets and predictions of the same shape, [m] or [m, n], as [m, n]."""
    found = [checks.finite(checks.float_array(values, name), name) for values, name in ((y, "y"), (predicted, "predicted"))]
    first, second = (array[:, None] if array.ndim == 1 else array for array in found)
    if first.ndim != 2 or first.shape != second.shape or first.size == 0:
        raise ValueError(f"y and predicted must be alike, [m] or [m, n] with m ≥ 1, but have the shapes {list(np.shape(y))} and "
                         f"{list(np.shape(predicted))}")
    return first, second


def output_names(names: Sequence[str] | None, n: int) -> list[str]:
    """A name for each of n outputs."""
    if names is None:
        return [f"output {i}" for i in range(n)]
    if isinstance(names, str) or len(names) != n:
        raise ValueError(f"names must have one name for each of the {n} outputs, but is {shown(names)}")
    return [str(name) for name in names]


def some_entries(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """The shape of a matrix, neither side 0."""
    if 0 in shape:
        raise ValueError(f"{name} must have at least one row and one column, but has shape {list(shape)}: take one of some samples")
    return shape


def jacobian(value: Any, kind: type[Kind]) -> Kind:
    """A Jacobian, whose chains can be asked for."""
    if not isinstance(value, kind):
        raise TypeError(f"jacobian must be an engine.Jacobian, but is {shown(value)}; network.jacobian(X) makes one")
    return value


def sweep_result(value: Any, kind: type[Kind]) -> Kind:
    """A SweepResult."""
    if not isinstance(value, kind):
        raise TypeError(f"result must be a schedulers.SweepResult, but is {shown(value)}; schedulers.sweep(run, grid) returns one")
    return value


def positive_diagonal(K: NDArray[Any]) -> NDArray[Any]:
    """The diagonal of a kernel of one X, above 0."""
    if K.shape[0] != K.shape[1]:
        raise ValueError(f"normalized needs the kernel of one X with itself, but this one is {list(K.shape)}; leave X2 out")
    if not (K.diagonal() > 0).all():
        k = int(np.argmin(K.diagonal() > 0))
        raise ValueError(f"normalized needs a diagonal above 0, but kernel[{k}, {k}] is {K[k, k]}: sample {k} has no gradient")
    return K.diagonal()


def group_labels(values: Any, K: NDArray[Any]) -> NDArray[Any]:
    """A label for each sample of a kernel of one X."""
    found = labels(values, "groups")
    if K.shape != (len(found), len(found)):
        raise ValueError(f"groups must have one label for each sample of a square kernel, but has {len(found)} and the kernel is "
                         f"{list(K.shape)}")
    return found


def path(values: Any, size: int) -> NDArray[np.float64]:
    """Parameters on the way [k, P], k ≥ 2, float64."""
    array = checks.finite(checks.float_array(values, "path"), "path")
    if array.ndim != 2 or array.shape[1] != size or len(array) < 2:
        raise ValueError(f"path must be [k, {size}], a row of parameters for each of at least two steps, but has shape "
                         f"{list(array.shape)}")
    return array.astype(np.float64)


def directions(values: Any, size: int) -> NDArray[np.float64]:
    """Two directions [2, P] that span a plane, float64."""
    array = checks.finite(checks.float_array(values, "directions"), "directions").astype(np.float64)
    if array.shape != (2, size):
        raise ValueError(f"directions must be two vectors of {size} numbers, [2, {size}], but has shape {list(array.shape)}")
    if np.linalg.matrix_rank(array) < 2:
        raise ValueError("directions must span a plane, but one is a multiple of the other; take two that are not parallel")
    return array
