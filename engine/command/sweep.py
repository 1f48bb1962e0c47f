"""gammachain sweep: train at every setting of a grid, or show the runs of a sweep that was kept."""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import schedulers

from . import sweep_file_checks
from .description import data_hash
from .options import add_command, choices
from .report import Report, table
from .sweep_runs import bound, command_words, options_of
from .table_files import write_csv
from .tables.data import BUNDLED, read_data

EXAMPLE = """sweep rates.toml
sweep rates.sqlite --key test_r2 --largest"""
GUESSED = ("test_accuracy", "test_r2", "test_cosine", "validation_cost")  # the first that there is orders the runs
LARGEST = ("accuracy", "r2", "cosine")  # of what ends so, the best is the largest


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "sweep", sweep, EXAMPLE, help="train at every setting of a grid, or show a sweep that was kept",
        description="FILE.toml names the data, the [settings] of train that all runs share, and a [grid] of lists; its runs go on "
                    "where they were stopped or killed, since each that has finished is kept in the store. FILE.sqlite is such a "
                    "store: its runs are shown.")
    command.add_argument("file", metavar="FILE", help="a sweep's description FILE.toml, or its store FILE.sqlite")
    command.add_argument("--key", metavar="NAME", help="the column by which runs are ordered; by default test_accuracy or test_r2")
    command.add_argument("--largest", action="store_true", help="the best is the largest; so it is of accuracies and R² anyway")
    command.add_argument("--rows", type=int, default=10, metavar="N", help="how many of the best are shown")
    command.add_argument("--out", metavar="FILE.csv", help="write all runs as CSV")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def sweep(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Run it, or read it, and show the best."""
    if sweep_file_checks.sweep_suffix(options.file) != ".toml":
        return shown(schedulers.load_sweep(options.file), options, {})
    found = sweep_file_checks.sweep_file(options.file)
    folder = pathlib.Path(options.file).parent
    data = found["data"] if found["data"] in BUNDLED else str((folder / found["data"]).resolve())
    settings, grid = found.get("settings", {}), found["grid"]
    for one in itertools.product(*grid.values()):
        made = options_of(data, {**settings, **dict(zip(grid, one))})
    sha256 = data_hash(found["data"] if found["data"] in BUNDLED else data, read_data(data, choices=choices(made)))
    store = folder / found.get("store", pathlib.Path(options.file).stem + ".sqlite")
    os.makedirs(store.parent, exist_ok=True)
    result = schedulers.sweep(bound(data, sha256, settings), grid, store=store, progress=not options.quiet,
                              executor="threads" if found.get("executor") == "threads" else None, workers=found.get("workers"),
                              key=found.get("key", options.key), largest=found.get("largest", options.largest))
    options.key = options.key or found.get("key")
    options.largest = options.largest or found.get("largest", False)
    return shown(result, options, {"data": data, "settings": settings, "grid": grid, "store": str(store)})


def shown(result: schedulers.SweepResult, options: argparse.Namespace, more: Mapping[str, Any]) -> Report:
    """The best runs as a table, those that failed, and how to train the best one again."""
    rows, names = list(result.rows), [name for name in result.columns() if name != "error"]
    key = options.key or next((name for name in GUESSED if name in names), names[-1])
    sweep_file_checks.known_key(key, names)
    largest = options.largest or key.endswith(LARGEST)
    failed = [row for row in rows if row["error"] is not None]
    ordered = sorted((row for row in rows if _finite(row.get(key))), key=lambda row: -row[key] if largest else row[key])
    if options.out is not None:
        write_csv(options.out, {name: [row.get(name) for row in rows] for name in [*names, "error"]})
    lines = [f"{len(rows)} runs, {len(failed)} failed; the {'largest' if largest else 'smallest'} {key} first"]
    if ordered:
        lines.append(table(names, [[row.get(name) for name in names] for row in ordered[:options.rows]]))
    seeds = over_seeds(result, key, largest)
    if seeds:
        lines += ["", f"over the seeds, the {'largest' if largest else 'smallest'} mean of {key} first",
                  table(list(seeds[0]), [list(row.values()) for row in seeds[:options.rows]]), ""]
    lines += [f"failed: {', '.join(f'{name} {row[name]}' for name in more.get('grid', names) if name in row)}: "
              f"{str(row['error']).strip().splitlines()[-1]}" for row in failed[:3]]
    if ordered and more:
        best = {**more["settings"], **{name: ordered[0][name] for name in more["grid"]}}
        lines.append(f"train the best again by: {options.program} {shlex.join(['train', *command_words(more['data'], best)])}")
    if more:
        lines.append(f"kept in {more['store']}")
    others = [row for row in rows if not _finite(row.get(key))]
    return Report("\n".join(lines), {"runs": len(rows), "failed": len(failed), "key": key, "largest": largest,
                                     "rows": ordered + others, "over_seeds": seeds, **more})


def over_seeds(result: schedulers.SweepResult, key: str, largest: bool) -> list[dict[str, Any]]:
    """The mean of `key`, its deviation and count at each setting but the seed, the best first; nothing where seeds do not vary."""
    settings = list(result.settings or ())
    if "seed" not in settings or key in settings or len({row["seed"] for row in result.rows}) < 2:
        return []
    others = [name for name in settings if name != "seed"]
    shown = [*others, *(f"{key}_{what}" for what in ("mean", "std", "count"))]
    found = [{name: row.get(name) for name in shown} for row in result.group(over="seed").rows if _finite(row.get(f"{key}_mean"))]
    return sorted(found, key=lambda row: -row[f"{key}_mean"] if largest else row[f"{key}_mean"])


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
