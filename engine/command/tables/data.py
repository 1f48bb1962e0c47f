"""Data that the command reads: scikit-learn's bundled sets, tables and .npz files, to train on, to predict and to compare with."""

from __future__ import annotations

import importlib
import unicodedata
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...extras import imported
from . import column_checks, data_checks, from_table
from .cells import MISSING
from .columns import Columns
from .data_set import Choices, DataSet, Inputs, Split
from .read_table import read_table
from .targets import Column, Targets, choose, like

__all__ = ["BUNDLED", "Choices", "DataSet", "Inputs", "Split", "read_data", "read_features", "read_like"]

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
DEFAULT = Choices()


def read_data(name: str, target: str | None = None, choices: Choices | None = None) -> DataSet:
    """The DataSet of a bundled data set by name, or of a file, to train on.

    Parameters
    ----------
    name : str
        digits, iris, wine, breast_cancer or diabetes (scikit-learn must be installed); a table (pandas must be installed), whose
        name ends in .csv, .tsv, .txt or .dat, or one of these and .gz; or an .npz file with arrays X and y.
    target : str, optional
        The target's column of a table, or several with commas between them, or the array of an .npz file.
    choices : Choices, optional
        All that can be said about it, `target` included.

    Raises
    ------
    ValueError, TypeError
        Where the file does not hold what is wanted; it names the place.
    ImportError
        Where the package that reads it is not installed.
    OSError
        Where the file cannot be read.
    """
    choices = choices or Choices(target)
    data_checks.data_name(name, BUNDLED)
    if name in BUNDLED:
        return _bundled(name, choices)
    if name.endswith(".npz"):
        return _arrays(name, choices)
    return from_table.data_set(read_table(name, choices.reading, least=2), choices)


def read_features(name: str, columns: Columns | None = None, choices: Choices = DEFAULT) -> Inputs:
    """Samples of a data set without their targets, as a network takes them.

    `columns` are those of a run: a table's columns are found by their names and put in its order. Where None, all columns but the
    target are taken as they come.

    Raises
    ------
    ValueError
        Where a column lacks or is unknown, a cell is missing or is no number, or a category was not trained on.
    """
    data_checks.data_name(name, BUNDLED)
    if name in BUNDLED or name.endswith(".npz"):
        X = _loaded(name)[0] if name in BUNDLED else data_checks.npz_inputs(name)
        if columns is not None:
            column_checks.same_width(name, X.shape[1], columns.width)
        place = partial(_sample, name) if name in BUNDLED else partial(_entry, name, "X")
        return Inputs(X, columns or Columns.of_array(X.shape[1]), place, np.arange(len(X)))
    table = read_table(name, choices.reading)
    return from_table.inputs(table, columns if columns is not None and columns.named else None, choices)


def read_like(name: str, columns: Columns, choices: Choices = DEFAULT) -> DataSet:
    """The DataSet of samples with their targets, as those of a run were: columns by their names, classes by their labels.

    Raises
    ------
    ValueError
        Where a column lacks or is unknown, a cell is missing, or a category or a class was not trained on.
    """
    data_checks.data_name(name, BUNDLED)
    if name not in BUNDLED and not name.endswith(".npz"):
        return from_table.data_like(read_table(name, choices.reading), columns, choices)
    data = read_data(name, choices=replace(choices, task=columns.task if columns.classes or columns.task == "numbers" else None,
                                           loss=columns.loss))
    column_checks.same_width(name, data.X.shape[1], columns.width)
    return replace(data, targets=_targets_like(name, data, columns), columns=columns)


def _targets_like(name: str, data: DataSet, columns: Columns) -> Targets:
    """Targets of arrays with the class numbers of a run."""
    found = data.targets.class_numbers
    if found is None:
        return data.targets
    known = {label: k for k, label in enumerate(columns.classes)}
    for k, label in enumerate(data.labels):
        if label not in known:
            column_checks.known_label(data.place(int(np.argmax(found == k))), label, columns.classes)
    numbers = np.array([known[label] for label in data.labels], np.int64)[found]
    return like(columns.targets, columns.task, columns.classes, columns.loss, numbers)


def _loaded(name: str) -> Any:
    imported("sklearn", f"the data set {name}")
    datasets = importlib.import_module("sklearn.datasets")
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def _bundled(name: str, choices: Choices) -> DataSet:
    X, y = _loaded(name)
    place = partial(_sample, name)
    labelled = "numbers" if name == "diabetes" else "classes"
    targets = choose([Column("y", y, place)], choices.task, choices.loss, labelled)
    return DataSet(np.asarray(X, np.float64), targets, Columns.of_array(X.shape[1]).of_targets(targets), place)


def _arrays(path: str, choices: Choices) -> DataSet:
    X, y = data_checks.npz_arrays(path, choices.target)
    name = choices.target or "y"
    place = partial(_entry, path, "X")
    if y.ndim == 2 and y.shape[1] > 1:
        columns = [Column(f"{name}[:, {j}]", y[:, j], partial(_entry, path, name, j)) for j in range(y.shape[1])]
    else:
        y = y.reshape(-1)
        text = y.dtype.kind in "US"
        if text:
            y = np.array([unicodedata.normalize("NFC", cell.strip()) for cell in y.astype(str).tolist()])
            data_checks.no_missing_label(path, name, y, MISSING)
        columns = [Column(name, y, partial(_entry, path, name))]
    targets = choose(columns, choices.task, choices.loss)
    return DataSet(X, targets, Columns.of_array(X.shape[1]).of_targets(targets), place)


def _entry(path: str, array: str, *place: int) -> str:
    *column, row = place
    return f"{path}, {array}[{', '.join(map(str, (int(row), *column)))}]"


def _sample(name: str, row: int) -> str:
    return f"{name}, sample {int(row)}"
