"""The folder of a run: the network, what its features and outputs mean, their scaling, its history and a picture of it."""

from __future__ import annotations

import json
import os
import pathlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..endings import FitResult
from ..files import replacing
from ..network import Network
from ..plot import plot_history
from . import run_checks
from .tables.data import DataSet
from .tables.features import Features
from .tables.scaling import Scaling

RUNS = "GAMMACHAIN_RUNS"  # the environment variable that names where new run folders go
FORMAT = "gammachain run 1"
NETWORK, DESCRIPTION, SCALING, HISTORY, PICTURE, CHECKPOINT = (
    "network.npz", "run.json", "scaling.npz", "history.csv", "curves.png", "checkpoint.npz")


@dataclass(frozen=True)
class RunFolder:
    """The folder `path` of a run; `made` says whether it was made for it."""

    path: pathlib.Path
    made: bool

    @classmethod
    def opened(cls, path: str | None, name: str, resume: bool = False, overwrite: bool = False) -> RunFolder:
        """The folder `path`, or a new one named after the data and the time, under $GAMMACHAIN_RUNS or runs/.

        A folder that holds files already is refused, except to resume or to overwrite the run in it.
        """
        run_checks.resumable(path, resume, overwrite)
        if path is None:
            parent = pathlib.Path(os.environ.get(RUNS, "runs"))
            stamp, again = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}", 1
            parent.mkdir(parents=True, exist_ok=True)
            folder = parent / stamp
            while not _made(folder):
                again += 1
                folder = parent / f"{stamp}-{again}"
            return cls(folder, True)
        folder = pathlib.Path(path)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = _made(folder)
        run_checks.free_folder(folder, CHECKPOINT, resume, overwrite)
        if overwrite:
            for old in (*map(folder.joinpath, (NETWORK, DESCRIPTION, SCALING, HISTORY, PICTURE)), *folder.glob(f"{CHECKPOINT}*")):
                old.unlink(missing_ok=True)
        return cls(folder, made)

    @property
    def checkpoint(self) -> pathlib.Path:
        """Where fit keeps what it takes to go on."""
        return self.path / CHECKPOINT

    def removed_if_empty(self) -> None:
        """Remove the folder where it was made for a run that left nothing."""
        if self.made and not any(self.path.iterdir()):
            self.path.rmdir()

    def save(self, result: FitResult, description: dict[str, Any], features: Scaling, targets: Scaling) -> list[str]:
        """Write the run's files, each whole or not at all; their names.

        `features` and `targets` are Scalings. The picture is drawn where Matplotlib is installed.
        """
        result.network.save(self.path / NETWORK)
        with replacing(self.path / SCALING) as file:
            np.savez(file, center=features.center, spread=features.spread, target=np.stack([targets.center, targets.spread]))
        with replacing(self.path / DESCRIPTION) as file:
            file.write((json.dumps({"format": FORMAT, **description}, indent=1) + "\n").encode())
        result.history.save_csv(self.path / HISTORY)
        names = [NETWORK, SCALING, DESCRIPTION, HISTORY]
        try:
            figure: Any = plot_history(result.history).figure
        except ImportError:
            return names
        with replacing(self.path / PICTURE) as file:
            figure.savefig(file, dpi=120, format="png")
        return [*names, PICTURE]


def _made(folder: pathlib.Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def description(data: DataSet, options: dict[str, Any], network: Network) -> dict[str, Any]:
    """What a run is, as run.json holds it.

    features: `columns` in the order of X (null where the data have no names), `categories` of each column of text, `ignored`
    columns of the training table, `width` of X. targets: `names`, `task`, the `labels` of the classes in the order of the outputs
    (those of 0 and 1 where the network has one output), `loss`. options: those of the command.
    """
    features, targets = data.features, data.targets
    return {"features": {"columns": None if features.columns is None else list(features.columns), "width": features.width,
                         "categories": {name: list(labels) for name, labels in features.categories.items()},
                         "ignored": list(features.ignored)},
            "targets": {"names": list(targets.names), "task": targets.task, "labels": list(targets.labels), "loss": targets.loss},
            "network": list(network.widths), "options": options}


def read_run(network_path: str, network: Network, scaled: bool = True) -> tuple[Features | None, Scaling | None]:
    """The Features and the feature Scaling of the run whose network lies at `network_path`, by run.json and scaling.npz beside it.

    The features are None where there is no run.json, the scaling where there is no scaling.npz, or where it is not wanted.
    """
    folder = pathlib.Path(network_path).parent
    features = None
    if (folder / DESCRIPTION).exists():
        found = run_checks.described(folder / DESCRIPTION, FORMAT, network)["features"]
        columns = found["columns"]
        features = Features(None if columns is None else tuple(columns), found["width"],
                            {name: tuple(labels) for name, labels in found["categories"].items()}, tuple(found["ignored"]))
    if not scaled:
        return features, None
    if not (folder / SCALING).exists():
        run_checks.no_scaling_needed(folder, DESCRIPTION, SCALING, features)
        return features, None
    return features, Scaling(*run_checks.saved_scaling(folder / SCALING, network.widths[0]))


