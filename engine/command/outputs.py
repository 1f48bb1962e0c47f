"""What a network's outputs say about the targets of a run: classes, probabilities, numbers; and how well they do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cost import Cost
from .tables.columns import Columns
from .tables.targets import Targets

Column = NDArray[Any]


def class_numbers(columns: Columns, A: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class that the outputs A [m, n] give each sample [m], or each of several answers of yes and no [m, n]."""
    if columns.loss == "softmax_cross_entropy":
        return A.argmax(1)
    return (A[:, 0] > 0).astype(np.int64) if columns.classes else (A > 0).astype(np.int64)


def numbers(columns: Columns, A: NDArray[np.float64]) -> NDArray[np.float64]:
    """What outputs A [m, n] in the targets' own units predict: rates for poisson, probabilities for binary_cross_entropy, the means
    for gaussian_nll."""
    with np.errstate(over="ignore"):
        if columns.loss == "gaussian_nll":
            return A[:, :A.shape[1] // 2]
        if columns.loss == "poisson":
            return np.exp(A)
        return 1 / (1 + np.exp(-A)) if columns.loss == "binary_cross_entropy" else A


def predictions(columns: Columns, A: NDArray[np.float64]) -> dict[str, Column]:
    """Columns by name: each target's prediction, and the probability of each class where the loss has them."""
    if columns.task == "numbers":
        predicted = numbers(columns, A)
        names = _names(columns, predicted.shape[1])
        if columns.loss != "gaussian_nll":
            return dict(zip(names, predicted.T))
        with np.errstate(over="ignore"):
            deviations = np.exp(A[:, len(names):] / 2)
        return {**dict(zip(names, predicted.T)), **{f"standard deviation {name}": std for name, std in zip(names, deviations.T)}}
    found = class_numbers(columns, A)
    if not columns.classes:
        several = dict(zip(_names(columns, A.shape[1]), found.T))
        if columns.loss == "binary_cross_entropy":
            several.update({f"probability {name}": p for name, p in zip(_names(columns, A.shape[1]), numbers(columns, A).T)})
        return several
    name, = _names(columns, 1)
    labels = np.array(columns.classes, object)
    if columns.loss == "softmax_cross_entropy":
        P = np.exp(A - A.max(1, keepdims=True))
        P /= P.sum(1, keepdims=True)
    elif columns.loss == "binary_cross_entropy":
        second = numbers(columns, A)
        P = np.concatenate([1 - second, second], axis=1)
    else:
        return {name: labels[found], "margin": A[:, 0]}
    return {name: labels[found], **{f"probability {label}": p for label, p in zip(columns.classes, P.T)}}


def _names(columns: Columns, outputs: int) -> tuple[str, ...]:
    if columns.targets:
        return columns.targets
    return ("prediction",) if outputs == 1 else tuple(f"prediction {j}" for j in range(1, outputs + 1))


def scores(columns: Columns, targets: Targets, cost: Cost, A: NDArray[np.float64], y: NDArray[Any]) -> dict[str, Any]:
    """How outputs A [m, n], in the targets' own units, do at the targets y.

    Returns
    -------
    dict
        samples; cost, of scaled targets as in training; for classes accuracy and the confusion matrix, whose rows are the truth;
        for numbers r2 (a mean over the outputs), rmse and mae of each output.
    """
    scaling = columns.target_scaling
    scaled = scaling is not None and targets.scaled
    outputs = scaling.applied(A) if scaled and scaling is not None else A
    scaled_y = scaling.first(y.shape[1]).applied(y) if scaled and scaling is not None else y
    found: dict[str, Any] = {"samples": len(A), "cost": float(cost.value(outputs, scaled_y))}
    score = targets.score(A, y)
    if columns.task == "classes":
        found["accuracy"] = score
        if columns.classes:
            truth = y if y.ndim == 1 else (y[:, 0] > (0.5 if columns.loss == "binary_cross_entropy" else 0)).astype(np.int64)
            found["confusion"] = confusion(truth, class_numbers(columns, A), len(columns.classes))
        return found
    if columns.loss == "cosine":
        return {**found, "cosine": score}
    error = numbers(columns, A) - y
    unit = np.maximum(np.abs(error).max(0), np.finfo(np.float64).tiny)
    rmse, mae = np.sqrt(((error / unit) ** 2).mean(0)) * unit, (np.abs(error) / unit).mean(0) * unit
    return {**found, "r2": score, "rmse": rmse, "mae": mae}


def confusion(truth: NDArray[np.int64], found: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many samples of each class [count, count] were given each class: rows are the truth."""
    return np.bincount(truth * count + found, minlength=count * count).reshape(count, count)
