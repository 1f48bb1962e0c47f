"""Kronecker factors averaged over batches, and damping led by how well the quadratic model does (Martens & Grosse 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from ..typing import Array
from .linearised import Linearised, RightSide
from .solvers.factored import KroneckerFactored

INTERVAL, FACTOR = 5, 0.95  # batch steps from one change of λ to the next, and what λ is multiplied by for each of them
WELL, BADLY = 0.75, 0.25  # the ratio of the decrease to the model's above which λ falls, below which it grows
NAMES = ("input_factors", "output_factors")


def no_factors(network: Network) -> dict[str, NDArray[Any]]:
    """The state before the first batch: A_l and B_l of all layers one after the other, zeros, and the sum of their weights."""
    inputs, outputs = (sum(n * n for n in sizes) for sizes in ([n + 1 for n in network.widths[:-1]], network.widths[1:]))
    return {"input_factors": np.zeros(inputs, network.dtype), "output_factors": np.zeros(outputs, network.dtype),
            "weight": np.zeros(())}


class AveragedFactors(KroneckerFactored):
    """A solver by Kronecker factors that are averaged over the batches so far, with the weights decay^age divided by their sum.

    Parameters
    ----------
    linearised, steepest, form
        As `KroneckerFactored` has them.
    arrays : dict
        The state, which the batch is averaged into where there is a decay.
    decay : float
        In [0, 1).
    """

    def __init__(self, linearised: Any, steepest: RightSide, form: str, arrays: dict[str, NDArray[Any]], decay: float) -> None:
        super().__init__(linearised, steepest, form)
        if decay and np.isfinite(self.operator.diagonal()).all():
            self.operator = self.operator.with_factors(*_averaged(self.operator, arrays, decay))

    def diagonal(self) -> Array:
        """The diagonal of K [p]."""
        return self.operator.diagonal()[self.linearised.free]


def _averaged(operator: Any, arrays: dict[str, NDArray[Any]], decay: float) -> list[list[Array]]:
    """The averages of all batches' factors, after an operator's are averaged into the state's."""
    arrays["weight"][...] = decay * arrays["weight"] + 1
    found = []
    for name in NAMES:
        kept, first, averages = arrays[name], 0, []
        share = kept.dtype.type(1 / float(arrays["weight"]))
        for factor in getattr(operator, name):
            average = kept[first:first + factor.size].reshape(factor.shape)
            average += share * (factor - average)
            averages.append(average.copy())
            first += factor.size
        found.append(averages)
    return found


def adapted(damping: float, here: Linearised, step: Array) -> float:
    """λ after a step δ: smaller where the cost fell by more than 3/4 of what the model with λ says, greater below 1/4.

    The model is C + g·δ + ½ δᵀ (F + λ I) δ with the batch's exact F (section 6.5).
    """
    predicted = float(here.gradient @ step) + here.half_square(here.pushed(step)) + 0.5 * damping * float(step @ step)
    change = float(here.value_at(step)) - float(here.value)
    gain = change / predicted if predicted < 0 and np.isfinite(change) else -np.inf
    factor = FACTOR**INTERVAL if gain > WELL else FACTOR**-INTERVAL if gain < BADLY else 1.0
    return float(np.clip(damping * factor, np.finfo(np.float64).tiny, 1 / np.finfo(np.float64).tiny))
