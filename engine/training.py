"""fit: batch steps until the epochs are done (paper §1 and §6)."""

import pathlib
import time as clock
from dataclasses import dataclass

import numpy as np

from schedulers import BatchStep

from . import checks
from .backward import gradient_room, worth_threads
from .batch_problem import BatchProblem
from .checkpoint import describe, load_checkpoint, save_checkpoint
from .errors import DivergenceError
from .history import History
from .kernels.epoch import Batches, CostCodes, UpdateCodes, epoch
from .network import Network
from .rows import in_memory, samples, truths
from .two_passes import batch_bytes, losses_in_slabs
from .updates import FirstOrder, Update, UpdateState
from .updates import checks as update_checks

VALIDATION = 1 << 28  # bytes of a slab of held-out samples that are read from a file


@dataclass(frozen=True)
class FitResult:
    """What a run leaves: the trained `network`, its `history` and the update's `state`."""

    network: Network
    history: History
    state: UpdateState


class _Run:
    """The checked inputs of a fit."""

    def __init__(self, network, X, y, cost, update, schedule, trainable, max_bytes):
        self.network, self.cost, self.max_bytes = network, cost, checks.max_bytes(max_bytes)
        self.update = update_checks.update(update, Update)
        self.schedule = update_checks.schedule(schedule)
        bounded = self.max_bytes is not None
        self.X = samples(X, network.widths[0], network.dtype, bounded=bounded)
        self.targets = truths(y, len(self.X), network.widths[-1], network.dtype, cost, bounded=bounded)
        self.trainable = update_checks.trainable(trainable, network.size)

    def problem(self, step):
        """A batch step as functions of θ."""
        return BatchProblem(self.network, self.X, self.targets, self.cost, step, self.max_bytes)

    def fused(self, steps):
        """Whether a whole epoch can be one call: nothing needs Python between its steps, and none is worth threads."""
        built_in = self.network._built_in and self.cost.loss.code >= 0 and self.cost.reduction.code >= 0
        if not (built_in and isinstance(self.update, FirstOrder)) or self.cost.reduction.name == "power_mean":
            return False
        fits = in_memory(self.X, self.targets) and self._fits(steps.largest)
        return fits and not worth_threads(self.network, steps.largest)

    def _fits(self, m):
        """Whether the largest batch, its stacks kept, fits in `max_bytes`."""
        return self.max_bytes is None or batch_bytes(self.network, m) <= self.max_bytes


class _EpochSteps:
    """The batch steps of an epoch: step i, of batch time step `first` + i, has indices[offsets[i]:offsets[i + 1]]."""

    def __init__(self, epoch, first, indices, offsets):
        self.epoch, self.first, self.indices, self.offsets = epoch, first, indices, offsets
        self.sizes = np.diff(offsets)

    @classmethod
    def of(cls, schedule, samples, e):
        """Those of epoch `e`; of a schedule of a user's own by its BatchSteps."""
        if hasattr(schedule, "joined"):
            indices, offsets = schedule.joined(samples, e)
            return cls(e, e * (len(offsets) - 1), indices, offsets)
        steps = list(schedule.epoch(samples, e))
        indices = np.concatenate([np.empty(0, np.int64), *(step.indices for step in steps)])
        return cls(e, steps[0].time if steps else 0, indices, np.cumsum([0, *map(len, steps)]))

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        return BatchStep(self.first + i, self.epoch, self.indices[self.offsets[i]:self.offsets[i + 1]])

    @property
    def times(self):
        """Their batch time steps."""
        return range(self.first, self.first + len(self))

    @property
    def largest(self):
        """Samples in the largest of them, or 1."""
        return int(self.sizes.max(initial=1))


def epoch_stepwise(run, steps, theta, state):
    """The batch steps of an epoch, one by one; the cost of each, and how many were made before one was not finite."""
    costs = np.full(len(steps), np.nan)
    for i in np.flatnonzero(steps.sizes).tolist():
        step = steps[i]
        costs[i] = run.update.step(run.problem(step), theta, state, run.trainable, step.time)
        if not np.isfinite(costs[i]):
            return costs, i
    return costs, len(steps)


def epoch_fused(run, steps, theta, state):
    """The same in one call into the kernels, with the same bits."""
    update, reduction, loss = run.update, run.cost.reduction, run.cost.loss
    rates = np.array([update.rate_at(time) for time in steps.times], np.float64)
    costs = np.full(len(steps), np.nan)
    batches = Batches(steps.indices, steps.offsets, rates, steps.first, costs)
    codes = CostCodes(loss.code, loss.parameter, reduction.code, reduction.parameter, reduction.data.astype(theta.dtype))
    room = gradient_room(run.network, steps.largest, 1)[0]
    made = epoch(theta, run.network._layout.plan, run.X, run.targets, batches, codes,
                 UpdateCodes(update.code, update.settings, state.arrays["rows"], run.trainable), room)
    return costs, made


class _Good:
    """The run up to its last whole epoch."""

    def __init__(self, network):
        self._network = network

    def keep(self, theta, state, history):
        """Copies of what the next epoch changes."""
        self._kept, self.network = (theta.copy(), state.copy(), history, len(history)), None

    def current(self):
        """Its network."""
        if self.network is None:
            self.network = self._network._with(self._kept[0])
        return self.network

    def result(self):
        """What `fit` gives."""
        _, state, history, count = self._kept
        return FitResult(self.current(), History(history.rows[:count]), state)


def fit(network, X, y, cost, update, schedule, *, epochs, trainable=None, validation=None, callbacks=(), progress=True,
        max_bytes=None, checkpoint=None, resume=False):
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
        Of each batch; per-sample data of its reduction (weights, groups) is taken at the batch's samples.
    update : update
        GradientDescent, Adam, AdamW, RMSprop, GaussNewton, LevenbergMarquardt, NaturalGradient. LevenbergMarquardt may end the
        run before its epochs are done, where a tolerance of its is met.
    schedule : schedulers.BatchSchedule
    epochs : int
        In all, those of a resumed run included.
    trainable : array_like of bool [P], optional
        Which numbers of θ may change; the others keep their bits.
    validation : (X, y), optional
        Its cost is recorded after each epoch; its reduction must not hold per-sample data of the training set.
    callbacks : sequence of callable
        Each called with the epoch's history row and the network; one that returns True stops the run.
    progress : bool
        Show a progress bar with the cost.
    max_bytes : int, optional
        Batches that take more pass in slabs, as `value_and_gradient` has them, with the same bits; the cost of `validation` too.
        X and y, an epoch's order and a few numbers a sample of a batch come on top; second-order updates hold some [m, n]
        for a batch, and a solver's own matrices.
    checkpoint : path, optional
        Written after every epoch.
    resume : bool
        Go on from `checkpoint` where it exists, bit for bit as if the run had never stopped.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.
    MemoryError
        Where `max_bytes` does not hold a block of samples; it names the least that does.
    DivergenceError
        Where a cost or a parameter is no longer finite; its `.result` is the run up to the last whole epoch.
    CheckpointError
        Where a checkpoint cannot be read or belongs to another run.

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
    run = _Run(network, X, y, cost, update, schedule, trainable, max_bytes)
    return run_epochs(run, epochs, validation, callbacks, progress, checkpoint, resume)


def run_epochs(run, epochs, validation, callbacks, progress, checkpoint, resume):
    """The epochs of a fit whose samples are in `run`: here, or wherever its `problem(step)` finds them."""
    from tqdm.auto import tqdm  # 30 of the 900 ms that importing the engine takes, asyncio with it

    network = run.network
    epochs = checks.whole_number(epochs, "epochs", 0)
    callbacks = update_checks.callables(callbacks)
    held_out = _validation(run, update_checks.validation_pair(validation))
    resume = update_checks.resumable(resume, checkpoint)
    theta, state, history = network.parameters.copy(), run.update.begin(network), History()
    description = describe(network, run.cost, run.update, run.schedule, len(run.X))
    if resume and pathlib.Path(checkpoint).exists():
        theta, state, rows = load_checkpoint(checkpoint, description)
        history = History(rows)
    good = _Good(network)
    good.keep(theta, state, history)
    with tqdm(total=epochs, initial=len(history), disable=not progress, unit="epoch") as bar:
        for e in range(len(history), epochs):
            started = clock.perf_counter()
            steps = _EpochSteps.of(run.schedule, len(run.X), e)
            if run.update.finished(state, np.count_nonzero(steps.sizes)):
                break
            road = epoch_fused if run.fused(steps) else epoch_stepwise
            try:
                costs, made = road(run, steps, theta, state)
            except DivergenceError as error:
                raise DivergenceError(f"{error}. The run up to the last whole epoch is in this error's .result",
                                      good.result()) from None
            if made < len(steps) or not np.isfinite(theta).all():
                raise _diverged(steps, costs, made, good.result())
            made_costs = costs[~np.isnan(costs)].tolist()
            row = {"epoch": e, "batch_steps": len(steps), "cost": sum(made_costs) / max(len(made_costs), 1)}
            history.rows.append(row)
            good.keep(theta, state, history)
            row |= {"validation_cost": held_out(good), "seconds": clock.perf_counter() - started}
            if checkpoint is not None:
                save_checkpoint(checkpoint, description, theta, state, history)
            if progress:
                bar.set_postfix(cost=f"{row['cost']:.4g}", refresh=False)
                bar.update()
            if any([isinstance(said := callback(row, good.current()), bool | np.bool_) and said for callback in callbacks]):
                break
    return good.result()


def _validation(run, pair):
    """A function of the run so far: the cost on held-out samples, or NaN."""
    if pair is None:
        return lambda good: float("nan")
    network, bounded = run.network, run.max_bytes is not None
    X = samples(pair[0], network.widths[0], network.dtype, name="validation X", bounded=bounded)
    targets = truths(pair[1], len(X), network.widths[-1], network.dtype, run.cost, bounded=bounded)
    if bounded or not in_memory(X, targets):
        most = run.max_bytes or VALIDATION
        return lambda good: float(run.cost.reduce(losses_in_slabs(good.current(), X, targets, run.cost, most))[0])
    return lambda good: float(run.cost.reduce(run.cost.losses_and_gradients(good.current()(X), targets)[0])[0])


def _diverged(steps, costs, made, good):
    if made < len(steps):
        what = f"the cost of batch time step {steps.times[made]} is {costs[made]}"
    else:
        what = "a parameter is no longer finite"
    return DivergenceError(f"{what}, in epoch {steps.epoch}; lower the rate or scale the samples. "
                           "The run up to the last whole epoch is in this error's .result", good)
