"""Runs made from the settings of a saved one: repeated by train --like, gone on with by resume."""

from __future__ import annotations

import argparse
import os
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from . import run_checks
from .description import NOT_SETTINGS, software


def repeated(options: argparse.Namespace, arguments: Sequence[str]) -> tuple[argparse.Namespace, str]:
    """The options of the run in `options.like` where the user gave no others, and the SHA-256 of its data."""
    found = run_checks.repeatable(pathlib.Path(options.like))
    _warn_of_versions(found)
    train = options.parser.subcommands()["train"]
    train.set_defaults(**settings(found))
    made = train.parse_args(list(arguments)[list(arguments).index("train") + 1:])
    made.program, made.parser, made.command = options.program, options.parser, "train"
    return made, found["data"]["sha256"]


def settings(found: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run as its run.json has them; the data where it lies now."""
    kept = {name: value for name, value in found["options"].items() if name not in NOT_SETTINGS}
    path = found.get("data", {}).get("path")
    if path is not None and not os.path.exists(kept["data"]):
        kept["data"] = path
    return kept


def _warn_of_versions(found: Mapping[str, Any]) -> None:
    """Say which versions differ, since the bits may then."""
    there, here = found.get("versions", {}), software()
    other = [f"{name} {there[name]} there, {here.get(name, 'none')} here" for name in ("gammachain", "numpy", "numba")
             if name in there and there[name] != here.get(name)]
    if other:
        warnings.warn(f"other versions than those of the run: {'; '.join(other)}", stacklevel=2)
