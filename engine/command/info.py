"""gammachain info: what the engine runs on, and what a run holds."""

from __future__ import annotations

import argparse
import contextlib
import io
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import engine

from .. import show_config
from . import run_checks
from .description import FORMAT, FORMER, software
from .options import add_command
from .report import Report, cell, pairs
from .runs import DESCRIPTION

EXAMPLE = """info
info run"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "info", info, EXAMPLE, help="versions, processor, threads and the kernels' cache; or what a run holds",
        description="Say what the engine runs on, or what the run in FOLDER holds.")
    command.add_argument("folder", metavar="FOLDER", nargs="?", help="the folder of a run")


def info(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """What the engine runs on, or what a run holds."""
    if options.folder is None:
        lines, found = platform_lines()
        return Report(f"gammachain {engine.__version__}\n{lines}", found)
    folder = pathlib.Path(options.folder)
    run_checks.run_with(folder, DESCRIPTION)
    described = run_checks.described(folder / DESCRIPTION, (FORMAT, FORMER))
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    return Report(pairs([*_lines(described), ("files", ", ".join(files))]), {**described, "files": files})


def platform_lines() -> tuple[str, dict[str, Any]]:
    """What `show_config` prints, and the versions of packages besides."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        found = show_config()
    more = {name: version for name, version in software().items() if name not in found and name != "gammachain"}
    lines = [text.getvalue().rstrip("\n"), *(f"{name:10} {version}" for name, version in more.items())]
    return "\n".join(lines), {"gammachain": engine.__version__, **found, **more}


def _lines(described: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What run.json says, for people."""
    get, targets, results = described.get, described.get("targets", {}), described.get("results", {})
    status = get("status", "finished")
    data, test = get("data", {}), results.get("test", {})
    rows: list[tuple[str, object]] = [
        ("command", get("command")), ("status", "running, or killed" if status == "running" else status), ("begun", get("begun")),
        ("data", f"{data.get('path') or data.get('name')}, {data.get('samples')} samples" if data else None),
        ("SHA-256", data.get("sha256")), ("target", targets.get("reading") or ", ".join(targets.get("names", []))),
        ("classes", ", ".join(map(str, targets.get("labels", [])))),
        ("network", "-".join(map(str, get("network", [])))), ("cost", get("cost")), ("scaling", get("scaling", {}).get("said"))]
    rows += [("epochs", results.get("epochs")), ("last cost", cell(results.get("cost")))]
    rows += [(f"test {name}", cell(test[name])) for name in ("accuracy", "r2", "cosine") if name in test]
    rows.append(("test rmse", ", ".join(map(cell, test.get("rmse", ())))))
    rows += [("versions", ", ".join(f"{name} {version}" for name, version in get("versions", {}).items()))]
    compiled = get("compiled")
    if compiled:
        rows.append(("compiled", f"{compiled['functions']} functions in {compiled['seconds']:.1f} s"))
    rows.append(("go on by", "gammachain resume FOLDER") if status not in ("finished",) else ("", ""))
    return [(name, value) for name, value in rows if name]
