"""What subcommands share of their options."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from .tables.data import BUNDLED, Choices
from .tables.table import BINARY_SUFFIXES, SEPARATORS, SUFFIXES, Reading

DATA = (f"{', '.join(BUNDLED)} (bundled with scikit-learn); a table with a line of column names, whose name ends in "
        f"{', '.join(SUFFIXES)} or one of these and .gz, or in {' or '.join(BINARY_SUFFIXES)}; or an .npz file with arrays X and y")


class OneLine(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors of the command are."""

    def error(self, message: str) -> NoReturn:
        """Print the error and leave with status 2."""
        print(f"{self.prog}: {' '.join(message.split())}; {self.prog} --help lists the options", file=sys.stderr)
        raise SystemExit(2)


class Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Help that shows the defaults that there are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, False) else super()._get_help_string(action)


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
    reading: dict[str, Any] = {name: getattr(options, name, None) for name in ("separator", "decimal", "encoding", "thousands",
                                                                               "sheet")}
    reading |= {"header": not getattr(options, "no_header", False), "marks": getattr(options, "missing_marks", None)}
    return Choices(**said, reading=Reading(**reading))
