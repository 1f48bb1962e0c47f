"""gammachain compile: kernels ahead of time."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from .info import platform_lines
from .options import add_command
from .report import Report

EXAMPLE = """compile
compile --dtype float32"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(commands, "compile", compile_kernels, EXAMPLE, help="compile all kernels into the cache, ahead of time",
                          description="Compile every kernel into the cache, so that nothing is compiled when it is needed.")
    command.add_argument("--dtype", nargs="+", default=["float64", "float32"], choices=("float64", "float32"),
                         help="what they compute in")


def compile_kernels(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Fill the kernels' cache."""
    from .ahead import compile_ahead

    started = time.perf_counter()
    compiled = compile_ahead(dict.fromkeys(options.dtype), lambda line: print(line, file=sys.stderr if options.json else None))
    seconds = time.perf_counter() - started
    lines, found = platform_lines()
    text = f"{compiled} functions compiled in {seconds:.1f} s; what was in the cache is not compiled again\n{lines}"
    return Report(text, {"functions": compiled, "seconds": seconds, **found})
