"""Targets: whether they are classes or numbers, the loss that goes with them, what the network is trained on, how well it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...typing import Array
from . import target_checks
from .table_checks import listed

MOST_CLASSES = 50  # more different whole numbers than that are numbers to be predicted, unless --task says otherwise
BY_SIGN = ("binary_cross_entropy", "hinge")
CLASS_LOSSES = ("softmax_cross_entropy", *BY_SIGN)
NUMBER_LOSSES = ("squared_error", "absolute_error", "huber", "log_cosh", "poisson", "cosine", "quantile_loss", "gaussian_nll")
UNSCALED = ("poisson", "cosine", *BY_SIGN)


@dataclass(frozen=True)
class Column:
    """A target's column: numbers [m], or strings where `is_text`; `place(row)` says where a cell stands in the file.

    Attributes
    ----------
    mixed : int, or None
        The first row that holds text where most of a column are numbers.
    dates : bool
    beside : str, or None
        What stands beside numbers in each of its texts, such as '%' in quotes; nothing where they are numbers with signs between
        thousands or decimal commas.
    """

    name: str
    values: NDArray[Any]
    place: Callable[[int], str]
    mixed: int | None = None
    dates: bool = False
    beside: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether it holds strings."""
        return self.values.dtype.kind not in "biuf"

    @property
    def different(self) -> int:
        """How many different values it holds."""
        return len(set(self.values.tolist()))

    @property
    def are_labels(self) -> bool:
        """Whether it is taken for class labels where nothing else is said: text, or few whole numbers, each of them met twice and
        more on the average."""
        if self.is_text:
            return True
        whole = self.values.dtype.kind in "biu" or bool((self.values == np.round(self.values)).all())
        return whole and self.different <= min(MOST_CLASSES, max(2, len(self.values) // 2))


@dataclass(frozen=True)
class Targets:
    """What a network is trained to give.

    Attributes
    ----------
    names : tuple of str
        Of the target's columns.
    task : str
        "classes" or "numbers".
    labels : tuple
        Of the classes, in the order of their numbers; empty for numbers.
    loss : str
    y : ndarray
        Class numbers [m] for softmax_cross_entropy, else [m, outputs]: numbers, 0 and 1 (binary_cross_entropy), −1 and 1 (hinge).
    reading : str
        How they were read, and how else they could be.
    """

    names: tuple[str, ...]
    task: str
    labels: tuple[Any, ...]
    loss: str
    y: NDArray[Any]
    reading: str

    @property
    def outputs(self) -> int:
        """Outputs that a network for them needs."""
        if self.y.ndim == 1:
            return len(self.labels)
        return 2 * self.y.shape[1] if self.loss == "gaussian_nll" else self.y.shape[1]

    @property
    def class_numbers(self) -> NDArray[np.int64] | None:
        """The class number of each sample [m], or None where they are numbers or several answers."""
        if self.task != "classes" or not self.labels:
            return None
        return self.y.astype(np.int64) if self.y.ndim == 1 else (self.y[:, 0] > 0).astype(np.int64)

    @property
    def scaled(self) -> bool:
        """Whether they are shifted and divided for training: numbers, except where a loss gives 0 a meaning."""
        return self.task == "numbers" and self.loss not in UNSCALED

    @property
    def measure(self) -> str:
        """What `score` gives, in words."""
        if self.task == "classes":
            return "accuracy"
        if self.loss == "cosine":
            return "mean cosine"
        return "R^2" if self.y.shape[1] == 1 else f"R^2 (mean of {self.y.shape[1]})"

    def score(self, A: Array, y: NDArray[Any]) -> float:
        """The share of labels that outputs A [m, n] get right; R², a mean over the outputs, of what the loss's outputs stand for;
        or the mean cosine. NaN where no truth varies."""
        if self.task == "classes":
            if y.ndim == 1:
                return float((A.argmax(1) == y).mean())
            return float(((A > 0) == (y > (0.5 if self.loss == "binary_cross_entropy" else 0))).mean())
        A, y = A[:, :y.shape[1]].astype(np.float64), y.astype(np.float64)
        if self.loss == "cosine":
            return float(((A * y).sum(1) / np.maximum(np.linalg.norm(A, axis=1) * np.linalg.norm(y, axis=1), 1e-300)).mean())
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if self.loss == "poisson":
                A = np.exp(A)
            elif self.loss == "binary_cross_entropy":
                A = 1 / (1 + np.exp(-A))
            unit = np.maximum(np.abs(y).max(0), np.finfo(np.float64).tiny)
            total = ((y / unit - (y / unit).mean(0)) ** 2).sum(0)
            return float(np.where(total > 0, 1 - ((A / unit - y / unit) ** 2).sum(0) / total, np.nan).mean())


def choose(columns: Sequence[Column], task: str | None = None, loss: str | None = None, labelled: str | None = None) -> Targets:
    """The Targets of some Columns.

    `task` and `loss` are as the user gave them, or None. What is text, or few whole numbers, is classes and what else is numbers,
    except where the loss decides; `labelled` says it instead, where it is known of a data set.
    """
    task = {"auto": None, "classification": "classes", "regression": "numbers"}.get(task or "auto", task)
    target_checks.task_and_loss(task, loss, CLASS_LOSSES, NUMBER_LOSSES)
    if len(columns) > 1:
        return _several(columns, task, loss)
    column, = columns
    target_checks.finite_target(column)
    by_loss = None if labelled is not None else "classes" if loss in CLASS_LOSSES else None
    if labelled is None and target_checks.without_number(loss) in NUMBER_LOSSES:
        by_loss = "numbers"
    if loss in BY_SIGN and task is None and not column.is_text and column.different > 2:
        by_loss = "numbers"
    found = task or by_loss or labelled or ("classes" if column.are_labels else "numbers")
    if found == "numbers":
        target_checks.numbers_target(column, task)
        return _numbers(column, loss, chosen=task or by_loss or labelled)
    if not task:
        target_checks.labels_target(column)
    return _classes(column, loss, chosen=task or labelled or (by_loss and loss not in CLASS_LOSSES))


def _classes(column: Column, loss: str | None, chosen: object) -> Targets:
    labels, numbers = np.unique(column.values.astype(str) if column.values.dtype == object else column.values, return_inverse=True)
    labels, loss = tuple(labels.tolist()), loss or "softmax_cross_entropy"
    target_checks.class_loss(column, labels, loss, CLASS_LOSSES, NUMBER_LOSSES)
    reading = f"{column.name}, read as classes ({len(labels)} labels)"
    if not (chosen or column.is_text):
        reading += "; --task numbers predicts it as a number"
    if loss in BY_SIGN:
        reading += f"; {labels[1]!r} is 1, {labels[0]!r} is {_low(loss):g}"
    return Targets((column.name,), "classes", labels, loss, _of_classes(numbers.reshape(-1), loss), reading)


def _low(loss: str) -> float:
    return 0.0 if loss == "binary_cross_entropy" else -1.0


def _of_classes(numbers: NDArray[Any], loss: str) -> NDArray[Any]:
    """What a network is trained on for class numbers [m]."""
    return np.where(numbers == 1, 1.0, _low(loss))[:, None] if loss in BY_SIGN else numbers


def like(names: tuple[str, ...], task: str, labels: tuple[Any, ...], loss: str, values: NDArray[Any]) -> Targets:
    """The Targets of other samples, as those of a run were: `values` are class numbers [m] where there are labels, else numbers
    [m, outputs]."""
    if not labels:
        if task == "classes" and loss == "hinge":
            values = np.where(values > 0, 1.0, -1.0)
        return Targets(names, task, (), loss, values, f"{listed(names)}, as in the run")
    return Targets(names, task, labels, loss, _of_classes(values, loss), f"{listed(names)}, classes as in the run")


def _numbers(column: Column, loss: str | None, chosen: object) -> Targets:
    values = column.values.astype(np.float64)[:, None]
    loss = loss or "squared_error"
    target_checks.number_loss((column,), values, loss, CLASS_LOSSES, NUMBER_LOSSES)
    reading = f"{column.name}, read as numbers"
    if not chosen and bool((values == np.round(values)).all()):
        reading += f" ({column.different} different whole ones); --task classes makes a class of each"
    return Targets((column.name,), "numbers", (), loss, values, reading)


def _several(columns: Sequence[Column], task: str | None, loss: str | None) -> Targets:
    """Targets of some columns: as many outputs."""
    for column in columns:
        target_checks.finite_target(column)
        target_checks.numbers_target(column, task)
    values = np.stack([column.values.astype(np.float64) for column in columns], axis=1)
    names = tuple(column.name for column in columns)
    loss = loss or "squared_error"
    target_checks.several_task(names, task, loss, BY_SIGN)
    target_checks.number_loss(columns, values, loss, (*BY_SIGN,), NUMBER_LOSSES)
    labels = loss in BY_SIGN and bool(np.isin(values, (-1, 0, 1)).all())
    if loss == "hinge":
        values = np.where(values > 0, 1.0, -1.0)
    what = f"{len(names)} answers of yes or no, each with an output" if labels else f"{len(names)} numbers, each with an output"
    return Targets(names, "classes" if labels else "numbers", (), loss, values, f"{listed(names)}, read as {what}")
