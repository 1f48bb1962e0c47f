"""fit: batch steps until the epochs are done (paper §1 and §6)."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from schedulers import BatchSchedule, BatchStep

from . import callback_checks, checks, object_checks
from .backward import rows_shared
from .batch_problem import BatchProblem, batch_problem
from .callbacks import Callback, EarlyStopping, restoring
from .checkpoint import Checkpoint
from .compiled_run import CompiledRun, Made
from .cost import Cost
from .endings import FitResult, Reached, Whole, with_result
from .epochs import EpochSteps, FitRun, diverged, epoch_stepwise
from .errors import DivergenceError
from .fit_progress import FitProgress
from .history import History
from .jets import evaluation as jet_evaluation
from .jets.pass_checks import without_slabs
from .jets.point_sets import of_jets, point_sets
from .jets.unknowns import trainable_with_unknowns, with_unknowns
from .network import Network
from .preparation import compiled_ahead, prepare_fit
from .rows import Rows, in_memory, read_targets, samples, samples_and_targets
from .two_passes import batch_bytes, losses_in_slabs
from .typing import Array, Path, Row, RowSource
from .updates import FirstOrder, Update, UpdateState
from .updates import checks as update_checks
from .updates.private_steps import inside

VALIDATION = 1 << 28  # bytes of a slab of held-out samples that are read from a file


class _Run:
    """The checked inputs of a fit."""

    def __init__(self, network: Network, X: ArrayLike | RowSource, y: ArrayLike | RowSource, cost: Cost, update: Update,
                 schedule: Any, trainable: ArrayLike | None, max_bytes: int | None) -> None:
        self.cost = object_checks.cost(cost, Cost, penalised=True, residuals=True)
        self.network = object_checks.network(network, Network, unknowns=of_jets(cost))
        self.max_bytes = checks.max_bytes(max_bytes)
        if of_jets(self.cost):
            without_slabs(self.max_bytes)
        self.update = update_checks.update(update, Update)
        self.schedule = update_checks.schedule(schedule)
        self.X, self.targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=self.max_bytes is not None)
        self.trainable = trainable_with_unknowns(trainable, network)
        self.update = self.update.within(cost, schedule, len(self.X))
        self._last_problem: BatchProblem | None = None

    def problem(self, step: BatchStep) -> BatchProblem:
        """A batch step as functions of θ. Those of points have ascending indices: r, J and their sums have the same bits in
        whatever order a batch has them, and a batch of the same points as the one before takes over what depends on no θ."""
        if of_jets(self.cost):
            step = BatchStep.checked(step.time, step.epoch, np.sort(step.indices))
        problem = batch_problem(self.network, self.X, self.targets, self.cost, step, self.max_bytes)
        if of_jets(self.cost) and in_memory(self.X, self.targets):
            if self._last_problem is not None and np.array_equal(self._last_problem.step.indices, step.indices):
                problem.point_sets = self._last_problem.point_sets
            self._last_problem = problem
        return problem

    def fused(self, steps: EpochSteps) -> bool:
        """Whether kernels can make the batch steps of an epoch: nothing needs Python between them, and threads would share blocks
        of samples."""
        built_in = self.network.kernels.built_in and self.cost.loss.code >= 0 and self.cost.reduction.code >= 0
        if not (built_in and update_checks.made_by_kernels(inside(self.update), FirstOrder)) or not self.cost.reduction.everywhere:
            return False
        fits = in_memory(self.X, self.targets) and self._fits(steps.largest)
        return fits and not rows_shared(self.network, steps.largest)

    def _fits(self, m: int) -> bool:
        """Whether the largest batch, its stacks kept, fits in `max_bytes`."""
        return self.max_bytes is None or batch_bytes(self.network, m) <= self.max_bytes


def fit(network: Network, X: ArrayLike | RowSource, y: ArrayLike | RowSource, cost: Cost, update: Update,
        schedule: BatchSchedule | Any, *, epochs: int, trainable: ArrayLike | None = None,
        validation: tuple[ArrayLike | RowSource, ArrayLike | RowSource] | None = None,
        callbacks: Sequence[Callable[[Row, Network], object]] = (), progress: bool = True, max_bytes: int | None = None,
        checkpoint: Path | None = None, checkpoint_every: int = 1, resume: bool = False,
        state: UpdateState | None = None) -> FitResult:
    """Train a network: one update of θ for each batch time step (paper §1 and §6, eq. 21).

    Parameters
    ----------
    network : Network
        Where to begin; it is not changed.
    X : array_like [samples, n_0], or an object with __len__ and __getitem__ over slices and index arrays (HDF5, Zarr)
        Of such an object only the rows of a batch, or of a slab of it, are read at a time, and checked then.
    y : array_like, or such an object
        As the cost's loss wants it.
    cost : Cost
        Of each batch; per-sample data of its reduction (weights, groups) is taken at the batch's samples. Its penalty is part of
        the cost of each batch, not of that of `validation`.
    update : update
        GradientDescent, Adam, AdamW, RMSprop, GaussNewton, LevenbergMarquardt, NaturalGradient, BayesianRegularization,
        Private. Where a tolerance of LevenbergMarquardt or BayesianRegularization is met, the run ends before its epochs
        are done.
        A rate that is a function of the batch time step may give 0, with which a step leaves θ as it is; a negative one, NaN or
        what is no number ends the run with an error that names the step.
    schedule : schedulers.BatchSchedule, or an object of one's own
        The latter has ``epoch(samples, e)``, which yields BatchSteps, and may have ``joined(samples, e)`` as BatchSchedule has it,
        which is then called in its place. An epoch whose batch steps hold no samples trains nothing: its cost is NaN, and a
        RuntimeWarning says so.
    epochs : int
        In all, those of a resumed run included.
    trainable : array_like of bool [P], optional
        Which numbers of θ may change; the others keep their bits.
    validation : (X, y), optional
        Its cost is recorded after each epoch; its reduction must not hold per-sample data of the training set.
    callbacks : sequence of callable
        Each called with the epoch's history row and the network; one that returns True stops the run. A
        `engine.callbacks.Callback` sees the cost of each batch step too, and an
        `engine.callbacks.EarlyStopping` with restore_best has `fit` give the best epoch's network and state.
    progress : bool
        Show a progress bar with the cost (tqdm, which is not imported otherwise).
    max_bytes : int, optional
        Batches that take more pass in slabs, as `value_and_gradient` has them, with the same bits; the cost of `validation` too.
        X and y, an epoch's order and a few numbers a sample of a batch come on top; second-order updates hold some [m, n]
        for a batch, and a solver's own matrices.
    checkpoint : path, optional
        Written after every epoch, or every `checkpoint_every`, and at the end of the run, whole or not at all: after a kill at any
        moment a good one is there. It holds θ, the update's state, the history and what the run depends on. What a callback puts
        into the history's rows is kept where JSON can hold it, NumPy's numbers and arrays as numbers and lists; else it is left
        out with a warning. The checkpoint before stays beside it as ``<checkpoint>.previous``; of a history of more than 100 epochs
        the older rows lie in ``<checkpoint>.history-…``. See docs/checkpoints.md.
    checkpoint_every : int
        Epochs from one checkpoint to the next.
    resume : bool
        Go on from `checkpoint` where it exists, bit for bit as if the run had never stopped; `network` and `state` are those with
        which the run began. A checkpoint of another run is refused: of another network or first θ, loss, reduction, update,
        schedule or order, their parameters and per-sample data, `trainable`, X or y. Users' functions are compared by name and
        code, arrays by a hash of their bytes; of an X or y outside memory (HDF5, Zarr) 1024 rows are hashed. Where the newest
        checkpoint is damaged, the one before it is used, with a warning.
    state : UpdateState, optional
        The ``result.state`` of an earlier run, from which the update goes on, so that a run with another rate, say, keeps Adam's
        running means. It must be like the state with which the update begins, in names, shapes and dtypes; it is copied. Batch
        time steps, and with them the rate and the order of the samples, begin at 0 again.

    Returns
    -------
    FitResult

    See Also
    --------
    schedulers.BatchSchedule : In what order samples are visited.
    GradientDescent, Adam, LevenbergMarquardt : Updates.
    engine.callbacks.EarlyStopping : Ends a run once it stops getting better.
    engine.distributed.fit : Over samples on the workers of a cluster.
    schedulers.sweep : Many runs.

    Notes
    -----
    Whatever ends a run early, what it had reached is handed on: an exception that leaves `fit` after its first epoch began, be it
    raised by a callback, a loss, a rate or an order of one's own, carries the run up to its last whole epoch as `.result` (as
    `.fit_result` where it has a `.result` of its own), and that epoch is in the checkpoint.

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.
    MemoryError
        Where `max_bytes` does not hold a block of samples; it names the least that does.
    DivergenceError
        Where a cost or a parameter is no longer finite; its `.result` is the run up to the last whole epoch.
    Interrupted
        On Ctrl-C, a KeyboardInterrupt whose `.result` is the run up to the last whole epoch. A call into compiled code, which takes
        about a tenth of a second, is ended first.
    CheckpointError
        Where a checkpoint cannot be read, belongs to another run or cannot be written at that path; before the first epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, GradientDescent, Network, fit
    >>> from schedulers import BatchSchedule
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> line = Network((1, 1), ("identity",), np.zeros(2))
    >>> result = fit(line, X, 2 * X + 1, Cost("squared_error"), GradientDescent(0.5), BatchSchedule(4), epochs=50, progress=False)
    >>> result.network.parameters.round(3)
    array([2., 1.])
    """
    network = with_unknowns(network, cost)
    return with_result(network, lambda reached: run_epochs(
        reached, _Run(network, X, y, cost, update, schedule, trainable, max_bytes), epochs, validation, callbacks, progress,
        checkpoint, checkpoint_every, resume, state))


def run_epochs(reached: Reached, run: FitRun, epochs: int, validation: Any, callbacks: Any, progress: bool, checkpoint: Path | None,
               checkpoint_every: int, resume: bool, state: UpdateState | None) -> FitResult:
    """The epochs of a fit whose samples are in `run`: here, or wherever its `problem(step)` finds them."""
    epochs = checks.whole_number(epochs, "epochs", 0)
    callbacks = update_checks.callables(callbacks)
    held_out = _validation(run, update_checks.validation_pair(validation))
    listeners = [callback for callback in callbacks if isinstance(callback, Callback)]
    stopping, best = [callback for callback in listeners if isinstance(callback, EarlyStopping)], restoring(callbacks)
    callback_checks.stopping(stopping, held_out is not None, bool(resume))
    resume, every = update_checks.resumable(resume, checkpoint), checks.whole_number(checkpoint_every, "checkpoint_every", 1)
    theta, given, state, history = run.network.parameters.copy(), state, _begun(run, state), History()
    kept = Checkpoint(checkpoint, run, every, state, given)
    found = kept.load() if resume else None
    if found is not None:
        theta, state, history = found[0], found[1], History(found[2])
    reached.begin(theta, state, history, kept.save)
    for listener in listeners:
        listener.begin(history.rows)
    compiled, said = CompiledRun(run), False
    validated = 0 if held_out is None else len(validation[0])
    prepare_fit(run, state, validated)
    with FitProgress(epochs, len(history), progress, lambda: compiled_ahead(run, state, validated)) as shown:
        while len(history) < epochs:
            started, e = clock.perf_counter() - shown.compiling.seconds, len(history)
            steps = compiled.steps(e)
            if any(callback.stopped for callback in stopping) or run.update.finished(state, int(np.count_nonzero(steps.sizes))):
                break
            said = said or _warned_of_nothing(run, steps)
            most = 1 if callbacks or held_out is not None else kept.next_due(e, epochs) - e
            made = _epochs(run, compiled, steps, most, theta, state)
            if len(made.costs):
                whole = Whole(made.theta.copy(), made.state.copy(), e + len(made.costs))
                validated = float("nan") if held_out is None else held_out(reached.network(whole))
                rows = _rows(e, made, validated, clock.perf_counter() - shown.compiling.seconds - started)
                rows[-1] |= run.update.recorded(made.state)
                history.rows.extend(rows)
                reached.whole = whole
                if kept.due(whole.epochs):
                    reached.save()
                shown.epochs(len(rows), rows[-1]["cost"])
            if made.error is not None:
                raise made.error
            for listener in listeners:
                listener.batches(steps.sizes.copy(), made.costs[-1].copy())
            stops = [isinstance(stop := callback(rows[-1], reached.network(whole)), bool | np.bool_) and stop
                     for callback in callbacks]
            if best is not None and best.best_epoch == e:
                reached.best = whole
            if any(stops):
                break
        reached.save()
        kept.finish(theta, state, history)
    return reached.result(reached.best)


def _begun(run: FitRun, state: UpdateState | None) -> UpdateState:
    """The update's state before the first batch step: as the update begins, or a copy of an earlier result's."""
    first = update_checks.first_state(run.update, run.network, UpdateState)
    if update_checks.made_by_kernels(inside(run.update), FirstOrder):
        update_checks.kernel_arrays(inside(run.update), run.network.parameters, first)
    return first if state is None else run.update.going_on(update_checks.state_like(state, first))


def _epochs(run: FitRun, compiled: CompiledRun, steps: EpochSteps, most: int, theta: Array, state: UpdateState) -> Made:
    """Make the epoch of `steps`, in the kernels up to `most` epochs, changing `theta` and `state` in place."""
    if run.fused(steps):
        return compiled.epochs(steps, most, theta, state)
    steps = compiled.drawn(steps)
    try:
        costs, done = epoch_stepwise(run, steps, theta, state)
    except DivergenceError as error:
        raise DivergenceError(f"{error}. The run up to the last whole epoch is in this error's .result") from None
    if done < len(steps):
        raise diverged(steps.epoch, steps.times[done], costs[done])
    if not np.isfinite(theta).all():
        raise diverged(steps.epoch, steps.times.stop, None)
    return Made(costs.astype(np.float64)[None], theta, state, None)


def _rows(e: int, made: Made, validated: float, seconds: float) -> list[Row]:
    """The history's rows of the epochs from `e` on; `seconds` went by for all that was made."""
    seconds /= len(made.costs) + (made.error is not None)
    return [{"epoch": e + i, "batch_steps": made.costs.shape[1], "cost": _mean(costs), "validation_cost": validated,
             "seconds": seconds} for i, costs in enumerate(made.costs.tolist())]


def _mean(costs: list[float]) -> float:
    """The mean of the batch costs, or NaN where no batch has a sample."""
    made = [cost for cost in costs if cost == cost]
    return sum(made) / len(made) if made else float("nan")


def _warned_of_nothing(run: FitRun, steps: EpochSteps) -> bool:
    """Whether an epoch trains nothing, which a warning says."""
    if steps.sizes.any() or run.update.empty_steps:
        return False
    remedy = "give a schedule whose batch steps hold samples"
    if getattr(run.schedule, "drop_last", False):
        remedy = f"use a batch_size of at most {len(run.X)}, or drop_last=False"
    warnings.warn(f"epoch {steps.epoch} of fit trains nothing: none of its {len(steps)} batch steps holds one of the {len(run.X)} "
                  f"samples, and its cost is NaN; {remedy}", RuntimeWarning, stacklevel=6)
    return True


def _validation(run: FitRun, pair: Sequence[Any] | None) -> Callable[[Network], float] | None:
    """A function that gives a network's cost on held-out samples, or None without any."""
    if pair is None:
        return None
    network, bounded = run.network, run.max_bytes is not None
    X = samples(pair[0], network.widths[0], network.dtype, name="validation X", bounded=bounded)
    targets = read_targets(pair[1], len(X), network.widths[-1], network.dtype, run.cost, bounded=bounded)
    if of_jets(run.cost):
        points = point_sets(run.cost, X, targets, network)
        return lambda network: float(jet_evaluation.value(network, points, run.cost))
    if bounded or isinstance(X, Rows) or isinstance(targets, Rows):
        max_bytes = run.max_bytes or VALIDATION
        return lambda network: float(run.cost.reduce(losses_in_slabs(network, X, targets, run.cost, max_bytes))[0])
    return lambda network: float(run.cost.reduce(run.cost.losses_and_gradients(network(X), targets)[0])[0])
