"""What the options of a training run say: its data, split and scaled, and everything that fit takes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schedulers import BatchSchedule

from .. import Adam, AdamW, Cost, GradientDescent, Network, RMSprop, losses, reductions
from ..typing import Row
from . import option_checks
from .loss_options import loss_settings
from .options import choices
from .tables import target_checks
from .tables.data import DataSet, read_data
from .tables.scaling import Scaling

UPDATES = {"gradient_descent": GradientDescent, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop}
RATES = {"gradient_descent": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3}
REDUCTIONS = {"mean": False, "sum": False, "max": False, "log_sum_exp": True, "cvar": True, "quantile": True, "trimmed_mean": True,
              "power_mean": True, "mean_variance": True, "group_max": False}
LOSSES = sorted(losses.NAMED)
LOSS_FORMS = [name + ("[:NUMBER]" if name in losses.PARAMETRIC else "") for name in LOSSES]
REDUCTION_FORMS = [name + (":NUMBER" if takes else "") for name, takes in REDUCTIONS.items()]


def cost_of(loss: str, reduction: str, weights: NDArray[Any] | None = None, groups: NDArray[Any] | None = None,
            settings: Mapping[str, Any] | None = None) -> Cost:
    """The Cost of a loss and a reduction as the command line has them, `name` or `name:number`.

    `settings` are what `loss_settings` gives.

    With `weights` [m], mean is the weighted mean and sum the weighted sum; group_max takes `groups` [m].
    """
    named, number = option_checks.loss_spec(loss, LOSSES, losses.PARAMETRIC, LOSS_FORMS)
    chosen: Any = losses.named(named) if number is None else getattr(losses, named)(number)
    if settings:
        chosen = chosen(**settings)
    name, number = option_checks.reduction_spec(reduction, REDUCTIONS, REDUCTION_FORMS)
    option_checks.per_sample(name, weights is not None, groups is not None)
    if name == "group_max":
        return Cost(chosen, reductions.group_max(groups))  # type: ignore[arg-type]
    if weights is not None:
        return Cost(chosen, reductions.weighted_mean(weights) if name == "mean" else reductions.weighted(weights))
    return Cost(chosen, name if number is None else getattr(reductions, name)(number))


@dataclass(frozen=True)
class Problem:
    """A network and what it is to be trained on.

    Attributes
    ----------
    data : DataSet
        Missing cells filled; its `columns` hold the scalings.
    train, test : ndarray of int64
        Samples to train on, and those held out.
    X, y : ndarray
        Features and targets as the network is trained on them, scaled.
    network : Network
        With its first parameters.
    cost : Cost
        Of the training samples; its reduction may hold their weights or groups.
    test_cost : Cost
        Of those held out.
    loss_settings : dict
        The parameters of the loss that were given by options of their own.
    notes : tuple of str
        What is to be said about the data and the split.
    """

    data: DataSet
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    X: NDArray[np.float64]
    y: NDArray[Any]
    network: Network
    cost: Cost
    test_cost: Cost
    update: Any
    schedule: BatchSchedule
    loss_settings: Mapping[str, Any]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, options: argparse.Namespace) -> Problem:
        """The one that the options of `train` describe."""
        if options.loss is not None:
            option_checks.loss_spec(options.loss, LOSSES, losses.PARAMETRIC, LOSS_FORMS)
        read = read_data(options.data, choices=choices(options))
        split = read.split(option_checks.test_fraction(options.test_fraction), option_checks.seed(options.seed))
        data, train, test = split.data, split.train, split.test
        targets, m = data.targets, len(data.X)
        scaling = Scaling.of(data.X[train])
        target_scaling = Scaling.of(targets.y[train]) if targets.scaled else Scaling.none(targets.outputs)
        X, y = scaling.applied(data.X), target_scaling.applied(targets.y) if targets.scaled else targets.y
        of_outputs = target_scaling.with_log_variances() if targets.loss == "gaussian_nll" else target_scaling
        columns = data.columns.scaled(scaling, of_outputs)
        target_checks.representable(X, options.dtype, data.place, lambda j: f"column {columns.names[j]!r}, scaled,")
        target_checks.representable(y.reshape(m, -1), options.dtype, data.place, lambda j: f"the target {targets.names[j]!r}")
        network = Network.initialize((X.shape[1], *options.widths, targets.outputs), options.activation, seed=options.seed,
                                     dtype=options.dtype)
        of_loss = loss_settings(options, targets, train)
        cost, test_cost = (cost_of(targets.loss, options.reduction, None if data.weights is None else data.weights[part],
                                   None if data.groups is None else data.groups[part], of_loss) for part in (train, test))
        rate = RATES[options.update] if options.rate is None else options.rate
        return cls(replace(data, columns=columns), train, test, X, y, network, cost, test_cost, UPDATES[options.update](rate),
                   BatchSchedule(options.batch_size, order=options.order, seed=options.seed), of_loss,
                   (*data.notes, *split.notes))

    def fitted_with(self) -> tuple[Any, ...]:
        """What fit takes first."""
        return self.network, self.X[self.train], self.y[self.train], self.cost, self.update, self.schedule

    @property
    def held_out(self) -> dict[str, Any]:
        """What fit takes to record the cost of the samples held out: a reduction with weights or groups of its own needs a
        callback."""
        inputs = self.X[self.test], self.y[self.test]
        if not self.test_cost.reduction.data.size:
            return {"validation": inputs}

        def record(row: Row, network: Network) -> None:
            row["validation_cost"] = float(self.test_cost.value(network(inputs[0]), inputs[1]))

        return {"callbacks": [record]}

    def outputs(self, network: Network, part: NDArray[np.int64]) -> NDArray[np.float64]:
        """Outputs [m, n] of a trained network at some samples, in the targets' own units."""
        scaling = self.data.columns.target_scaling
        A = network(self.X[part]).astype(np.float64)
        return A if scaling is None else A * scaling.spread + scaling.center

    def sample_steps(self, epochs: int) -> int:
        """Sample steps of so many epochs."""
        return sum(len(step) for e in range(epochs) for step in self.schedule.epoch(len(self.train), e))
