"""Checks of targets: which task and which loss they can have; an error names the place in the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .table_checks import listed, shortened

if TYPE_CHECKING:
    from .targets import Column

DEFAULT = {"classes": "softmax_cross_entropy", "numbers": "squared_error"}


def without_number(loss: str | None) -> str | None:
    """The name in `name:number`."""
    return None if loss is None else loss.partition(":")[0]


def task_and_loss(task: str | None, loss: str | None, class_losses: Collection[str], number_losses: Collection[str]) -> None:
    """Refuse a loss that the task cannot have."""
    if task not in (None, "classes", "numbers"):
        raise ValueError(f"--task must be auto, classes or numbers, but is {task!r}")
    if task == "classes" and without_number(loss) in number_losses:
        raise ValueError(f"--loss must be {', '.join(class_losses)} for targets that are classes, but is {loss!r}; leave out "
                         "--task classes to predict numbers")
    if task == "numbers" and loss in ("softmax_cross_entropy", "hinge"):
        raise ValueError(f"--loss must be {', '.join(number_losses)} for targets that are numbers, but is {loss!r}; leave out "
                         "--task numbers to train classes")


def finite_target(column: Column) -> None:
    """Refuse NaN and infinities, by their place."""
    if column.values.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(column.values))
        if len(bad):
            raise ValueError(f"{column.place(bad[0])}: the target {column.name!r} must be finite, but is {column.values[bad[0]]}; "
                             "drop or fill in such samples first")


def numbers_target(column: Column, task: object) -> None:
    """Refuse text where numbers are wanted, and numbers that do not vary."""
    if column.is_text:
        row = column.mixed if column.mixed is not None else 0
        raise ValueError(f"{column.place(row)}: the target {column.name!r} must hold numbers to be predicted as one, but holds "
                         f"{shortened(column.values[row])!r}; correct it, or leave out --task numbers and losses for numbers to "
                         "train classes (one column of text alone)")
    if column.different < 2 and len(column.values) > 1:
        raise ValueError(f"the target {column.name!r} holds nothing but {column.values[0]}; there is nothing to learn")


def labels_target(column: Column) -> None:
    """Refuse text that is not meant as class labels, unless --task classes asks for it."""
    if column.mixed is not None:
        raise ValueError(f"{column.place(column.mixed)}: the target {column.name!r} holds numbers, but here "
                         f"{shortened(column.values[column.mixed])!r}; correct or drop the line, or make a class of every "
                         "different cell by --task classes")
    row = next((row for row, label in enumerate(column.values) if column.is_text and "\n" in label), None)
    if row is not None:
        raise ValueError(f"{column.place(row)}: the target {column.name!r} holds {shortened(column.values[row])!r}, with a line "
                         "break in it; a quote may not be closed where it should be")
    if column.dates:
        raise ValueError(f"{column.place(0)}: the target {column.name!r} holds dates such as {shortened(column.values[0])!r}; put "
                         "days or seconds since some day in their place, or make a class of every different cell by --task classes")
    if column.beside is not None:
        remedy = (f"write the numbers without {column.beside}" if column.beside
                  else "say by --thousands or --decimal how they are written")
        raise ValueError(f"{column.place(0)}: the target {column.name!r} holds numbers written as {shortened(column.values[0])!r}; "
                         f"{remedy}, or make a class of every different cell by --task classes")
    different, m = column.different, len(column.values)
    if not column.is_text and different > 2 and not column.are_labels:
        raise ValueError(f"the target {column.name!r} holds {different} different numbers in {m} samples, too many to be classes "
                         "unasked; --loss squared_error predicts them, --task classes makes a class of each")
    if column.is_text and m > 3 and 2 * different > m:
        raise ValueError(f"the target {column.name!r} holds {different} different texts in {m} samples, which are names rather "
                         "than classes; name another --target, or make a class of each by --task classes")


def class_loss(column: Column, labels: Sequence[str], loss: str | None, class_losses: Collection[str],
               number_losses: Collection[str]) -> None:
    """Refuse one class alone, and losses that classes cannot have."""
    if loss not in class_losses:
        raise ValueError(f"--loss must be {', '.join(class_losses)} for targets that are classes, but is {loss!r}; --task numbers "
                         "predicts them as numbers")
    if len(labels) < 2 and len(column.values) > 1:
        raise ValueError(f"the target {column.name!r} holds one class alone, {labels[0]!r}; at least two are needed to tell them "
                         f"apart")
    if loss != "softmax_cross_entropy" and len(labels) != 2:
        raise ValueError(f"--loss {loss} needs two classes, but the target {column.name!r} has {len(labels)} ({listed(labels)}); "
                         "softmax_cross_entropy takes any number of them")


def number_loss(columns: Sequence[Column], values: NDArray[Any], loss: str | None, class_losses: Collection[str],
                number_losses: Collection[str]) -> None:
    """Refuse numbers that a loss cannot have."""
    if without_number(loss) not in (*number_losses, "binary_cross_entropy", *class_losses) or loss == "softmax_cross_entropy":
        raise ValueError(f"--loss must be {', '.join(number_losses)} for targets that are numbers, but is {loss!r}")
    if loss == "hinge" and len(columns) == 1:
        raise ValueError(f"--loss hinge needs two classes, but the target {columns[0].name!r} holds {columns[0].different} "
                         "different numbers; squared_error predicts them")
    choices: dict[str | None, tuple[Callable[[Any], Any], str]] = {
        "binary_cross_entropy": (lambda v: (v >= 0) & (v <= 1), "in [0, 1], probabilities or the two classes 0 and 1"),
        "hinge": (lambda v: np.isin(v, (-1, 0, 1)), "-1 or 1, or 0 or 1, in each column"),
        "poisson": (lambda v: v >= 0, "at least 0, counts or rates")}
    allowed, expected = choices.get(loss, (lambda v: v == v, ""))
    wrong = np.argwhere(~allowed(values))
    if len(wrong):
        row, j = wrong[0]
        raise ValueError(f"{columns[j].place(row)}: the target {columns[j].name!r} must be {expected} for --loss {loss}, but is "
                         f"{values[row, j]:g}")
    if loss == "hinge":
        for column in columns:
            if column.different > 2:
                raise ValueError(f"--loss hinge needs two classes in each column, but {column.name!r} holds {column.different} "
                                 "different numbers")
    if loss == "cosine" and values.shape[1] == 1:
        raise ValueError("--loss cosine compares directions and needs several targets, such as --target a,b; of one target "
                         "only the sign would count")


def several_task(names: Sequence[str], task: str | None, loss: str | None, by_sign: Collection[str]) -> None:
    """Refuse several targets as classes of a softmax."""
    if loss == "softmax_cross_entropy" or task == "classes" and loss not in by_sign:
        raise ValueError(f"--target names {len(names)} columns ({listed(names)}), which are trained as numbers, or as answers of "
                         "yes or no by --loss binary_cross_entropy or hinge; a softmax wants the classes in one column")


def representable(values: NDArray[Any], dtype: DTypeLike, place: Callable[[int], str], name: Callable[[int], str]) -> None:
    """Refuse finite numbers that the dtype of the network cannot hold; `place(row)` and `name(column)` say where."""
    most = np.finfo(dtype).max
    wrong = np.argwhere(~(np.abs(values) <= most))
    if len(wrong):
        row, j = wrong[0]
        raise ValueError(f"{place(row)}: {name(j)} is {values[row, j]:g}, which {np.dtype(dtype)} cannot hold (at most {most:g}); "
                         f"rescale the column{', or use --dtype float64' if np.dtype(dtype) == np.float32 else ''}")
