"""What run.json says of a run: how it came about, what its network takes and gives, and what came of it."""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import engine

from .. import pool
from ..kernels.numba_internals import cpu_and_features, versions
from .folding import Folding
from .problem import RATES, Problem
from .tables.data import BUNDLED, DataSet
from .tables.text import hash_of

FORMAT, FORMER = "gammachain run 2", "gammachain run 1"
NOT_SETTINGS = ("run", "command", "program", "parser", "json", "quiet", "like", "resume", "overwrite", "run_folder")
PACKAGES = ("pandas", "scikit-learn", "pyarrow", "matplotlib")


def beginning(options: argparse.Namespace, arguments: Sequence[str], problem: Problem) -> dict[str, Any]:
    """What is known before the first epoch."""
    data, targets, columns = problem.data, problem.data.targets, problem.data.columns
    settings = {name: value for name, value in vars(options).items() if name not in NOT_SETTINGS}
    settings["rate"] = RATES[options.update] if options.rate is None else options.rate
    return {
        "format": FORMAT, "status": "running", "command": f"{options.program} {shlex.join(arguments)}",
        "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "working_folder": os.getcwd(), "like": options.like,
        "options": settings, "seed": options.seed, "versions": software(), "machine": machine(),
        "data": {"name": options.data, "path": None if options.data in BUNDLED else os.path.abspath(options.data),
                 "sha256": data_hash(options.data, data), "samples": len(data.X), "features": data.X.shape[1],
                 "reading": data.described, "notes": list(problem.notes)},
        "columns": columns.to_json(),
        "features": {"columns": columns.columns, "width": columns.width, "categories": columns.categories,
                     "ignored": columns.ignored},
        "targets": {"names": list(targets.names), "task": targets.task, "labels": list(targets.labels), "loss": targets.loss,
                    "loss_settings": dict(problem.loss_settings), "reading": targets.reading},
        "split": {"train": len(problem.train), "test": len(problem.test)},
        "network": list(problem.network.widths), "activations": [g.name for g in problem.network.activations],
        "dtype": str(problem.network.dtype), "parameters": problem.network.size, "cost": repr(problem.cost),
    }


def software() -> dict[str, str]:
    """The versions of what takes part."""
    found = {"gammachain": engine.__version__, "python": platform.python_version(), **versions(), "numpy": np.__version__}
    for package in ("scipy", *PACKAGES):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def machine() -> dict[str, Any]:
    """The processor that kernels are compiled for, and the threads."""
    return {"cpu": cpu_and_features()[0], "threads": pool.thread_count(), "system": platform.platform()}


def data_hash(name: str, data: DataSet) -> str:
    """SHA-256 of a file, or of the samples of a bundled data set."""
    if name not in BUNDLED:
        return hash_of(name)
    found = hashlib.sha256(np.ascontiguousarray(data.X).tobytes())
    found.update(np.ascontiguousarray(data.targets.y).tobytes())
    return found.hexdigest()


def completed(description: dict[str, Any], status: str, folding: Folding, compiled: Any, results: Mapping[str, Any]) -> None:
    """Add what is known once a run has ended."""
    description.update(
        status=status, ended=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        scaling={"folded": folding.folded, "said": folding.said, "difference": folding.difference},
        compiled={"functions": len(compiled.names), "seconds": compiled.seconds, "names": sorted(set(compiled.names))},
        results=dict(results))
