"""What kernels take of a fit to make batch steps one after another, alone or with threads that share each batch."""

from __future__ import annotations

import math
import time as clock
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from . import pool
from .backward import chunk_count, gradient_work, gradient_workspaces, worth_threads
from .kernels.epoch import (
    Batch,
    Batches,
    CostCodes,
    Order,
    Passes,
    Penalty,
    Privacy,
    Team,
    UpdateCodes,
    Whole,
    prepare_batches,
    run_steps,
    whole_back,
    whole_forward,
)
from .kernels.linked import address_of
from .kernels.penalties import PenaltyCode, prepare_penalties
from .kernels.streamed import NOT_CLIPPED, LossCodes, Results, Samples, prepare_block_sums, streamed
from .thread_choice import Choice, Kind
from .two_passes import batch_bytes
from .typing import Array
from .updates.private_steps import block_sum_code

if TYPE_CHECKING:
    from .epochs import FitRun

MULTIPLY_ADD, NUMBER = 5e-10, 4e-9  # seconds for each in a batch step: more than they take
STEP = 5e-6 if not numba.config.DISABLE_JIT else 1.0  # type: ignore[attr-defined]


class Called(NamedTuple):
    """What a call of `run_steps` gave, on how many threads, and when it began and ended, in seconds."""

    made: int
    ending: int
    threads: int
    began: float
    ended: float


class CompiledBatch:
    """The batch steps of one fit as kernels make them."""

    def __init__(self, run: FitRun) -> None:
        self._run, dtype = run, run.network.dtype
        loss, reduction, ridge = run.cost.loss, run.cost.reduction, run.cost.penalty
        run.cost.prepare(dtype)
        self._codes = CostCodes(loss.code, loss.parameter, reduction.code, reduction.parameter, reduction.data.astype(dtype))
        self._penalty = (Penalty(0.0, np.empty(0, np.int64)) if ridge is None
                         else Penalty(ridge.strength, ridge.spans(run.network)))
        self._alone, self._shared = ((Passes.STREAMED, Passes.STREAMED_ON_THREADS) if reduction.linear
                                     else (Passes.WHOLE, Passes.WHOLE_ON_THREADS))
        self._addresses: tuple[int, int] | None = None
        prepare_batches((self._alone.value,), dtype)
        prepare_block_sums((block_sum_code(run.update),), dtype)
        prepare_penalties(() if ridge is None else (PenaltyCode.RIDGE,), dtype)

    def expected(self, m: int) -> float:
        """Seconds that a step of m samples takes at most on a usual machine."""
        network = self._run.network
        return STEP + MULTIPLY_ADD * gradient_work(network, m) + NUMBER * network.size

    def work(self, m: int) -> float:
        """The multiply-adds of a step of m samples."""
        return gradient_work(self._run.network, m)

    def choice(self, m: int) -> Choice | None:
        """Whether threads pay for steps of m samples, as it is learnt; None where they cannot."""
        network, most = self._run.network, self._run.max_bytes
        if not worth_threads(network, m) or (most is not None and batch_bytes(network, m, pool.num_threads()) > most):
            return None
        return pool.learner.choice(Kind("run_steps", math.frexp(gradient_work(network, m))[1], 0), pool.num_threads())

    def call(self, theta: Array, batches: Batches, largest: int, order: Order, update: UpdateCodes, privacy: Privacy,
             whole: Whole, threads: int) -> Called:
        """Make the steps of `batches` on at most so many threads."""
        run, network = self._run, self._run.network
        workspaces = gradient_workspaces(network, largest, 1)

        def work(board: NDArray[np.int64], threads: int) -> Called:
            passes, chunks, addresses = self._alone, 1, (0, 0)
            if threads > 1:
                passes, addresses = self._shared, self._shared_addresses()
                chunks = chunk_count(network, largest, gradient_work(network, largest))
            team = Team(board, threads, *addresses)
            began = clock.perf_counter()
            made, ending = run_steps(theta, network.kernels.plan, run.X, run.targets, batches, order, self._codes, self._penalty,
                                     update, privacy, passes.value, chunks, workspaces, team, whole)
            return Called(made, ending, threads, began, clock.perf_counter())

        return pool.lend(min(threads, len(workspaces)), work)

    def _shared_addresses(self) -> tuple[int, int]:
        """Where the machine code begins of what threads run."""
        if self._addresses is None:
            dtype, none = self._run.network.dtype, (0, 0, 0)
            prepare_batches((self._shared.value,), dtype)
            line, table, indices = np.empty(0, dtype), np.empty((0, 0), dtype), np.empty(0, np.int64)
            plan, samples, loss = np.empty((0, 0), np.int64), Samples(table, table, indices), LossCodes(0, 0.0)
            results = Results(table, line, table)
            batch = Batch(line, results, line, line, table, NOT_CLIPPED)
            if self._shared == Passes.STREAMED_ON_THREADS:
                self._addresses = address_of(streamed, (line, line, plan, samples, loss, line, NOT_CLIPPED, results, table,
                                                        none)), 0
            else:
                self._addresses = (address_of(whole_forward, (line, plan, samples, loss, batch, none)),
                                   address_of(whole_back, (line, line, plan, batch, none)))
        return self._addresses
