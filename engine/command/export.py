"""gammachain export: a saved network as a file of ONNX or safetensors."""

from __future__ import annotations

import argparse
import importlib
import pathlib
from collections.abc import Sequence
from typing import Any

from . import option_checks, run_checks
from .options import RUN, add_command
from .report import Report
from .saved_run import SavedRun

FORMATS = {".onnx": "onnx", ".safetensors": "safetensors"}
EXAMPLE = """export run network.onnx
export run network.safetensors"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "export", export, EXAMPLE, help="write a saved network as ONNX or safetensors",
        description="Write a run's network to a file that other libraries read. A network with its scaling folded in takes raw "
                    "features; the file of another one says nothing of the scaling that its inputs need.")
    command.add_argument("saved", metavar="RUN", help=RUN)
    command.add_argument("out", metavar="FILE", help=f"its name ends in {' or '.join(FORMATS)}")


def export(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Write the network."""
    suffix = option_checks.export_suffix(options.out, FORMATS)
    run_checks.different_files(options.out, SavedRun.files(options.saved))
    saved = SavedRun.read(options.saved)
    partner = importlib.import_module(f"engine.interop.{FORMATS[suffix]}")
    partner.save(saved.network, options.out)
    left = "" if saved.features is None else (f"; it takes features scaled as {saved.path.parent / 'scaling.npz'} says, and gives "
                                              "scaled targets")
    return Report(f"{saved.network!r} written to {options.out}{left}",
                  {"written": options.out, "format": FORMATS[suffix], "bytes": pathlib.Path(options.out).stat().st_size,
                   "scaled_inputs": saved.features is not None})
