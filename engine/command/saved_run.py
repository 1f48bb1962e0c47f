"""A saved run, read back: its network, the columns that it takes, the scaling that is left to apply."""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import load
from ..network import Network
from . import option_checks, run_checks
from .description import FORMAT, FORMER
from .options import choices
from .runs import DESCRIPTION, NETWORK, SCALING, TRAINED
from .tables import target_checks
from .tables.columns import Columns
from .tables.data import Inputs, read_features
from .tables.scaling import Scaling


@dataclass(frozen=True)
class SavedRun:
    """A network with what run.json and scaling.npz beside it say.

    Attributes
    ----------
    path : Path
        Of the network's file.
    network : Network
    columns : Columns, or None
        None where there is no run.json: the columns of a table are then taken as they come.
    description : mapping
        What run.json says; empty where there is none.
    features, targets : Scaling, or None
        What is left to apply to features and to undo on outputs; None where there is nothing.
    """

    path: pathlib.Path
    network: Network
    columns: Columns | None
    description: Mapping[str, Any]
    features: Scaling | None
    targets: Scaling | None

    @classmethod
    def read(cls, name: str, raw: bool = False, scaled: bool = False) -> SavedRun:
        """The run in the folder `name`, or that of the network in the file `name`.

        With `raw` features are taken as they are; with `scaled` the network is the one that was trained, of scaled features, also
        where network.npz has the scaling folded in.
        """
        given = pathlib.Path(name)
        path = given / NETWORK if given.is_dir() else given
        folder = path.parent
        if scaled:
            run_checks.trained_there(folder, TRAINED, SCALING)
            path = folder / TRAINED if (folder / TRAINED).exists() else path
        run_checks.network_there(path, given, path.name)
        described, columns = {}, None
        if (folder / DESCRIPTION).exists():
            described = run_checks.described(folder / DESCRIPTION, (FORMAT, FORMER))
        network = load(path)
        if described:
            columns = _columns(folder / DESCRIPTION, described)
            run_checks.same_width(folder / DESCRIPTION, columns.width, network)
        if path.name == TRAINED and columns is not None and not raw:
            return cls(path, network, columns, described, columns.scaling, columns.target_scaling)
        features, targets = (None, None) if raw else _scaling_left(folder, described, network)
        if columns is not None and columns.scaling is None:
            columns = columns.scaled(features or Scaling.none(columns.width), targets or Scaling.none(network.widths[-1]))
        return cls(path, network, columns, described, features, targets)

    @staticmethod
    def files(name: str) -> tuple[pathlib.Path, ...]:
        """The files that are read of the run `name`."""
        given = pathlib.Path(name)
        folder = given if given.is_dir() else given.parent
        return given, *(folder / file for file in (NETWORK, TRAINED, DESCRIPTION, SCALING))

    def inputs(self, data: str, options: argparse.Namespace) -> tuple[Inputs, NDArray[Any]]:
        """The samples of a data set, and their features [k, n_0] as the network takes them; what was left out or filled is said on
        the error stream."""
        found = read_features(data, self.columns, choices(options))
        for note in found.notes:
            print(f"{options.program} {options.command}: {note}", file=sys.stderr)
        return found, self.network_features(found.X, found.columns, found.place)

    def network_features(self, X: NDArray[Any], columns: Columns | None, place: Callable[[int], str]) -> NDArray[Any]:
        """Features [k, n_0] of a data set as the network takes them: scaled where it was trained so, and finite in its dtype.

        `columns` name the features in errors, and `place` says where each sample stands.
        """
        X = option_checks.network_inputs(self.network, X, str(self.path))
        X = X if self.features is None else self.features.applied(X)
        names = None if columns is None or not columns.named else columns.names
        target_checks.representable(X, self.network.dtype, place, lambda j: f"feature {names[j]!r}" if names else f"feature {j}")
        return X

    def outputs(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """The network's outputs [k, n] at features as it takes them, in the targets' own units."""
        A = self.network(X).astype(np.float64)
        return A if self.targets is None else A * self.targets.spread + self.targets.center


def _columns(path: pathlib.Path, described: Mapping[str, Any]) -> Columns:
    if described["format"] == FORMAT:
        return Columns.from_json(described.get("columns"), str(path))
    features, targets = run_checks.former_features(path, described), described["targets"]
    if features["columns"] is None:
        columns = Columns.of_array(features["width"])
    else:
        columns = Columns.of_names(features["columns"], {name: tuple(labels) for name, labels in features["categories"].items()},
                                   tuple(features["ignored"]))
    return replace(columns, targets=tuple(targets["names"]), task=targets.get("task", columns.task),
                   classes=tuple(targets.get("labels", ())), loss=targets.get("loss", columns.loss))


def _scaling_left(folder: pathlib.Path, described: Mapping[str, Any], network: Network) -> tuple[Scaling | None, Scaling | None]:
    """By scaling.npz: none where there is no such file, nor a run, or where it is folded into the network."""
    if described.get("scaling", {}).get("folded"):
        return None, None
    if not (folder / SCALING).exists():
        run_checks.no_scaling_needed(folder, DESCRIPTION, SCALING, described)
        return None, None
    center, spread, target = run_checks.saved_scaling(folder / SCALING, network.widths[0], network.widths[-1])
    return Scaling(center, spread), None if target is None else Scaling(*target)
