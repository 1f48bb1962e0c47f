"""One training run of a sweep: nothing is saved but what it returns."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from .. import fit
from . import sweep_file_checks
from .problem import Problem
from .summary import results


def command_words(data: str, settings: Mapping[str, Any]) -> list[str]:
    """The words of the train command with such settings: a list stands for several words, true for an option without one."""
    words = [data]
    for name, value in settings.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, list | tuple):
            words += [option, *map(str, value)]
        elif value is True:
            words.append(option)
        elif value is not None and value is not False:
            words.append(f"{option}={value}")
    return words


def options_of(data: str, settings: Mapping[str, Any]) -> argparse.Namespace:
    """What the train command makes of them."""
    from .command_line import parser

    train = parser("gammachain").subcommands()["train"]
    sweep_file_checks.known_settings(settings, train.settings)
    return train.parse_args(command_words(data, settings))


def train_once(data: str, sha256: str, settings: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Train with `settings` and `more`, and return costs and scores. `sha256` makes runs on other data other runs."""
    options = options_of(data, {**settings, **more})
    problem = Problem.of(options)
    result = fit(*problem.fitted_with(), epochs=options.epochs, progress=False, **problem.held_out)
    found = results(problem, result)
    row = {name: found[name] for name in ("epochs", "cost", "validation_cost")}
    for part in ("train", "test"):
        for name in ("accuracy", "r2", "cosine"):
            if name in found[part]:
                row[f"{part}_{name}"] = found[part][name]
        if "rmse" in found[part] and len(found[part]["rmse"]) == 1:
            row[f"{part}_rmse"] = float(found[part]["rmse"][0])
    return {**row, "parameters": problem.network.size, "seconds": found["seconds"]}


def bound(data: str, sha256: str, settings: Mapping[str, Any]) -> Any:
    """`train_once` for a grid's settings alone."""
    return partial(train_once, data, sha256, dict(settings))
