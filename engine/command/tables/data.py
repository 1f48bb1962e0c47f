"""Data sets that the command reads: scikit-learn's bundled ones, tables of text and .npz files."""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...extras import imported
from . import data_checks, table_checks
from .features import Features
from .table import MISSING, SUFFIXES, Reading, Table, read_table
from .targets import Column, Targets, choose

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class DataSet:
    """Samples and what is to be learnt from them.

    Attributes
    ----------
    X : ndarray [m, n_0]
        Finite; float64, or float32 where an .npz file holds that.
    targets : Targets
    features : Features
        How the columns of a table became X.
    place : callable
        Where a sample stands in the file, in words.
    described : str
        How the file was read, in words; empty where there was nothing to choose.
    """

    X: NDArray[Any]
    targets: Targets
    features: Features
    place: Callable[[int], str]
    described: str = ""

    @property
    def y(self) -> NDArray[Any]:
        """Class numbers [m], or numbers [m, outputs]."""
        return self.targets.y

    @property
    def task(self) -> str:
        """ "classes" or "numbers"."""
        return self.targets.task

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the classes, in the order of their numbers."""
        return self.targets.labels

    @property
    def outputs(self) -> int:
        """Outputs that a network for it needs."""
        return self.targets.outputs


@dataclass(frozen=True)
class Choices:
    """What a user may say about a data set; None where the default, or what is found, will do.

    Attributes
    ----------
    target : str
        Columns of a table with commas between them, or an array of an .npz file.
    task, loss : str
    categories : str
        What becomes of columns of text: "drop" or "one-hot".
    drop : str
        Columns of a table to leave out, with commas between them.
    reading : Reading
    """

    target: str | None = None
    task: str | None = None
    loss: str | None = None
    categories: str | None = None
    drop: str | None = None
    reading: Reading = Reading()


def read_data(name: str, target: str | None = None, choices: Choices | None = None) -> DataSet:
    """The DataSet of a bundled data set by name, or of a file.

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
    data_checks.data_name(name, BUNDLED, SUFFIXES)
    if name in BUNDLED:
        return _bundled(name, choices)
    return _arrays(name, choices) if name.endswith(".npz") else _table(name, choices)


def read_inputs(name: str, features: Features | None = None,
                choices: Choices = Choices()) -> tuple[NDArray[Any], Callable[[int], str]]:
    """X [m, n_0] of a data set, no target needed, and where each sample stands in the file, in words.

    `features` are those of a run: columns are found by their names and put in its order. Where None, all columns but the target are
    taken as they come.
    """
    data_checks.data_name(name, BUNDLED, SUFFIXES)
    if name in BUNDLED:
        return _loaded(name)[0], partial(_sample, name)
    if name.endswith(".npz"):
        return data_checks.npz_inputs(name), partial(_entry, name, "X")
    table = read_table(name, choices.reading)
    targets = table_checks.columns_of(name, table.names, choices.target, "--target") if choices.target else ()
    dropped = _dropped(table, choices.drop)
    if features is None or features.columns is None:
        features = Features.of_table(table, targets, choices.categories, dropped)
    else:
        features = features.without((*targets, *dropped))
    return features.matrix(table), partial(_line, table)


def _loaded(name: str) -> Any:
    imported("sklearn", f"the data set {name}")
    datasets = importlib.import_module("sklearn.datasets")
    return getattr(datasets, f"load_{name}")(return_X_y=True)


def _bundled(name: str, choices: Choices) -> DataSet:
    X, y = _loaded(name)
    place = partial(_sample, name)
    labelled = "numbers" if name == "diabetes" else "classes"
    targets = choose([Column("y", y, place)], choices.task, choices.loss, labelled)
    return DataSet(np.asarray(X, np.float64), targets, Features(None, X.shape[1]), place)


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
    return DataSet(X, choose(columns, choices.task, choices.loss), Features(None, X.shape[1]), place)


def _table(path: str, choices: Choices) -> DataSet:
    table = read_table(path, choices.reading)
    names = table_checks.columns_of(path, table.names, data_checks.target_named(path, choices.target, table.names), "--target")
    for name in names:
        table_checks.no_missing(table, name)
    targets = choose([_column(table, name) for name in names], choices.task, choices.loss)
    dropped = _dropped(table, choices.drop)
    features = Features.of_table(table, names, choices.categories, dropped)
    left_out = [name for name in table.names if name not in names and name not in (features.columns or ())]
    described = table.described + (f"; left out: {table_checks.listed(left_out)}" if left_out else "")
    return DataSet(features.matrix(table), targets, features, partial(_line, table), described)


def _dropped(table: Table, drop: str | None) -> Sequence[str]:
    return table_checks.columns_of(table.path, table.names, drop, "--drop") if drop else ()


def _column(table: Table, name: str) -> Column:
    place = partial(_line, table)
    if not table.is_text(name):
        return Column(name, table.columns[name], place)
    mixed = table.first_text(name) if table.mostly_numbers(name) else None
    return Column(name, table.texts(name), place, mixed, table.holds_dates(name))


def _line(table: Table, row: int) -> str:
    return f"{table.path}, line {table.line(row)}"


def _entry(path: str, array: str, *place: int) -> str:
    *column, row = place
    return f"{path}, {array}[{', '.join(map(str, (int(row), *column)))}]"


def _sample(name: str, row: int) -> str:
    return f"{name}, sample {int(row)}"
