"""gammachain predict: what a run's network predicts at the samples of a data set."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from . import run_checks
from .options import DATA, RUN, add_command, add_reading
from .outputs import predictions
from .report import Report
from .saved_run import SavedRun
from .table_files import csv_text, write_csv

EXAMPLE = """predict run new.csv
predict run new.csv --out predictions.csv"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "predict", predict, EXAMPLE, help="write what a run's network predicts at a data set's samples",
        description="Predict the targets of the samples of a data set, which needs no target column. The columns of a table are "
                    "found by their names, in whatever order they stand. The predictions are CSV: the sample's row, counted from "
                    "0, the class or the number, and the probability of each class where the loss has them.")
    command.add_argument("saved", metavar="RUN", help=RUN)
    command.add_argument("data", metavar="DATA", help=f"{DATA} (here y is not needed)")
    add_reading(command)
    command.add_argument("--out", metavar="FILE.csv", help="where to write; printed by default")


def predict(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """The predictions, printed or written."""
    if options.out is not None:
        run_checks.different_files(options.out, (options.data, *SavedRun.files(options.saved)))
    saved = SavedRun.read(options.saved)
    run_checks.whole_run(saved.columns, str(saved.path), "predict")
    assert saved.columns is not None
    inputs, X = saved.inputs(options.data, options)
    found = {"row": inputs.rows, **(inputs.identity or {}), **predictions(saved.columns, saved.outputs(X))}
    if options.out is not None:
        write_csv(options.out, found)
        return Report(f"{len(X)} predictions written to {options.out}", {"written": options.out, "samples": len(X)})
    return Report(csv_text(found).rstrip("\n"), {"samples": len(X), "columns": found, "notes": list(inputs.notes)})
