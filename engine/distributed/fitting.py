"""fit over samples on workers: the same epochs, with each batch step's sums made where its samples live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from schedulers import BatchSchedule, BatchStep

from .. import checks as engine_checks
from .. import network_checks, object_checks
from ..cost import Cost
from ..cost_checks import per_sample_data
from ..endings import FitResult, with_result
from ..epochs import EpochSteps
from ..network import Network, with_parameters
from ..privacy_checks import on_one_machine
from ..training import run_epochs
from ..typing import Array, Mask, Path, Row
from ..updates import Private, Update, UpdateState
from ..updates import checks as update_checks
from ..updates.linearised import Linearised, OutputHessianOf
from ..updates.penalised import penalised
from ..updates.private_steps import PrivateSteps
from . import checks, gradient
from .batch import Batch
from .linearised import SpreadLinearised
from .shards import Shards


class SpreadProblem:
    """A batch step whose samples are on workers, as functions of θ: a `updates.linearised.BatchProblem`."""

    def __init__(self, run: _Run, step: BatchStep) -> None:
        self._run, self._step = run, step
        self.cost = run.cost.at(step.indices)

    @property
    def step(self) -> BatchStep:
        """The BatchStep; its indices cannot be written to."""
        return self._step.read_only()

    @cached_property
    def batch(self) -> Batch:
        """The batch's samples, where they live."""
        shards, indices = self._run.X, self._step.indices
        everything = len(indices) == len(shards) and np.array_equal(indices, np.arange(len(shards)))
        return Batch(shards, shards.ready(self._run.network, self._run.cost.loss), None if everything else indices)

    def network(self, theta: Array) -> Network:
        """The network at `theta` [P], an array of the network's dtype; it is not copied."""
        network = self._run.network
        return with_parameters(network, engine_checks.parameters_in_place(theta, network.dtype, network.size))

    def value_and_gradient(self, theta: Array) -> tuple[np.floating[Any], Array]:
        """C and D_θ C of the batch (eq. 14 and 20)."""
        return gradient.evaluate(self.batch, self.network(theta), self.cost)

    def linearised(self, theta: Array, trainable: Mask, output_hessian: OutputHessianOf) -> Linearised:
        """The batch's cost near θ to second order, by the `output_hessian` of its losses."""
        return penalised(SpreadLinearised(self, theta, trainable, output_hessian), self.cost.penalty)


class _Run:
    """The checked inputs of a fit; `X` stands for the samples."""

    max_bytes: int | None = None
    targets = None  # they are with the samples, on the workers

    def __init__(self, network: Network, shards: Shards, cost: Cost, update: Update, schedule: Any,
                 trainable: ArrayLike | None) -> None:
        self.network, self.cost = object_checks.network(network, Network), object_checks.cost(cost, Cost, penalised=True)
        self.X = checks.shards(shards, Shards)
        self.update = update_checks.update(update, Update)
        on_one_machine(update, (Private, PrivateSteps))
        self.schedule = update_checks.schedule(schedule)
        self.trainable = network_checks.trainable(trainable, network.size)
        per_sample_data(cost.reduction, len(shards))
        shards.ready(network, cost.loss)

    def problem(self, step: BatchStep) -> SpreadProblem:
        """A batch step as functions of θ."""
        return SpreadProblem(self, step)

    def fused(self, steps: EpochSteps) -> bool:
        """Every batch step asks the workers."""
        return False


def fit(network: Network, shards: Shards, cost: Cost, update: Update, schedule: BatchSchedule | Any, *, epochs: int,
        trainable: ArrayLike | None = None, validation: tuple[ArrayLike, ArrayLike] | None = None,
        callbacks: Sequence[Callable[[Row, Network], object]] = (), progress: bool = True, checkpoint: Path | None = None,
        checkpoint_every: int = 1, resume: bool = False, state: UpdateState | None = None) -> FitResult:
    """Train a network on samples that live on the workers of a cluster (paper §6, eq. 20 and 21).

    With a first-order update the result has the bits of `engine.fit` on one machine with the same schedule, whatever the workers:
    one lost in mid-epoch has its part computed again by the others, one that joins gets its share of the samples at the next batch
    step. `schedulers.orders.sharded(shards.samples_each)` draws every 128 positions of a batch, or more, inside one shard, so that
    no sample leaves its worker; so does "sequential" with a batch of all samples. With other orders a batch's blocks mix samples of
    several shards, and those rows (no others) are brought together by the workers first: the same result, more bytes.

    `LevenbergMarquardt`, `GaussNewton` and `NaturalGradient` work by sums over shards as well: MᵀM [p, p] by the solver cholesky, R
    of M [p, p] by qr, products [p] by cg. They go through LAPACK and BLAS, and agree with one machine to rounding.

    Parameters
    ----------
    network : Network
        Where to begin; it is not changed.
    shards : Shards
        As `scatter` or `load` made them.
    cost, update, schedule, epochs, trainable, callbacks, progress, checkpoint, checkpoint_every, resume, state
        As `engine.fit` takes them; of samples on workers a checkpoint knows their number alone. The solvers kernel and kfac need
        every row of J in one place: a ValueError.
    validation : (X, y), optional
        Arrays of this process; their cost is recorded after each epoch.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.
    DivergenceError
        Where a cost or a parameter is no longer finite; its `.result` is the run up to the last whole epoch.
    Interrupted
        As `engine.fit` has it: on Ctrl-C, with `.result`. Other exceptions carry `.result` likewise.
    CheckpointError
        Where a checkpoint cannot be read or belongs to another run.

    See Also
    --------
    engine.fit : On one machine, with the same bits for first-order updates.
    load, scatter : Put samples on the workers.

    Examples
    --------
    >>> from engine import Cost, GradientDescent
    >>> from engine import distributed
    >>> from schedulers import BatchSchedule, orders
    >>> def trained(client, network, loaders):  # client = distributed.Client(address) of Dask; each loader reads one shard's (X, y)
    ...     shards = distributed.load(client, loaders)
    ...     schedule = BatchSchedule(8192, order=orders.sharded(shards.samples_each))
    ...     return distributed.fit(network, shards, Cost("squared_error"), GradientDescent(0.1), schedule, epochs=10)
    """
    return with_result(network, lambda reached: run_epochs(
        reached, _Run(network, shards, cost, update, schedule, trainable), epochs, validation, callbacks, progress, checkpoint,
        checkpoint_every, resume, state))
