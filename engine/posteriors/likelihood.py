"""The negative log likelihood that a cost stands for."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from .. import losses
from ..cost import Cost
from ..reductions import weighted_by
from ..typing import Array

KNOWN = losses.squared_error, losses.softmax_cross_entropy, losses.binary_cross_entropy, losses.poisson
ADDITIVE = "sum", "mean", "weighted", "weighted_mean"


class Likelihood:
    """Σ_k w_k L_k / σ² and what makes it a normalised −log p(y | θ).

    w_k is 1 for sum and mean, the sample's weight for weighted, the same times what makes 1 the mean of those above 0 for
    weighted_mean, and (∇φ)_k of every other reduction; negative ones count as 0. Of squared_error w_k / σ² is the precision of
    sample k's noise; of the others w_k repeats the sample.

    Parameters
    ----------
    cost : Cost
    outputs : ndarray [m, n]
        In float64, as `targets`.
    targets : ndarray [m, n] or [m, 1]
    """

    def __init__(self, cost: Cost, outputs: Array, targets: Array) -> None:
        self.cost, self.samples, self._outputs, self._targets = cost, len(outputs), outputs, targets
        self._losses = cost.losses_and_gradients(outputs, targets)[0]
        name, w, m = cost.reduction.name, cost.reduction.data, len(outputs)
        if name in ("sum", "mean"):
            weights = np.ones(m)
        elif name == "weighted":
            weights = np.array(w, np.float64)
        elif name == "weighted_mean":
            m = int(np.count_nonzero(w))
            weights = w * (m / w.sum())
        else:
            weights = np.array(cost.reduce(self._losses)[1])
        self.weights = np.maximum(weights, 0)
        self.scale = float(m) if name in ("mean", "weighted_mean") else 1.0

    @property
    def has_noise(self) -> bool:
        """Whether there is a σ²."""
        return self.cost.loss == losses.squared_error

    @property
    def weighted_cost(self) -> Cost:
        """Σ_k w_k L_k as a cost."""
        return Cost(self.cost.loss, weighted_by(self.weights.copy()))

    @property
    def numbers(self) -> int:
        """How many observed numbers there are, outputs of samples of weight 0 left out."""
        return int((self.weights > 0).sum()) * self._outputs.shape[1]

    @property
    def energy(self) -> float:
        """Σ_k w_k L_k."""
        return float(self.weights @ self._losses)

    def log_density(self, noise: float) -> float:
        """log p(y | θ)."""
        if self.has_noise:
            w, n = self.weights[self.weights > 0], self._outputs.shape[1]
            return -self.energy / noise - n / 2 * float(np.log(2 * np.pi * noise / w).sum())
        constant = 0.0
        if self.cost.loss == losses.poisson:
            constant = float(self.weights @ gammaln(self._targets + 1).sum(1))
        return -self.energy - constant
