"""gammachain train: train a network on a data set, save the run, sum it up."""

from __future__ import annotations

import argparse
import pathlib
import shlex
import time
from collections.abc import Sequence
from typing import Any

from .. import DivergenceError, fit
from ..activations import NAMED as ACTIVATIONS
from ..endings import FitResult
from ..kernels.numba_internals import compilations
from . import option_checks
from .description import beginning, completed
from .folding import fold
from .like import repeated
from .loss_options import add_loss_options
from .options import DATA, OneLine, add_command, add_reading
from .problem import LOSS_FORMS, REDUCTION_FORMS, UPDATES, Problem
from .report import Report, pairs
from .runs import CHECKPOINT, RunFolder
from .signals import EXPECTED, Stopped, deferred
from .summary import held_out, results, summary

SAVES = 50  # checkpoints of a run at most: each waits for the disk
EXAMPLE = """train digits
train measurements.csv --target price --widths 64 32 --epochs 100 --run-folder run
train --like run"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "train", train, EXAMPLE, help="train a network on a data set and save the run",
        description="Train a dense network on a data set, with some samples held out, and save the run in a folder. Features, and "
                    "targets that are numbers, are scaled to mean 0 and standard deviation 1 of the training samples; the scaling "
                    "is folded into the saved network. Ctrl-C and SIGTERM end a run after its last whole epoch, which is saved.")
    command.add_argument("data", metavar="DATA", nargs="?", help=DATA)
    command.add_argument("--like", metavar="FOLDER", help="repeat the run in FOLDER bit for bit: its data and all its settings, "
                                                          "except those that are given besides")
    command.add_argument("--target", metavar="NAME",
                         help="the target's column of a table, or several with commas between them, or the array of an .npz file")
    command.add_argument("--task", choices=("auto", "classes", "numbers"), default="auto",
                         help="what the targets are; by default text and few whole numbers are classes, except where --loss "
                              "decides")
    add_reading(command)
    command.add_argument("--weights", metavar="COLUMN", help="what each sample counts for in the cost, then a weighted mean or sum")
    command.add_argument("--groups", metavar="COLUMN", help="which group each sample belongs to: groups are held out whole, and "
                                                            "--reduction group_max takes the worst of them")
    add_settings(command)
    command.add_argument("--run-folder", metavar="FOLDER", help="where to save; a new folder under runs/ (or $GAMMACHAIN_RUNS) by "
                                                                "default")
    command.add_argument("--resume", action="store_true", help="go on with the run in --run-folder, bit for bit as if it had "
                                                               "never stopped")
    command.add_argument("--overwrite", action="store_true", help="replace the run in --run-folder")
    command.add_argument("--quiet", action="store_true", help="no progress bar")


def add_settings(command: OneLine) -> None:
    """The options that say what is trained, and how."""
    command.add_argument("--widths", type=int, nargs="*", default=[64, 32], metavar="N", help="widths of the hidden layers")
    command.add_argument("--activation", default="tanh", choices=sorted(ACTIVATIONS), metavar="NAME",
                         help=f"of the hidden layers: {', '.join(sorted(ACTIVATIONS))}")
    command.add_argument("--loss", metavar="NAME[:NUMBER]",
                         help=f"{', '.join(LOSS_FORMS)}; by default softmax_cross_entropy for classes and squared_error for "
                              "numbers; binary_cross_entropy and hinge train two classes by one output")
    add_loss_options(command)
    command.add_argument("--reduction", default="mean", metavar="NAME[:NUMBER]", help=", ".join(REDUCTION_FORMS))
    command.add_argument("--update", default="adam", choices=sorted(UPDATES), help="how a batch step changes the parameters")
    command.add_argument("--rate", type=float, help="learning rate; the default goes with the update")
    command.add_argument("--batch-size", type=int, default=32, metavar="M", help="samples in a batch step")
    command.add_argument("--order", default="shuffled", choices=("sequential", "shuffled", "with_replacement"),
                         help="the order in which samples are visited")
    command.add_argument("--epochs", type=int, default=60, metavar="N", help="passes over the training samples, those before "
                                                                             "--resume included")
    command.add_argument("--test-fraction", type=float, default=0.2, metavar="SHARE", help="of the samples, held out to test on")
    command.add_argument("--seed", type=int, default=0, help="of the split, the first parameters and the order")
    command.add_argument("--dtype", default="float64", choices=("float32", "float64"), help="of every computation")


def train(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Train, save the run, sum it up."""
    expected = None
    if options.like is not None:
        options, expected = repeated(options, arguments)
    option_checks.data_given(options.data)
    return trained(options, arguments, expected)


def trained(options: argparse.Namespace, arguments: Sequence[str], expected: str | None = None) -> Report:
    """Train with whole options. `expected` is the SHA-256 that the data must have, where it is known."""
    with compilations() as compiled:
        problem = Problem.of(options)
        description = beginning(options, arguments, problem)
        option_checks.same_data(description["data"], expected, options.like or options.run_folder)
        run = Run(options, arguments, problem, description)
        started = time.perf_counter()
        result = run.fitted(compiled)
        seconds = time.perf_counter() - started
    rows = [*summary(run.description, problem, len(result.history)), ("seconds", f"{seconds:.1f}"),
            ("scaling", "folded into network.npz, which takes raw features" if run.description["scaling"]["folded"]
             else run.description["scaling"]["said"]),
            ("saved", f"{run.folder.path} ({', '.join(run.saved)})"), ("pictures", run.pictures)]
    return Report("\n" + pairs(rows), {"folder": str(run.folder.path), "files": run.saved, **run.description["results"],
                                       "notes": list(problem.notes)})


class Run:
    """A run of the command: its folder, and what is saved there however it ends."""

    def __init__(self, options: argparse.Namespace, arguments: Sequence[str], problem: Problem,
                 description: dict[str, Any]) -> None:
        self.options, self.arguments, self.problem, self.description = options, arguments, problem, description
        self.saved: list[str] = []
        self.pictures = ""
        self.folder = RunFolder.opened(options.run_folder, pathlib.Path(options.data).name.split(".")[0], options.resume,
                                       options.overwrite)
        self._before = self.folder.description.read_bytes() if self.folder.description.exists() else None

    def fitted(self, compiled: Any) -> FitResult:
        """The FitResult, saved. A run that is interrupted or diverges is saved up to its last whole epoch."""
        options, problem = self.options, self.problem
        try:
            if self._before is None:
                self.folder.describe(self.description)
            result = fit(*problem.fitted_with(), epochs=options.epochs, progress=not options.quiet, **problem.held_out,
                         checkpoint=self.folder.checkpoint, checkpoint_every=max(1, options.epochs // SAVES), resume=options.resume)
        except BaseException as error:
            with deferred(dropped=True):
                kept = self._save_what_there_is(error, compiled)
            raise self._ending(error, kept) from error
        try:
            with deferred():
                self._save(result, "finished", compiled)
        except KeyboardInterrupt:
            raise Stopped(f"interrupted, but the run had ended, and all of it is saved in {self.folder.path}", None) from None
        return result

    def _ending(self, error: BaseException, kept: str) -> BaseException:
        """What to raise for what stopped the run: an error that says what is saved, and how to go on after an interrupt."""
        if isinstance(error, KeyboardInterrupt):
            go_on = self._go_on() if self.folder.checkpoint.exists() else ""
            return Stopped(f"interrupted. {kept}{go_on}", None)
        if isinstance(error, DivergenceError) or isinstance(error, EXPECTED) and self.saved:
            return Stopped(f"{str(error).split('. The run up to')[0]}. {kept}", 2)
        return error

    def _save_what_there_is(self, error: BaseException, compiled: Any) -> str:
        """Save the whole epochs of a run that was stopped; what is saved, in words."""
        result = getattr(error, "result", None)
        if result is None or not len(result.history):
            if self._before is None:
                self.folder.description.unlink(missing_ok=True)
            self.folder.removed_if_empty()
            return "No epoch was whole, so that nothing is saved"
        kept = f"The run up to its last whole epoch, {len(result.history)} of {self.options.epochs},"
        status = ("interrupted" if isinstance(error, KeyboardInterrupt) else "diverged" if isinstance(error, DivergenceError)
                  else f"stopped by {type(error).__name__}: {error}")
        try:
            self._save(result, status, compiled)
        except OSError as failure:
            return f"{kept} cannot be saved in {self.folder.path}: {failure}"
        return f"{kept} is saved in {self.folder.path}"

    def _save(self, result: FitResult, status: str, compiled: Any) -> None:
        """Write every file of the run; run.json, completed, at the end."""
        problem, columns = self.problem, self.problem.data.columns
        assert columns.scaling is not None and columns.target_scaling is not None
        folding = fold(result.network, columns.scaling, columns.target_scaling, problem.data.X[problem.train])
        self.saved = self.folder.save(result, folding, held_out(problem, result.network))
        completed(self.description, status, folding, compiled, results(problem, result))
        try:
            self.saved += self.folder.draw(self.description)
        except ImportError:
            self.pictures = ('none, since Matplotlib is not installed: python -m pip install "gammachain[demo]", then gammachain '
                             "plot draws them")
        self.folder.describe(self.description)
        self.saved.append(self.folder.description.name)
        if self.folder.checkpoint.exists():
            self.saved.append(CHECKPOINT)

    def _go_on(self) -> str:
        """How to go on, as a command."""
        program = self.options.program
        if self.options.like is not None or self.arguments[0] != "train":
            return f"; go on by: {program} {shlex.join(['resume', str(self.folder.path)])}"
        kept = [argument for argument in self.arguments if argument not in ("--resume", "--overwrite")]
        if self.options.run_folder is None:
            kept += ["--run-folder", str(self.folder.path)]
        return f"; go on by: {program} {shlex.join([*kept, '--resume'])}"
