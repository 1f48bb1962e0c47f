"""gammachain plot: draw the pictures of a run."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence
from typing import Any

from . import run_checks
from .description import FORMAT, FORMER
from .drawing import draw
from .options import add_command
from .report import Report
from .runs import DESCRIPTION, HISTORY

EXAMPLE = "plot run"


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "plot", plot, EXAMPLE, help="draw the pictures of a run",
        description="Draw the cost over the epochs, and a confusion matrix or predictions against targets of the samples held out, "
                    "into the run's folder: what train draws itself where Matplotlib is installed.")
    command.add_argument("folder", metavar="FOLDER", help="the folder of a run")


def plot(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Draw them."""
    folder = pathlib.Path(options.folder)
    run_checks.run_with(folder, HISTORY)
    described = run_checks.described(folder / DESCRIPTION, (FORMAT, FORMER)) if (folder / DESCRIPTION).exists() else {}
    drawn = draw(folder, described)
    return Report(f"drawn in {folder}: {', '.join(drawn)}", {"folder": str(folder), "files": drawn})
