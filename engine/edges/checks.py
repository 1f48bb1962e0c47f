"""Checks of files, data sets and options that the command reads."""

import importlib

import numpy as np

from .. import checks

EXTRAS = {"sklearn": ("scikit-learn", "demo"), "matplotlib": ("matplotlib", "demo"), "pandas": ("pandas", "test"),
          "distributed": ("distributed", "distributed"), "dask.config": ("distributed", "distributed")}


def imported(module, purpose):
    """A partner's module, or an ImportError that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package, extra = EXTRAS[module]
        raise ImportError(f'{purpose} needs {package}: python -m pip install "gammachain[{extra}]"') from None


def csv_table(path, header, rows, target):
    """Features [m, .] and the target's column of text [m], from a CSV's header and its (line, cells)."""
    if target is None:
        raise ValueError(f"--target must name the target's column of {path}; it has {', '.join(header)}")
    if target not in header:
        raise ValueError(f"--target must be a column of {path}, which has {', '.join(header)}, but is {target!r}")
    if not rows:
        raise ValueError(f"{path} must hold at least one line of data below its header, but holds none")
    place = header.index(target)
    features = []
    for line, cells in rows:
        if len(cells) != len(header):
            raise ValueError(f"{path}, line {line}: expected {len(header)} cells, one a column, but found {len(cells)}")
        numbers = []
        for name, cell in zip(header, cells):
            if name == target:
                continue
            try:
                numbers.append(float(cell))
            except ValueError:
                raise ValueError(f"{path}, line {line}: column {name!r} must hold a number, but holds {cell!r}; "
                                 "encode or drop such columns first") from None
            if not np.isfinite(numbers[-1]):
                raise ValueError(f"{path}, line {line}: column {name!r} must be finite, but is {cell!r}; impute or drop such lines")
        features.append(numbers)
    if len(header) == 1:
        raise ValueError(f"{path} must hold a column besides the target {target!r}, but has none")
    return np.array(features), [cells[place] for _, cells in rows]


def npz_arrays(path, file, target):
    """X and the target's array of an .npz file."""
    name = target or "y"
    for wanted in ("X", name):
        if wanted not in file.files:
            raise ValueError(f"{path} must hold arrays X and {name} (--target names the second), but holds {', '.join(file.files)}")
    X, y = checks.real_array(file["X"], "X"), file[name]
    if X.ndim != 2 or len(X) == 0 or len(y) != len(X):
        raise ValueError(f"{path}: X must have shape [m, n_0] and {name} [m], m at least 1, but they have {list(X.shape)} and "
                         f"{list(y.shape)}")
    return X, y


def data_name(name, bundled):
    """A bundled data set or a file's name."""
    if name not in bundled and not name.endswith((".csv", ".npz")):
        raise ValueError(f"DATA must be one of {', '.join(bundled)}, or a .csv or .npz file, but is {name!r}")
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
    return name, checks.number_where(number, "--reduction", "a name and a number", lambda value: True)


def network_inputs(network, X, path):
    """Refuse data that does not go with a network."""
    if X.shape[1] != network.widths[0]:
        raise ValueError(f"DATA must have {network.widths[0]} features for the network {path}, but has {X.shape[1]}")
    return X


def loss_for(task, loss):
    """A loss that suits the targets: labels want a classifier's, numbers a regression's."""
    classifiers = ("softmax_cross_entropy",)
    if loss is None:
        return "softmax_cross_entropy" if task == "classes" else "squared_error"
    if (task == "classes") != (loss in classifiers):
        fitting = "softmax_cross_entropy" if task == "classes" else "squared_error, absolute_error, huber, log_cosh, poisson"
        raise ValueError(f"--loss must be {fitting} for targets that are {task}, but is {loss!r}")
    return loss
