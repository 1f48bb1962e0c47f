"""Checks of files, data sets and options that the command reads."""

import importlib

import numpy as np

from .. import checks
from ..archives import Member, opened
from .table_checks import listed

EXTRAS = {"sklearn": ("scikit-learn", "demo"), "matplotlib": ("matplotlib", "demo"), "pandas": ("pandas", "demo"),
          "distributed": ("distributed", "distributed"), "dask.config": ("distributed", "distributed")}


def imported(module, purpose):
    """A partner's module, or an ImportError that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package, extra = EXTRAS[module]
        raise ImportError(f'{purpose} needs {package}: python -m pip install "gammachain[{extra}]"') from None


def target_named(path, target, names):
    """The target's columns as the user named them."""
    if target is None:
        raise ValueError(f"--target must name the target's column of {path}; it has {listed(names)}")
    return target


def npz_inputs(path):
    """X of an .npz file, finite [m, n_0], float32 or float64."""
    with opened(path, "an .npz file of samples") as archive:
        return _inputs(path, archive.read("X", Member("biuf")))


def npz_arrays(path, target):
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


def _inputs(path, X):
    X = checks.float_array(X, f"{path}: X")
    if X.ndim != 2 or X.size == 0:
        raise ValueError(f"{path}: X must have shape [m, n_0], one row a sample, m and n_0 at least 1, but has {list(X.shape)}")
    bad = np.argwhere(~np.isfinite(X))
    if len(bad):
        row, j = bad[0]
        raise ValueError(f"{path}: X must be finite, but X[{row}, {j}] is {X[row, j]}; drop or impute such samples first")
    return X


def no_missing_label(path, name, labels, missing):
    """Refuse labels that say that there is none."""
    for row, label in enumerate(labels):
        if label in missing:
            raise ValueError(f"{path}: {name}[{row}] must be a label, but is missing ({label!r}); fill in or drop such samples "
                             f"first")


def data_name(name, bundled, suffixes):
    """A bundled data set or a file's name."""
    if name not in bundled and not name.endswith((".npz", *suffixes, *(suffix + ".gz" for suffix in suffixes))):
        raise ValueError(f"DATA must be one of {', '.join(bundled)}, a table whose name ends in {', '.join(suffixes)} or one of "
                         f"these and .gz, or an .npz file, but is {name!r}")
    return name


def test_fraction(value):
    """A share of the samples to hold out."""
    return checks.number_where(value, "--test-fraction", "a number in (0, 1)", lambda number: 0 < number < 1)


def split_sizes(m, fraction):
    """How many samples to hold out; at least one on either side."""
    held = round(m * fraction)
    if held < 1 or held >= m:
        raise ValueError(f"--test-fraction {fraction} of {m} samples leaves {m - held} to train on and {held} to test on; "
                         "both must be at least 1")
    return held


def reduction_spec(text, known, names):
    """A reduction as the command line has it, `name` or `name:number`."""
    name, _, number = text.partition(":")
    if name not in known:
        raise ValueError(f"--reduction must be one of {', '.join(names)}, but is {text!r}")
    if known[name] != bool(number):
        form = f"{name}:NUMBER" if known[name] else name
        raise ValueError(f"--reduction must be given as {form}, but is {text!r}")
    if not number:
        return name, None
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"--reduction must be given as {name}:NUMBER, but is {text!r}") from None
    return name, checks.number_where(value, "--reduction", "a name and a finite number", lambda value: True)


def network_inputs(network, X, path):
    """Refuse data that does not go with a network."""
    if X.shape[1] != network.widths[0]:
        raise ValueError(f"DATA must have {network.widths[0]} features for the network {path}, but has {X.shape[1]}")
    return X


def seed(value):
    """A seed of at least 0."""
    return checks.whole_number(value, "--seed", 0)
