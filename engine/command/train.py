"""python -m engine train: train a network on a data set, save the run, sum it up."""

from __future__ import annotations

import argparse
import pathlib
import shlex
import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from schedulers import BatchSchedule

from .. import Adam, AdamW, Cost, DivergenceError, GradientDescent, Network, RMSprop, fit, reductions
from ..activations import NAMED as ACTIVATIONS
from ..endings import FitResult
from ..losses import NAMED as LOSSES
from . import option_checks
from .options import DATA, Defaults, add_reading, choices
from .runs import CHECKPOINT, RunFolder, description
from .signals import EXPECTED, Stopped, deferred
from .tables import target_checks
from .tables.data import DataSet, read_data
from .tables.scaling import Scaling

UPDATES = {"gradient_descent": GradientDescent, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop}
RATES = {"gradient_descent": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3}
REDUCTIONS = {"mean": False, "sum": False, "max": False, "log_sum_exp": True, "cvar": True, "quantile": True, "trimmed_mean": True,
              "power_mean": True, "mean_variance": True}
REDUCTION_FORMS = [name + (":NUMBER" if takes else "") for name, takes in REDUCTIONS.items()]
SAVES = 50  # checkpoints of a run at most: each waits for the disk


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = commands.add_parser(
        "train", allow_abbrev=False, help="train a network on a data set and save the run",
        formatter_class=Defaults,
        description="Train a dense network on a data set, with some samples held out, and save the run in a folder. Features, and "
                    "targets that are numbers, are scaled to mean 0 and standard deviation 1 of the training samples. Ctrl-C and "
                    "SIGTERM end a run after its last whole epoch, which is saved.")
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--target", metavar="NAME",
                         help="the target's column of a table, or several with commas between them, or the array of an .npz file")
    command.add_argument("--task", choices=("classes", "numbers"),
                         help="what the targets are; by default text and few whole numbers are classes, except where --loss "
                              "decides")
    add_reading(command)
    command.add_argument("--widths", type=int, nargs="*", default=[64, 32], metavar="N", help="widths of the hidden layers")
    command.add_argument("--activation", default="tanh", choices=sorted(ACTIVATIONS), metavar="NAME",
                         help=f"of the hidden layers: {', '.join(sorted(ACTIVATIONS))}")
    command.add_argument("--loss", choices=sorted(LOSSES), metavar="NAME",
                         help=f"{', '.join(sorted(LOSSES))}; by default softmax_cross_entropy for classes and squared_error for "
                              "numbers; binary_cross_entropy and hinge train two classes by one output")
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
    command.add_argument("--run-folder", metavar="FOLDER", help="where to save; a new folder under runs/ (or $GAMMACHAIN_RUNS) by "
                                                                "default")
    command.add_argument("--resume", action="store_true", help="go on with the run in --run-folder, bit for bit as if it had "
                                                               "never stopped")
    command.add_argument("--overwrite", action="store_true", help="replace the run in --run-folder")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(run=train)


def train(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Train, save the run, print a summary."""
    data = read_data(options.data, choices=choices(options))
    targets, m = data.targets, len(data.X)
    name, number = option_checks.reduction_spec(options.reduction, REDUCTIONS, REDUCTION_FORMS)
    reduction = name if number is None else getattr(reductions, name)(number)
    split = data.split(option_checks.test_fraction(options.test_fraction), option_checks.seed(options.seed))
    data, test, rest = split.data, split.test, split.train
    scaling = Scaling.of(data.X[rest])
    target_scaling = Scaling.of(targets.y[rest]) if targets.scaled else Scaling.none(targets.outputs)
    X, y = scaling.applied(data.X), target_scaling.applied(targets.y) if targets.scaled else targets.y
    target_checks.representable(X, options.dtype, data.place, lambda j: f"column {data.features.names[j]!r}, scaled,")
    target_checks.representable(y.reshape(m, -1), options.dtype, data.place, lambda j: f"the target {targets.names[j]!r}")
    network = Network.initialize((X.shape[1], *options.widths, targets.outputs), options.activation, seed=options.seed,
                                 dtype=options.dtype)
    rate = RATES[options.update] if options.rate is None else options.rate
    schedule = BatchSchedule(options.batch_size, order=options.order, seed=options.seed)
    run = Run(options, arguments, data, (scaling, target_scaling))
    started = time.perf_counter()
    result = run.fitted(network, X[rest], y[rest], Cost(targets.loss, reduction), UPDATES[options.update](rate), schedule,
                        validation=(X[test], y[test]))
    seconds = time.perf_counter() - started
    history, trained = result.history, result.network
    rows = [("target", targets.reading), ("data", data.described), *(("note", note) for note in data.notes),
            ("network", "-".join(map(str, network.widths)) + f", {options.activation}, {options.dtype}"),
            ("cost", f"{history[-1]['cost']:.4g}, {targets.loss}" if len(history) else "none: no epoch was run"),
            (f"train {targets.measure}", shown(targets.score(trained(X[rest]), y[rest]))),
            (f"test {targets.measure}", shown(targets.score(trained(X[test]), y[test]))),
            ("batch steps", str(sum(row["batch_steps"] for row in history))),
            ("sample steps", str(sample_steps(schedule, len(rest), len(history)))),
            ("seconds", f"{seconds:.1f}"), ("saved", f"{run.folder.path} ({', '.join(run.saved)})")]
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        if value:
            print(f"  {name:{width}}  {' '.join(value.split())}")


class Run:
    """A run of the command: its folder, and what is saved there however it ends."""

    def __init__(self, options: argparse.Namespace, arguments: Sequence[str], data: DataSet,
                 scalings: tuple[Scaling, Scaling]) -> None:
        self.options, self.arguments, self.data, self.scalings = options, arguments, data, scalings
        self.saved: list[str] = []
        self.folder = RunFolder.opened(options.run_folder, pathlib.Path(options.data).name.split(".")[0], options.resume,
                                       options.overwrite)

    def fitted(self, *inputs: Any, validation: tuple[NDArray[Any], NDArray[Any]]) -> FitResult:
        """The FitResult, saved. A run that is interrupted or diverges is saved up to its last whole epoch."""
        options = self.options
        try:
            result = fit(*inputs, epochs=options.epochs, validation=validation, progress=not options.quiet,
                         checkpoint=self.folder.checkpoint, checkpoint_every=max(1, options.epochs // SAVES), resume=options.resume)
        except BaseException as error:
            with deferred(dropped=True):
                kept = self._save_what_there_is(getattr(error, "result", None))
            raise self._ending(error, kept) from error
        try:
            with deferred():
                self._save(result)
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

    def _save_what_there_is(self, result: FitResult | None) -> str:
        """Save the whole epochs of a run that was stopped; what is saved, in words."""
        if result is None or not len(result.history):
            self.folder.removed_if_empty()
            return "No epoch was whole, so that nothing is saved"
        kept = f"The run up to its last whole epoch, {len(result.history)} of {self.options.epochs},"
        try:
            self._save(result)
        except OSError as failure:
            return f"{kept} cannot be saved in {self.folder.path}: {failure}"
        return f"{kept} is saved in {self.folder.path}"

    def _save(self, result: FitResult) -> None:
        options = {name: value for name, value in vars(self.options).items() if name not in ("run", "command")}
        self.saved = self.folder.save(result, description(self.data, options, result.network), *self.scalings)
        if self.folder.checkpoint.exists():
            self.saved.append(CHECKPOINT)

    def _go_on(self) -> str:
        """How to go on, as a command."""
        kept = [argument for argument in self.arguments if argument not in ("--resume", "--overwrite")]
        if self.options.run_folder is None:
            kept += ["--run-folder", str(self.folder.path)]
        return f"; go on by: python -m engine {shlex.join([*kept, '--resume'])}"


def sample_steps(schedule: BatchSchedule, samples: int, epochs: int) -> int:
    """Sample steps of a run."""
    return sum(len(step) for e in range(epochs) for step in schedule.epoch(samples, e))


def shown(score: float) -> str:
    """A score in words; it is NaN where all targets are alike."""
    return f"{score:.4f}" if score == score else "none: the targets do not vary there"
