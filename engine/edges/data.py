"""Data sets that the command reads: scikit-learn's bundled ones, .csv and .npz files."""

import csv
from dataclasses import dataclass

import numpy as np

from . import checks

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class DataSet:
    """X [m, n_0]; y [m] class numbers or [m, 1] numbers; `task`, "classes" or "numbers"; the labels of the classes."""

    X: np.ndarray
    y: np.ndarray
    task: str
    labels: tuple

    @property
    def outputs(self):
        """Outputs that a network for it needs."""
        return len(self.labels) if self.task == "classes" else 1


def read_data(name, target=None):
    """A bundled data set by name, or a .csv or .npz file whose target is the column or array `target`.

    A target of whole numbers or of text is a class, any other a number to be predicted.
    """
    checks.data_name(name, BUNDLED)
    if name in BUNDLED:
        datasets = checks.imported("sklearn", f"the data set {name}") and checks.importlib.import_module("sklearn.datasets")
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return _data_set(X, y, "numbers" if name == "diabetes" else "classes")
    if name.endswith(".npz"):
        with np.load(name, allow_pickle=False) as file:
            X, y = checks.npz_arrays(name, file, target)
        return _data_set(X, y.reshape(len(y), -1)[:, 0], "numbers" if y.dtype.kind == "f" else "classes")
    with open(name, newline="") as file:
        reader = csv.reader(file)
        header = [cell.strip() for cell in next(reader, [])]
        rows = [(reader.line_num, cells) for cells in reader if cells]
    X, column = checks.csv_table(name, header, rows, target)
    try:
        y = np.array([float(cell) for cell in column])
    except ValueError:
        return _data_set(X, np.array(column), "classes")
    return _data_set(X, y, "classes" if (y == np.round(y)).all() and len(np.unique(y)) <= 50 else "numbers")


def _data_set(X, y, task):
    if task == "numbers":
        return DataSet(np.asarray(X, np.float64), np.asarray(y, np.float64)[:, None], task, ())
    labels, numbers = np.unique(y, return_inverse=True)
    return DataSet(np.asarray(X, np.float64), numbers, task, tuple(labels.tolist()))
