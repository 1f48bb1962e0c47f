"""The command line of python -m engine: its subcommands, and what it says and returns when one of them ends."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from . import compile, jacobian, train
from .options import OneLine
from .signals import EXPECTED, Signals, Stopped


def parser() -> OneLine:
    """The command's options."""
    main = OneLine(prog="python -m engine", description="Per-sample derivatives of dense neural networks.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subcommand in (train, jacobian, compile):
        subcommand.add(commands)
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status: 0, 2 after an error, 128 and the signal's number where a signal ended it."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signals = Signals()
    try:
        options = parser().parse_args(arguments)
        with signals:
            options.run(options, arguments)
            sys.stdout.flush()
        return 0
    except BrokenPipeError:
        _silence()
        return 128 + 13
    except EXPECTED as error:
        return _said(options.command, str(error) or type(error).__name__, 2)
    except Stopped as error:
        return _said(options.command, str(error), signals.status if error.status is None else error.status)
    except KeyboardInterrupt:
        return _said(arguments[0] if arguments else "", "interrupted", signals.status)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return _said(options.command, f"a fault of the engine's: {type(error).__name__}: {error} ({place.filename}, line "
                                      f"{place.lineno})", 2)


def _said(command: str, message: str, status: int) -> int:
    print(f"python -m engine {command}: {' '.join(message.split())}", file=sys.stderr)
    return status


def _silence() -> None:
    """Nobody reads what is printed any more: the interpreter is not to try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare_output() -> None:
    """Print warnings as one line each, and characters that the terminal cannot show as escapes."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _show_warning(message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None) -> None:
    print(f"python -m engine: warning: {' '.join(str(message).split())}", file=sys.stderr)
