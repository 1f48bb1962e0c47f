"""python -m engine compile and info: kernels ahead of time, and what the engine runs on."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from .. import show_config


def add(commands: Any) -> None:
    """The subcommands' options."""
    command = commands.add_parser("compile", allow_abbrev=False, help="compile all kernels into the cache, ahead of time")
    command.add_argument("--dtype", nargs="+", default=["float64", "float32"], choices=("float64", "float32"),
                         help="what they compute in (default: both)")
    command.set_defaults(run=compile_kernels)
    command = commands.add_parser("info", allow_abbrev=False, help="versions, processor, threads and the kernels' cache")
    command.set_defaults(run=info)


def compile_kernels(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Fill the kernels' cache."""
    from .ahead import compile_ahead

    started = time.perf_counter()
    compiled = compile_ahead(dict.fromkeys(options.dtype))
    print(f"{compiled} functions compiled in {time.perf_counter() - started:.1f} s; what was in the cache is not compiled again")
    show_config()


def info(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Show what the engine runs on."""
    show_config()
