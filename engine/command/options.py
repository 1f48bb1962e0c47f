"""What subcommands share of their options: a parser whose errors are one line, examples first, and how data files are read."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from .tables.data import BUNDLED, Choices
from .tables.table import BINARY_SUFFIXES, SEPARATORS, SUFFIXES, Reading

DATA = (f"{', '.join(BUNDLED)} (bundled with scikit-learn); a table with a line of column names, whose name ends in "
        f"{', '.join(SUFFIXES)} or one of these and .gz, or in {' or '.join(BINARY_SUFFIXES)}; or an .npz file with arrays X and y")
RUN = "the folder of a run, or a network.npz"


class OneLine(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors of the command are, and whose help begins with an example.

    Parameters
    ----------
    example : str
        Command lines without the program's name, one a line.
    """

    def __init__(self, *given: Any, example: str = "", **more: Any) -> None:
        self.flags: list[str] = []
        self.settings: list[str] = []
        self._subcommands: Any = None
        super().__init__(*given, **{"allow_abbrev": False, **more})
        self.example = example

    def add_argument(self, *given: Any, **more: Any) -> argparse.Action:
        """Add an option or an argument, and note its flags and its name among the settings."""
        action = super().add_argument(*given, **more)
        self.flags += action.option_strings
        self.settings += [action.dest] if action.option_strings else []
        return action

    def add_subparsers(self, **more: Any) -> Any:
        """Add the place of the subcommands, whose parsers are of this class too."""
        self._subcommands = super().add_subparsers(**more)
        return self._subcommands

    def format_help(self) -> str:
        """The help, its example first."""
        program = self.prog if self.subcommands() else self.prog.rpartition(" ")[0]
        lines = [f"  {program} {line}" for line in self.example.splitlines()]
        before = ["example:" if len(lines) == 1 else "examples:", *lines, ""] if lines else []
        return "\n".join([*before, super().format_help()])

    def error(self, message: str) -> NoReturn:
        """Print the error and leave with status 2."""
        print(f"{self.prog}: {' '.join(message.split())}; {self.prog} --help lists the options", file=sys.stderr)
        raise SystemExit(2)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The options; an unknown one is refused with the one that was perhaps meant."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = self.subcommands().get(getattr(options, "command", ""), self)
            wrong = unknown[0].partition("=")[0]
            suggestion = meant(wrong, parser.flags) if wrong.startswith("-") else ""
            parser.error(f"unrecognized arguments: {' '.join(unknown)}{suggestion}")
        return options

    def subcommands(self) -> dict[str, OneLine]:
        """The parsers of the subcommands by name."""
        return {} if self._subcommands is None else dict(self._subcommands.choices)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{meant(str(value), known)} (choose from "
                                                 f"{', '.join(known)})")


class Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Help that shows the defaults that there are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def meant(wrong: str, known: Iterable[str]) -> str:
    """ "; did you mean …?" where a known word is close, else nothing."""
    close = difflib.get_close_matches(wrong, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


def add_command(commands: Any, name: str, run: Any, example: str, help: str, description: str) -> OneLine:
    """The parser of a subcommand that calls ``run(options, arguments)``, with the options that each has."""
    command: OneLine = commands.add_parser(name, help=help, description=description, example=example, formatter_class=Defaults)
    command.add_argument("--json", action="store_true", help="print one JSON object, and everything else on the error stream")
    command.set_defaults(run=run)
    return command


def add_reading(command: argparse.ArgumentParser) -> None:
    """The options that say how a data file is read."""
    command.add_argument("--separator", metavar="NAME",
                         help=f"what stands between the cells of a table: {', '.join(SEPARATORS)}, or the sign itself; found by "
                              f"default")
    command.add_argument("--decimal", choices=("point", "comma"),
                         help="the sign before a number's fraction in a table; found by default, and stated")
    command.add_argument("--encoding", metavar="NAME",
                         help="of a table, such as cp1252 or latin-1; by default that of its byte-order mark, or UTF-8")
    command.add_argument("--thousands", choices=("comma", "point", "space", "apostrophe"),
                         help="the sign between the thousands of a table's numbers; none by default")
    command.add_argument("--no-header", action="store_true",
                         help="the first line of a table is a sample; its columns are named column 1, column 2 and so on")
    command.add_argument("--sheet", metavar="NAME", help="of an Excel workbook; by default the first")
    command.add_argument("--missing-marks", metavar="TEXTS",
                         help="texts that stand for a missing cell besides the usual ones, with commas between them, such as "
                              "--missing-marks=-,unknown")
    command.add_argument("--categories", choices=("drop", "one-hot"),
                         help="leave columns of text out, or make each of their texts a feature of 0 and 1; by default those of up "
                              "to 20 texts are made features, and others are refused")
    command.add_argument("--drop", metavar="COLUMNS", help="columns of a table to leave out, with commas between them")
    command.add_argument("--keep", metavar="COLUMNS",
                         help="columns that are features although they count the lines or hold one value alone")
    command.add_argument("--missing", choices=("drop", "mean"),
                         help="leave lines with missing cells out, or fill these by the mean of the training samples; refused by "
                              "default")


def choices(options: argparse.Namespace) -> Choices:
    """What a user said about a data set."""
    said = {name: getattr(options, name, None) for name in ("target", "task", "loss", "categories", "drop", "keep", "missing",
                                                            "weights", "groups")}
    said["task"] = None if said["task"] == "auto" else said["task"]
    reading: dict[str, Any] = {name: getattr(options, name, None) for name in ("separator", "decimal", "encoding", "thousands",
                                                                               "sheet")}
    reading |= {"header": not getattr(options, "no_header", False), "marks": getattr(options, "missing_marks", None)}
    return Choices(**said, reading=Reading(**reading))
