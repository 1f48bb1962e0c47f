"""Checks of run folders and of the files in them."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..archives import Member, read_arrays
from ..network import Network


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


def described(path: pathlib.Path, form: str, network: Network) -> dict[str, Any]:
    """What a run.json says, checked."""
    try:
        found = json.loads(pathlib.Path(path).read_bytes().decode())
        features, targets, width = found["features"], found["targets"], found["features"]["width"]
        columns, categories, ignored = features["columns"], features["categories"], features["ignored"]
        names = [] if columns is None else columns
        texts = [*names, *ignored, *targets["names"], *categories, *(label for labels in categories.values() for label in labels)]
        whole = (found["format"] == form and isinstance(width, int) and all(isinstance(text, str) for text in texts)
                 and isinstance(names, list) and len(set(names)) == len(names) and set(categories) <= set(names)
                 and all(isinstance(labels, list) and labels for labels in categories.values()))
        if whole and columns is not None:
            whole = width == sum(len(categories.get(name, "1")) for name in names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} must describe a run, as the command writes it, but cannot be read: {type(error).__name__} "
                         f"{error}; remove it to take the columns in the order of the file") from None
    if not whole:
        raise ValueError(f"{path} must describe a run, as the command writes it ({form}), but does not; remove it to take the "
                         "columns in the order of the file")
    if width != network.widths[0]:
        raise ValueError(f"{path} describes a run of {width} features, but the network beside it takes {network.widths[0]}; they "
                         "belong to different runs")
    return found


def no_scaling_needed(folder: pathlib.Path, description: str, scaling: str, features: object) -> None:
    """Refuse a run without the scaling of its features."""
    if features is not None:
        raise ValueError(f"{folder} holds {description} but no {scaling}, so that the features cannot be scaled as they were in "
                         "training; --raw takes them as they are")


def saved_scaling(path: pathlib.Path, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """center and spread [width] of a scaling.npz, finite, each spread above 0."""
    wanted = Member("iuf", (width,))
    found = read_arrays(path, {"center": wanted, "spread": wanted}, f"the scaling of {width} features (--raw does without)")
    center, spread = (found[name].astype(np.float64) for name in ("center", "spread"))
    for name, array, holds in (("center", center, np.isfinite(center)), ("spread", spread, np.isfinite(spread) & (spread > 0))):
        if not holds.all():
            j = int(np.argmin(holds))
            raise ValueError(f"{path}: {name} must hold finite numbers{' above 0' if name == 'spread' else ''}, but {name}[{j}] is "
                             f"{array[j]:g}; --raw takes the features as they are")
    return center, spread
