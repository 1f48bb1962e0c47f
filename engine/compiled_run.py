"""Batch steps of many epochs in one call into the kernels, where nothing asks for Python between them (paper §1, eq. 21)."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from schedulers import BatchSchedule, orders, rates

from . import checks, cost_checks, pool
from .compiled_batch import CompiledBatch
from .epochs import EpochSteps, FitRun, diverged
from .kernels.epoch import Batches, Ending, Order, UpdateCodes, Whole
from .kernels.orders import OrderCode
from .kernels.reductions import ReductionCode
from .kernels.updates import prepare_updates
from .typing import Array, Indices
from .updates import Adam, AdamW, FirstOrder, GradientDescent, RMSprop, UpdateState
from .updates import checks as update_checks
from .updates.private_steps import inside, most_steps, not_private, privacy

CALL = 0.1  # seconds of a call, so that an interrupt is heard and a progress bar is fed
TRIAL = 2e-3  # of the first, and of one by which the engine learns whether threads pay
DRAWN = {orders.Sequential: OrderCode.SEQUENTIAL, orders.Shuffled: OrderCode.SHUFFLED,
         orders.WithReplacement: OrderCode.WITH_REPLACEMENT}
UPDATES = GradientDescent, Adam, AdamW, RMSprop
RATES = rates.Constant, rates.StepDecay, rates.ExponentialDecay, rates.Cosine, rates.OneCycle
MOST_SAMPLES = 1 << 32  # fewer have an order that kernels draw
_agreed: dict[OrderCode, bool | None] = {code: None if code != OrderCode.GIVEN else False for code in OrderCode}  # with NumPy


class Made(NamedTuple):
    """What was made of a run: the batch costs of its whole epochs, θ [P] and the update's state after them, and what ended the run
    in the epoch after those."""

    costs: NDArray[np.float64]  # [epochs, steps]
    theta: Array
    state: UpdateState
    error: Exception | None


class CompiledRun:
    """The epochs of one fit that are calls into the kernels."""

    def __init__(self, run: FitRun) -> None:
        self._run = run
        self._update: FirstOrder = inside(run.update)
        self._batch: CompiledBatch | None = None
        self._code = _order_code(run)
        self._shape: EpochSteps | None = None  # of an epoch whose order kernels draw
        self._seed = np.zeros(1, np.int64) if self._code == OrderCode.GIVEN else words(run.schedule.seed)
        self._seconds: dict[int, float] = {}  # of a step on so many threads, as last measured

    def steps(self, e: int) -> EpochSteps:
        """The batch steps of epoch `e`. Where kernels draw the order, their indices are there once the epoch has been made."""
        schedule, samples = self._run.schedule, len(self._run.X)
        if not _agreed[self._code]:
            return EpochSteps.of(schedule, samples, e)
        if self._shape is None:
            size = min(schedule.batch_size, samples)
            self._shape = EpochSteps(0, 0, np.empty(samples, np.int64),
                                     np.minimum(np.arange(schedule.steps(samples) + 1) * size, samples))
        return EpochSteps(e, e * len(self._shape), self._shape.indices, self._shape.offsets)

    def drawn(self, steps: EpochSteps) -> EpochSteps:
        """The same with their indices, for a run whose epochs are not made by kernels."""
        if not _agreed[self._code]:
            return steps
        self._code = OrderCode.GIVEN
        return self.steps(steps.epoch)

    def epochs(self, steps: EpochSteps, most: int, theta: Array, state: UpdateState) -> Made:
        """Make the epoch of `steps` and, where nothing in them is a user's own, those after it, up to `most` in all, in one call
        of about CALL; an epoch that takes longer in several, between which an interrupt is heard. θ [P] and the state are changed
        in place."""
        update, length = self._update, len(steps)
        if self._batch is None:
            self._batch = CompiledBatch(self._run)
            prepare_updates((update.code,), theta.dtype)
        if _agreed[self._code] is None:
            _agreed[self._code] = self._agrees(self._batch, steps, theta, state)
        drawn = _agreed[self._code]
        if drawn and (self._shape is None or steps.indices is not self._shape.indices):
            steps = self.steps(steps.epoch)
        if not drawn and self._run.cost.reduction.code == ReductionCode.WEIGHTED_MEAN:
            cost_checks.weight_in_each_batch(self._run.cost.reduction.data, steps.indices, steps.offsets)
        total = length * (most if drawn and known(update) else 1)
        whole = Whole(theta.copy(), update_checks.kernel_arrays(update, theta, state)[1].copy())
        costs: list[NDArray[np.float64]] = [np.empty(0)]
        made, error = 0, None
        while length and error is None and (made == 0 or made % length):
            part, error = self._call(steps, made, total, theta, state, whole, self._code if drawn else OrderCode.GIVEN)
            made += len(part)
            costs.append(part)
        epochs = made // length if length else 1
        if error is not None and (made % length or not np.isfinite(theta).all()):
            epochs = max(made - 1, 0) // length
            theta, state = whole.theta, state.copy()
            state.arrays["rows"] = whole.state
            cast(FirstOrder, self._run.update).skip(state, epochs * length - made)
        return Made(np.concatenate(costs)[:epochs * length].reshape(epochs, length), theta, state, error)

    def _call(self, steps: EpochSteps, made: int, total: int, theta: Array, state: UpdateState,
              whole: Whole, code: OrderCode) -> tuple[NDArray[np.float64], Exception | None]:
        """Go on after `made` of `total` steps; the costs of the steps made, and what ended the run."""
        assert self._batch is not None
        run, update, length, first = self._run, self._update, len(steps), steps.first + made
        choice = self._batch.choice(steps.largest)
        threads, trial = 1, False
        if choice is not None:
            threads = choice.threads() if pool.learner.learning else choice.most
            trial = pool.learner.learning and choice.trying
        seconds = self._seconds.get(threads)
        short = trial or seconds is None
        count = int((TRIAL if short else CALL) / (self._batch.expected(steps.largest) if seconds is None else seconds))
        count = min(max(count, 1), total - made, most_steps(run.update, theta) or total)
        if made % length + count > length:  # whole epochs
            count -= (made + count) % length
        etas, error = rates_of(update, range(first, first + count))
        settings, rows = update_checks.kernel_arrays(update, theta, state)
        costs = np.full(len(etas), np.nan)
        batches = Batches(steps.indices, steps.offsets, made % length, etas, update.made(state, first), costs)
        called = self._batch.call(theta, batches, steps.largest, Order(code.value, self._seed, steps.epoch),
                                  UpdateCodes(update.code, settings, rows, run.trainable),
                                  privacy(run.update, run.network, state, len(etas), theta, run.trainable), whole, threads)
        checks.workspace_found(called.ending == Ending.NO_MEMORY)
        cast(FirstOrder, run.update).skip(state, called.made)
        if called.made:
            seconds = called.ended - called.began
            self._seconds[threads] = seconds / called.made
            if choice is not None and pool.learner.learning and called.threads == threads:
                share = min(1.0, TRIAL / seconds)  # as if all calls were as long as those of a trial
                choice.took(threads, share * seconds, share * called.made * self._batch.work(steps.largest))
        if called.ending != Ending.DONE:
            epoch = steps.epoch + (made + called.made - (called.ending == Ending.THETA)) // length
            error = diverged(epoch, first + called.made, costs[called.made] if called.ending == Ending.COST else None)
        return costs[:called.made], error

    def _agrees(self, batch: CompiledBatch, steps: EpochSteps, theta: Array, state: UpdateState) -> bool:
        """Whether kernels draw the order of an epoch as NumPy did, whose version may be another than they follow."""
        indices = np.empty(len(self._run.X), np.int64)
        settings, rows = update_checks.kernel_arrays(self._update, theta, state)
        nothing = Batches(indices, np.zeros(2, np.int64), 0, np.zeros(1), 0, np.zeros(1))  # a step without samples
        batch.call(theta, nothing, 1, Order(self._code.value, self._seed, steps.epoch),
                   UpdateCodes(self._update.code, settings, rows, self._run.trainable), not_private(theta),
                   Whole(theta.copy(), rows.copy()), 1)
        return np.array_equal(indices[:len(steps.indices)], steps.indices)


def _order_code(run: FitRun) -> OrderCode:
    """What kernels know the order of a run's schedule by, or GIVEN where they cannot draw it."""
    schedule, reduction = run.schedule, run.cost.reduction
    if type(schedule) is not BatchSchedule or not 0 < len(run.X) < MOST_SAMPLES:
        return OrderCode.GIVEN
    if reduction.code == ReductionCode.WEIGHTED_MEAN and not (reduction.data > 0).all():  # the weights of a batch may sum to 0
        return OrderCode.GIVEN
    return DRAWN.get(type(schedule.order), OrderCode.GIVEN)


def words(seed: int) -> Indices:
    """A whole number of at least 0 in words of 32 bits, from the lowest; at least one."""
    return np.frombuffer(seed.to_bytes(max(-(-seed.bit_length() // 32), 1) * 4, "little"), "<u4").astype(np.int64)


def known(update: FirstOrder) -> bool:
    """Whether nothing of an update is a user's own, so that nobody sees when it is asked."""
    rate = update.rate
    while type(rate) is rates.Warmup and rate.after is not None:
        rate = rate.after
    return type(update) in UPDATES and (not callable(rate) or type(rate) in (*RATES, rates.Warmup))


def rates_of(update: FirstOrder, times: range) -> tuple[NDArray[np.float64], Exception | None]:
    """η of batch time steps, up to the first that has none, and the error that says so."""
    if not callable(update.rate) and type(update) in UPDATES:
        return np.full(len(times), update.rate), None
    etas: list[float] = []
    error = None
    try:
        for time in times:
            etas.append(update_checks.rate_now(update.rate_at(time), time))
    except Exception as raised:
        error = raised
    return np.array(etas, np.float64), error
