"""Checks of run folders and of the files in them."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archives import Member, read_arrays
from ..network import Network

WITHOUT = "remove it to take the columns in the order of the file"


def resumable(path: str | None, resume: bool, overwrite: bool) -> None:
    """Refuse options of a run folder that contradict each other."""
    if resume and path is None:
        raise ValueError("--resume needs --run-folder, the folder of the run that is to go on")
    if resume and overwrite:
        raise ValueError("--resume goes on with a run and --overwrite replaces it; give one of them")


def free_folder(folder: pathlib.Path, checkpoint: str, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something already, except where that is wanted."""
    if not folder.is_dir():
        raise ValueError(f"--run-folder must name a folder, but {folder} is a file")
    names = sorted(path.name for path in folder.iterdir())
    if resume and names and checkpoint not in names and f"{checkpoint}.previous" not in names:
        raise ValueError(f"--resume needs a run that was begun in {folder}, but it holds no {checkpoint}")
    if names and not (resume or overwrite):
        raise ValueError(f"--run-folder {folder} already holds {', '.join(names[:5])}; name another folder, or replace the run in "
                         f"it by --overwrite{', or go on with it by --resume' if checkpoint in names else ''}")


def different_files(out: str, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse to write over what is read, and into what is no ordinary file."""
    if os.path.isdir(out):
        raise ValueError(f"--out must name a file, but {out} is a folder")
    if not os.path.isdir(os.path.dirname(os.path.abspath(out))):
        raise ValueError(f"--out must name a file in a folder that exists, but {os.path.dirname(os.path.abspath(out))} does not")
    if not os.path.exists(out):
        return
    if not os.path.isfile(out):
        raise ValueError(f"--out must name an ordinary file, but {out} is none")
    for path in inputs:
        if os.path.exists(path) and os.path.samefile(out, path):
            raise ValueError(f"--out must name a file of its own, but {out} is {path}, which is read; name another")


def described(path: pathlib.Path, known: Collection[str]) -> dict[str, Any]:
    """What a run.json says, of one of the `known` formats."""
    found = _json(path)
    if not isinstance(found, dict) or found.get("format") not in known:
        form = found.get("format") if isinstance(found, dict) else None
        raise ValueError(f"{path} must describe a run, as the command writes it ({', '.join(known)}), but "
                         f"{f'has the format {form!r}' if form else 'does not'}; {WITHOUT}")
    return found


def _json(path: pathlib.Path) -> Any:
    try:
        return json.loads(pathlib.Path(path).read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must describe a run, as the command writes it, but cannot be read: {type(error).__name__} "
                         f"{error}; {WITHOUT}") from None


def former_features(path: pathlib.Path, found: Mapping[str, Any]) -> dict[str, Any]:
    """The `features` of a run.json of the former format, checked."""
    try:
        features, targets = found["features"], found["targets"]
        width, columns, categories, ignored = (features[name] for name in ("width", "columns", "categories", "ignored"))
        names = [] if columns is None else columns
        texts = [*names, *ignored, *targets["names"], *categories, *(label for labels in categories.values() for label in labels)]
        whole = (isinstance(width, int) and all(isinstance(text, str) for text in texts)
                 and isinstance(names, list) and len(set(names)) == len(names) and set(categories) <= set(names)
                 and all(isinstance(labels, list) and labels for labels in categories.values()))
        if whole and columns is not None:
            whole = width == sum(len(categories.get(name, "1")) for name in names)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} must describe a run, as the command writes it, but cannot be read: {type(error).__name__} "
                         f"{error}; {WITHOUT}") from None
    if not whole:
        raise ValueError(f"{path} must describe a run, as the command writes it, but its features do not fit together; {WITHOUT}")
    return features


def same_width(path: pathlib.Path, width: int, network: Network) -> None:
    """Refuse a run.json of another network."""
    if width != network.widths[0]:
        raise ValueError(f"{path} describes a run of {width} features, but the network beside it takes {network.widths[0]}; they "
                         "belong to different runs")


def network_there(path: pathlib.Path, folder: pathlib.Path, network: str) -> None:
    """Refuse a folder without a network."""
    if folder.is_dir() and not path.exists():
        raise ValueError(f"RUN must name the folder of a run, or a network.npz, but {folder} holds no {network}; a run that was "
                         "stopped before its end writes one when it goes on: resume FOLDER")


def trained_there(folder: pathlib.Path, trained: str, scaling: str) -> None:
    """Refuse --scaled where nothing is known of scaled features."""
    if not any((folder / name).exists() for name in (trained, scaling)):
        raise ValueError(f"--scaled needs a run: {folder} holds neither {trained} nor {scaling}; leave it out")


def repeatable(folder: pathlib.Path) -> dict[str, Any]:
    """What run.json in a folder says of a run that can be repeated."""
    found = _of_folder(folder, "--like")
    if not isinstance(found.get("data"), dict) or not found["data"].get("sha256"):
        raise ValueError(f"--like needs a run whose run.json holds the hash of its data, but {folder} was written by an earlier "
                         "release; train anew by the options that its run.json names")
    return found


def resumable_run(folder: pathlib.Path, checkpoint: str) -> dict[str, Any]:
    """What run.json in a folder says of a run that can go on."""
    found = _of_folder(folder, "resume")
    if not any((folder / name).exists() for name in (checkpoint, f"{checkpoint}.previous")):
        raise ValueError(f"resume needs a run with a checkpoint, but {folder} holds no {checkpoint}; begin it anew by train --like "
                         f"{folder}")
    return found


def _of_folder(folder: pathlib.Path, who: str) -> dict[str, Any]:
    if not (folder / "run.json").is_file():
        raise ValueError(f"{who} needs the folder of a run, but {folder} {'holds no run.json' if folder.is_dir() else 'is none'}")
    found = _json(folder / "run.json")
    if not isinstance(found, dict) or not isinstance(found.get("options"), dict) or "data" not in found["options"]:
        raise ValueError(f"{folder / 'run.json'} must describe a run, as the command writes it, but holds no options of one")
    return found


def whole_run(columns: object, path: str, what: str) -> None:
    """Refuse a network without run.json where more than a network is needed."""
    if columns is None:
        raise ValueError(f"{what} needs a run: {path} has no run.json beside it, which says what its outputs mean; name the folder "
                         "of a run")


def no_scaling_needed(folder: pathlib.Path, description: str, scaling: str, features: object) -> None:
    """Refuse a run without the scaling of its features."""
    if features:
        raise ValueError(f"{folder} holds {description} but no {scaling}, so that the features cannot be scaled as they were in "
                         "training; --raw takes them as they are")


def saved_scaling(path: pathlib.Path, width: int, outputs: int) -> tuple[NDArray[np.float64], NDArray[np.float64],
                                                                         NDArray[np.float64] | None]:
    """center and spread [width] of a scaling.npz, and its target [2, outputs] where it has one: finite, each spread above 0."""
    wanted = Member("iuf", (width,))
    found = read_arrays(path, {"center": wanted, "spread": wanted, "target": Member("iuf", (2, outputs), optional=True)},
                        f"the scaling of {width} features (--raw does without)")
    center, spread = (found[name].astype(np.float64) for name in ("center", "spread"))
    _finite_scaling(path, (("center", center), ("spread", spread)))
    if "target" not in found:
        return center, spread, None
    target = found["target"].astype(np.float64)
    _finite_scaling(path, (("target[0]", target[0]), ("target[1], the spread,", target[1])))
    return center, spread, target


def _finite_scaling(path: pathlib.Path, arrays: Iterable[tuple[str, NDArray[np.float64]]]) -> None:
    for name, array in arrays:
        positive = "spread" in name
        holds = np.isfinite(array) & (array > 0) if positive else np.isfinite(array)
        if not holds.all():
            j = int(np.argmin(holds))
            raise ValueError(f"{path}: {name} must hold finite numbers{' above 0' if positive else ''}, but {name}[{j}] is "
                             f"{array[j]:g}; --raw takes the features as they are")


def run_with(folder: pathlib.Path, file: str) -> None:
    """Refuse what is no folder of a run, or lacks a file of one."""
    if not (folder / file).is_file():
        raise ValueError(f"FOLDER must be the folder of a run, but {folder} {f'holds no {file}' if folder.is_dir() else 'is none'}")
