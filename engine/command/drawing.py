"""The pictures of a run: its cost, and a confusion matrix or targets against predictions of the samples held out."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..extras import imported
from ..files import replacing
from ..history import History
from ..plot import confusion, plot_history, predictions
from .table_files import read_csv


def draw(folder: pathlib.Path, description: Mapping[str, Any]) -> list[str]:
    """Draw what run.json, history.csv and held_out.csv of a run's folder hold; the names of the pictures.

    Raises
    ------
    ImportError
        Where Matplotlib is not installed.
    """
    imported("matplotlib", "a picture")
    drawn = []
    history = read_csv(folder / "history.csv")
    rows = [dict(zip(history, map(float, row))) for row in zip(*history.values())]
    if rows:
        _save(plot_history(History(rows)).figure, folder / "curves.png")
        drawn.append("curves.png")
    targets = description.get("targets", {})
    found = read_csv(folder / "held_out.csv") if (folder / "held_out.csv").exists() else {}
    names = [name for name in targets.get("names", []) if name in found and f"true {name}" in found]
    labels = list(map(str, targets.get("labels", [])))
    if not names or len(found[names[0]]) == 0:
        return drawn
    if targets["task"] == "numbers":
        known, guesses = (np.array([found[prefix + name] for name in names], float).T for prefix in ("true ", ""))
        if np.isfinite(known).all() and np.isfinite(guesses).all():
            with np.errstate(over="ignore", invalid="ignore"):
                axes = predictions(known, guesses, names=names)
            _save(axes.figure, folder / "predictions.png")
            drawn.append("predictions.png")
    elif labels:
        name, = names
        _save(confusion(found[f"true {name}"], found[name], names=labels).figure, folder / "confusion.png")
        drawn.append("confusion.png")
    return drawn


def _save(figure: Any, path: pathlib.Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, dpi=120, format="png")
