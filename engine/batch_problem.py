"""What an update is given: one batch step as functions of θ."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schedulers import BatchStep, index_checks

from . import checks
from .clipped import losses_and_clipped_sum
from .cost import Cost
from .evaluation import evaluate
from .jets.evaluation import value_and_gradient
from .jets.point_sets import PointSets, of_jets, point_sets
from .network import Network, with_parameters
from .rows import Rows, as_given
from .typing import Array, Mask

if TYPE_CHECKING:
    from .updates.linearised import Linearised, OutputHessianOf


class BatchProblem:
    """The samples, targets and cost of one batch step, as functions of θ.

    First-order updates need `value_and_gradient` alone; the others build on `network`, `X`, `targets` and `cost`.

    Parameters
    ----------
    network : Network
        Its widths, activations and dtype; θ comes with each call.
    X : ndarray or Rows [samples, n_0]
        Checked, of the whole data set.
    targets : ndarray or Rows [samples, k]
        As `Cost.targets` makes them.
    cost : Cost
    step : schedulers.BatchStep
    max_bytes : int, optional
        The most that a slab of the batch may take.
    """

    def __init__(self, network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
                 max_bytes: int | None = None) -> None:
        index_checks.in_range(step.indices, len(X), "the batch step's indices")
        self._begin(network, X, targets, cost, step, max_bytes)

    def _begin(self, network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
               max_bytes: int | None) -> None:
        self._network, self._X, self._targets, self._cost, self._step = network, X, targets, cost, step
        self.max_bytes = max_bytes

    def network(self, theta: Array) -> Network:
        """The network at `theta` [P], an array of the network's dtype that is not copied."""
        return with_parameters(self._network, checks.parameters_in_place(theta, self._network.dtype, self._network.size))

    @property
    def step(self) -> BatchStep:
        """The BatchStep, whose indices cannot be written to. In a fit to residuals of points they ascend, whatever the schedule's
        order: no bit depends on the order within a batch."""
        return self._step.read_only()

    @property
    def X(self) -> Array:
        """The batch's samples [m, n_0], in the order of its sample steps."""
        return self._X[self._step.indices]

    @property
    def targets(self) -> Array:
        """The batch's targets [m, k], as kernels take them."""
        return self._targets[self._step.indices]

    @property
    def y(self) -> NDArray[Any]:
        """The batch's targets as `cost` takes them: [m, n], or [m] class numbers; of a loss that encodes its targets, encoded."""
        return as_given(self.targets, self._cost.loss.kind, self._network.widths[-1])

    @property
    def cost(self) -> Cost:
        """The cost, its reduction's per-sample data taken at the batch, its loss of targets like `y`."""
        return self._cost.at(self._step.indices).encoded

    @functools.cached_property
    def point_sets(self) -> PointSets:
        """The batch's points, set by set, of a cost of residuals."""
        return point_sets(self._cost, self.X, self.targets, self._network)

    def samples_at(self, slab: Any) -> Array:
        """X [., n_0] of a slice of the batch's sample steps 0 … m."""
        return self._X[self._step.indices[slab]]

    def linearised(self, theta: Array, trainable: Mask, output_hessian: OutputHessianOf) -> Linearised:
        """The batch's cost near θ to second order, by the `output_hessian` of its losses: a Linearised."""
        from .updates.kept_linearised import KeptLinearised
        from .updates.penalised import penalised
        from .updates.residual_linearised import ResidualLinearised
        from .updates.slab_linearised import SlabLinearised, whole_fits

        if of_jets(self._cost):
            return penalised(ResidualLinearised(self, theta, trainable, output_hessian), self._cost.penalty)
        whole = self.max_bytes is None or whole_fits(self._network, len(self._step), self.max_bytes)
        samples = (KeptLinearised if whole else SlabLinearised)(self, theta, trainable, output_hessian)
        return penalised(samples, self._cost.penalty)

    def value_and_gradient(self, theta: Array) -> tuple[np.floating[Any], Array]:
        """C and D_θ C of the batch (eq. 14 and 20)."""
        if of_jets(self._cost):
            network = self.network(theta)
            value, gradient = value_and_gradient(network, self.point_sets, self._cost.at(self._step.indices))
            return self._cost.with_penalty(network, value, gradient)
        return evaluate(self.network(theta), self._X, self._targets, self._cost, self._step, self.max_bytes)

    def losses_and_clipped_sum(self, theta: Array, clip_norm: float, trainable: Mask) -> tuple[Array, Array]:
        """φ̃ [m] of the batch, and the sum [P] of its samples' gradients, each clipped to `clip_norm` over the trainable numbers."""
        return losses_and_clipped_sum(self.network(theta), self._X, self._targets, self._cost, self._step, clip_norm, trainable,
                                      self.max_bytes)


def batch_problem(network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost, step: BatchStep,
                  max_bytes: int | None) -> BatchProblem:
    """The BatchProblem of a step whose indices were checked before."""
    made = BatchProblem.__new__(BatchProblem)
    made._begin(network, X, targets, cost, step, max_bytes)
    return made
