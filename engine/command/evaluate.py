"""gammachain evaluate: how well a run's network does at a data set whose targets are known."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import run_checks
from .options import DATA, RUN, add_command, add_reading, choices
from .outputs import scores
from .problem import cost_of
from .report import Report, pairs, table
from .saved_run import SavedRun
from .tables.data import read_like

EXAMPLE = "evaluate run more.csv"


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "evaluate", evaluate, EXAMPLE, help="say how well a run's network does at a data set",
        description="The cost, and the accuracy with the confusion matrix or R², root mean squared and mean absolute error, at a "
                    "data set with the columns and the targets of the run's.")
    command.add_argument("saved", metavar="RUN", help=RUN)
    command.add_argument("data", metavar="DATA", help=DATA)
    add_reading(command)


def evaluate(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Score the network."""
    saved = SavedRun.read(options.saved)
    run_checks.whole_run(saved.columns, str(saved.path), "evaluate")
    columns = saved.columns
    assert columns is not None
    data = read_like(options.data, columns, choices(options))
    X = saved.network_features(data.X, columns, data.place)
    described = saved.description
    cost = cost_of(columns.loss, described["options"].get("reduction", "mean"), data.weights, data.groups,
                   described.get("targets", {}).get("loss_settings"))
    found = scores(columns, data.targets, cost, saved.outputs(X), data.targets.y)
    rows: list[tuple[str, object]] = [("samples", found["samples"]), ("cost", f"{found['cost']:.4g}, {cost.loss!r}")]
    for name, words in (("accuracy", "accuracy"), ("cosine", "mean cosine"), ("r2", "R^2")):
        if name in found:
            rows.append((words, f"{found[name]:.4f}"))
    for name, words in (("rmse", "root mean squared error"), ("mae", "mean absolute error")):
        if name in found:
            rows.append((words, ", ".join(f"{value:.4g} ({target})" for value, target in zip(found[name], columns.targets))))
    text = pairs([*rows, *(("note", note) for note in data.notes)])
    if "confusion" in found:
        names = [str(label) for label in columns.classes]
        text += "\n\n" + table(["truth \\ predicted", *names], [[name, *counts] for name, counts in
                                                               zip(names, np.asarray(found["confusion"]).tolist())])
    return Report(text, {**found, "labels": list(columns.classes), "targets": list(columns.targets), "loss": columns.loss})
