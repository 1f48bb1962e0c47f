"""The command line: its subcommands, and what it says and returns when one of them ends."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

import engine

from . import compile, evaluate, export, info, jacobian, ntk, pictures, predict, resume, sweep, train
from .options import OneLine
from .report import Report
from .signals import EXPECTED, Signals, Stopped

PROGRAM = "python -m engine"
SUBCOMMANDS = (train, resume, predict, evaluate, jacobian, ntk, export, pictures, sweep, compile, info)
EXAMPLE = """train measurements.csv --target price --run-folder run
evaluate run more.csv
predict run new.csv --out prices.csv"""


def parser(program: str = PROGRAM) -> OneLine:
    """The command's options."""
    main = OneLine(prog=program, example=EXAMPLE,
                   description="Train dense neural networks on tables, and write their predictions and per-sample derivatives.")
    main.add_argument("--version", action="version", version=f"gammachain {engine.__version__}")
    main.set_defaults(program=program, parser=main)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subcommand in SUBCOMMANDS:
        subcommand.add(commands)
    return main


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Run the command; its exit status: 0, 2 after an error, 128 and the signal's number where a signal ended it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signals = Signals()
    end = Ending(program, arguments)
    try:
        options = parser(program).parse_args(arguments)
        end.command, end.json = options.command, options.json
        with signals:
            report = options.run(options, arguments)
            _print(report, options.json)
        return 0
    except BrokenPipeError:
        _silence()
        return 128 + 13
    except EXPECTED as error:
        return end.said(str(error) or type(error).__name__, 2)
    except Stopped as error:
        return end.said(str(error), signals.status if error.status is None else error.status)
    except KeyboardInterrupt as error:
        return end.said(str(error) or "interrupted", signals.status)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return end.said(f"a fault of the engine's: {type(error).__name__}: {error} ({place.filename}, line {place.lineno})", 2)


def console() -> int:
    """What the script gammachain calls."""
    prepare_output()
    return main(program="gammachain")


class Ending:
    """How an error is said: one line on the error stream, and with --json an object on the output."""

    def __init__(self, program: str, arguments: Sequence[str]) -> None:
        self.program, self.command, self.json = program, arguments[0] if arguments else "", False

    def said(self, message: str, status: int) -> int:
        """Say it; the exit status."""
        message = " ".join(message.split())
        print(f"{self.program} {self.command}: {message}", file=sys.stderr)
        if self.json:
            print(Report(found={"error": message, "status": status}).json())
        return status


def _print(report: Report, json: bool) -> None:
    if json or report.text:
        print(report.json() if json else report.text)
    sys.stdout.flush()


def _silence() -> None:
    """Nobody reads what is printed any more: the interpreter is not to try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare_output() -> None:
    """Print warnings as one line each, and characters that the terminal cannot show as escapes."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _show_warning(message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None) -> None:
    print(f"gammachain: warning: {' '.join(str(message).split())}", file=sys.stderr)
