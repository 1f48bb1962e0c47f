"""gammachain resume: go on with a run from the checkpoint in its folder."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence
from typing import Any

from . import run_checks, train
from .like import settings
from .options import add_command
from .report import Report
from .runs import CHECKPOINT

EXAMPLE = """resume run
resume run --epochs 200"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "resume", resume, EXAMPLE, help="go on with a run from the checkpoint in its folder",
        description="Go on with the run in FOLDER by the settings in its run.json, bit for bit as if it had never stopped.")
    command.add_argument("folder", metavar="FOLDER", help="the folder of a run")
    command.add_argument("--epochs", type=int, metavar="N", help="in all, those of the run before included; as the run had them by "
                                                                 "default")
    command.add_argument("--data", metavar="PATH", help="where the run's data lie now, if they were moved")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def resume(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Train on."""
    folder = pathlib.Path(options.folder)
    found = run_checks.resumable_run(folder, CHECKPOINT)
    made = options.parser.subcommands()["train"].parse_args(["--run-folder", str(folder), "--resume"])
    for name, value in settings(found).items():
        setattr(made, name, value)
    made.epochs = made.epochs if options.epochs is None else options.epochs
    made.data = made.data if options.data is None else options.data
    made.quiet, made.json, made.program, made.command = options.quiet, options.json, options.program, "resume"
    return train.trained(made, arguments, found.get("data", {}).get("sha256"))
