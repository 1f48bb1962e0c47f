"""fit over samples on workers: the same epochs, with each batch step's sums made where its samples live."""

from functools import cached_property

import numpy as np

from .. import checks as engine_checks
from .. import object_checks
from ..cost import Cost
from ..cost_checks import per_sample_data
from ..endings import with_result
from ..network import Network, with_parameters
from ..training import run_epochs
from ..updates import Update
from ..updates import checks as update_checks
from . import checks, gradient
from .batch import Batch
from .linearised import SpreadLinearised
from .shards import Shards


class SpreadProblem:
    """A batch step whose samples are on workers, as functions of θ: a `updates.linearised.BatchProblem`."""

    def __init__(self, run, step):
        self._run, self._step = run, step
        self.cost = run.cost.at(step.indices)

    @property
    def step(self):
        """The BatchStep; its indices cannot be written to."""
        return self._step.read_only()

    @cached_property
    def batch(self):
        """The batch's samples, where they live."""
        shards, indices = self._run.X, self._step.indices
        everything = len(indices) == len(shards) and np.array_equal(indices, np.arange(len(shards)))
        return Batch(shards, shards.ready(self._run.network, self._run.cost.loss), None if everything else indices)

    def network(self, theta):
        """The network at `theta` [P], an array of the network's dtype; it is not copied."""
        network = self._run.network
        return with_parameters(network, engine_checks.parameters_in_place(theta, network.dtype, network.size))

    def value_and_gradient(self, theta):
        """C and D_θ C of the batch (eq. 14 and 20)."""
        return gradient.evaluate(self.batch, self.network(theta), self.cost)

    def linearised(self, theta, trainable, output_hessian):
        """The batch's cost near θ to second order, by the `output_hessian` of its losses."""
        return SpreadLinearised(self, theta, trainable, output_hessian)


class _Run:
    """The checked inputs of a fit; `X` stands for the samples."""

    max_bytes: int | None = None
    targets = None  # they are with the samples, on the workers

    def __init__(self, network, shards, cost, update, schedule, trainable):
        self.network, self.cost = object_checks.network(network, Network), object_checks.cost(cost, Cost)
        self.X = checks.shards(shards, Shards)
        self.update = update_checks.update(update, Update)
        self.schedule = update_checks.schedule(schedule)
        self.trainable = update_checks.trainable(trainable, network.size)
        per_sample_data(cost.reduction, len(shards))
        shards.ready(network, cost.loss)

    def problem(self, step):
        """A batch step as functions of θ."""
        return SpreadProblem(self, step)

    def fused(self, steps):
        """Every batch step asks the workers."""
        return False


def fit(network, shards, cost, update, schedule, *, epochs, trainable=None, validation=None, callbacks=(), progress=True,
        checkpoint=None, checkpoint_every=1, resume=False, state=None):
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
