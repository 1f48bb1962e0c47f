"""Checks of data sets: their names, .npz files, labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import checks
from ...archives import Member, opened
from ...typing import Array
from .table import BINARY_SUFFIXES, SUFFIXES
from .table_checks import did_you_mean, listed

OTHER_FORMATS = {".xls .xlsm .xlsb .ods .numbers": "; save the sheet as .xlsx or .csv",
                 ".zip .bz2 .xz .zst .7z .tar": "; unpack it first",
                 ".json .jsonl .xml .html .sav .dta .sas7bdat .rds .rdata .mat .arff .feather .h5 .hdf5 .sqlite .db .pkl":
                     "; save it as .csv or .parquet"}


def target_named(path: str, target: str | None, names: Sequence[str]) -> str:
    """The target's columns as the user named them."""
    if target is None:
        raise ValueError(f"--target must name the target's column of {path}; it has {listed(names)}")
    return target


def npz_inputs(path: str) -> Array:
    """X of an .npz file, finite [m, n_0], float32 or float64."""
    with opened(path, "an .npz file of samples") as archive:
        return _inputs(path, archive.read("X", Member("biuf")))


def npz_arrays(path: str, target: str | None) -> tuple[Array, NDArray[Any]]:
    """X of an .npz file, and y [m] or [m, k]: the array `target`."""
    name = target or "y"
    with opened(path, "an .npz file of samples") as archive:
        for wanted in ("X", name):
            if wanted not in archive.names:
                raise ValueError(f"{path} must hold arrays X and {name} (--target names the second), but holds "
                                 f"{', '.join(archive.names) or 'nothing'}")
        X, y = archive.header("X", Member("biuf")), archive.header(name)
        if len(X.shape) != 2 or 0 in X.shape:
            raise ValueError(f"{path}: X must have shape [m, n_0], one row a sample, m and n_0 at least 1, but has {list(X.shape)}")
        if len(y.shape) not in (1, 2) or y.shape[0] != X.shape[0] or 0 in y.shape:
            raise ValueError(f"{path}: {name} must have shape [{X.shape[0]}] or [{X.shape[0]}, outputs] to go with X, but has "
                             f"shape {list(y.shape)}")
        if y.dtype.kind not in "biufUS" or y.dtype.kind in "US" and y.shape[1:] not in ((), (1,)):
            raise ValueError(f"{path}: {name} must hold numbers, or one label a sample, but has dtype {y.dtype} and shape "
                             f"{list(y.shape)}")
        return _inputs(path, archive.read("X")), archive.read(name)


def _inputs(path: str, X: NDArray[Any]) -> Array:
    X = checks.float_array(X, f"{path}: X")
    if X.ndim != 2 or X.size == 0:
        raise ValueError(f"{path}: X must have shape [m, n_0], one row a sample, m and n_0 at least 1, but has {list(X.shape)}")
    bad = np.argwhere(~np.isfinite(X))
    if len(bad):
        row, j = bad[0]
        raise ValueError(f"{path}: X must be finite, but X[{row}, {j}] is {X[row, j]}; drop or impute such samples first")
    return X


def no_missing_label(path: str, name: str, labels: Iterable[str], missing: Collection[str]) -> None:
    """Refuse labels that say that there is none."""
    for row, label in enumerate(labels):
        if label in missing:
            raise ValueError(f"{path}: {name}[{row}] must be a label, but is missing ({label!r}); fill in or drop such samples "
                             f"first")


def data_name(name: str, bundled: Sequence[str]) -> str:
    """A bundled data set or a file's name."""
    lowered = name.lower()
    known = (*SUFFIXES, *(suffix + ".gz" for suffix in SUFFIXES), *BINARY_SUFFIXES, ".npz")
    if name in bundled or lowered.endswith(known):
        return name
    remedy = next((words for endings, words in OTHER_FORMATS.items() if lowered.endswith(tuple(endings.split()))), "")
    raise ValueError(f"DATA must be one of {', '.join(bundled)}, a table whose name ends in {', '.join(SUFFIXES)} or one of these "
                     f"and .gz, in {' or '.join(BINARY_SUFFIXES)}, or an .npz file, but is {name!r}"
                     f"{remedy or did_you_mean(name, bundled)}")
