"""Where an estimator's training begins: the network that scikit-learn's MLPs begin with, and the cost that they descend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...activations import Activation
from ...cost import Cost
from ...losses import Loss
from ...network import Network
from ...penalties import ridge
from ...reductions import Reduction, weighted, weighted_mean
from ...typing import DType
from . import estimator_checks


def first_network(widths: Sequence[int], activations: Sequence[str | Activation], generator: np.random.RandomState,
                  dtype: DType) -> Network:
    """A network of random weights and biases, those that MLPClassifier draws from `generator`: uniform up to the bound of Glorot &
    Bengio (2010), √(6 / (n_{l−1} + n_l)), biases too, and √(2 / …) where hidden layers are sigmoids."""
    factor = 2.0 if len(activations) > 1 and getattr(activations[0], "name", activations[0]) == "sigmoid" else 6.0
    layers: list[tuple[NDArray[np.float64], NDArray[np.float64], str | Activation]] = []
    for before, width, activation in zip(widths, widths[1:], activations):
        bound = np.sqrt(factor / (before + width))
        weight = generator.uniform(-bound, bound, (before, width)).T
        layers.append((weight, generator.uniform(-bound, bound, width), activation))
    return Network.from_layers(layers, dtype=dtype)


def cost_of(loss: str | Loss, reduction: str | Reduction, alpha: float, weights: NDArray[np.float64] | None,
            batch_size: int) -> Cost:
    """The cost of a batch: the losses reduced, by `weights` where there are any, and alpha / (2 n) ‖W‖² for a batch of n samples,
    alpha / 2 ‖W‖² beside a sum."""
    summed = getattr(reduction, "name", reduction) == "sum"
    strength, scale = alpha if summed else alpha / batch_size, 1.0
    if weights is not None:
        estimator_checks.weighable(reduction)
        reduction = weighted(weights) if summed else weighted_mean(weights)
        scale = 1.0 if summed else float(weights.mean())
    return Cost(loss, reduction, ridge(strength / scale) if strength else None)
