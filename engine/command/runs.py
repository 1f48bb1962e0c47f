"""The folder of a run: the network, what its features and outputs mean, its history, the samples held out, and pictures."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..archives import write_arrays
from ..endings import FitResult
from ..files import replacing
from . import run_checks
from .drawing import draw
from .folding import Folding
from .report import json_text
from .table_files import write_csv

RUNS = "GAMMACHAIN_RUNS"  # the environment variable that names where new run folders go
NETWORK, TRAINED, DESCRIPTION, SCALING, HISTORY, HELD_OUT, CHECKPOINT = (
    "network.npz", "trained.npz", "run.json", "scaling.npz", "history.csv", "held_out.csv", "checkpoint.npz")
PICTURES = ("curves.png", "confusion.png", "predictions.png")


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
            own = (NETWORK, TRAINED, DESCRIPTION, SCALING, HISTORY, HELD_OUT, *PICTURES)
            for old in (*map(folder.joinpath, own), *folder.glob(f"{CHECKPOINT}*")):
                old.unlink(missing_ok=True)
        return cls(folder, made)

    @property
    def checkpoint(self) -> pathlib.Path:
        """Where fit keeps what it takes to go on."""
        return self.path / CHECKPOINT

    @property
    def description(self) -> pathlib.Path:
        """Where run.json is."""
        return self.path / DESCRIPTION

    def describe(self, found: Mapping[str, Any]) -> None:
        """Write run.json."""
        with replacing(self.description) as file:
            file.write(json_text(found).encode())

    def removed_if_empty(self) -> None:
        """Remove the folder where it was made for a run that left nothing."""
        if self.made and not any(self.path.iterdir()):
            self.path.rmdir()

    def save(self, result: FitResult, folding: Folding, held_out: Mapping[str, Any]) -> list[str]:
        """Write the run's network and history and the table `held_out`, each whole or not at all; their names.

        scaling.npz holds the scaling that is left to apply: none where it is folded into the network.
        """
        result.network.save(self.path / TRAINED)
        folding.network.save(self.path / NETWORK)
        features, targets = folding.features, folding.targets
        with replacing(self.path / SCALING) as file:
            write_arrays(file, center=features.center, spread=features.spread, target=np.stack([targets.center, targets.spread]))
        result.history.save_csv(self.path / HISTORY)
        write_csv(self.path / HELD_OUT, held_out)
        return [NETWORK, TRAINED, SCALING, HISTORY, HELD_OUT]

    def draw(self, description: Mapping[str, Any]) -> list[str]:
        """Draw the pictures that go with a run, by what is saved in the folder; their names."""
        return draw(self.path, description)


def _made(folder: pathlib.Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True
