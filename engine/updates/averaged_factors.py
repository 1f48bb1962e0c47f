"""Kronecker factors averaged over batches, and damping led by how well the quadratic model does (Martens & Grosse 2015)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from ..operators.kfac import kfac
from ..typing import Array
from .linearised import Linearised, RightSide

LEAST = 10  # times ε: λ, relative to the largest entry of the diagonal, below which it counts as 0
INTERVAL, FACTOR = 5, 0.95  # batch steps from one change of λ to the next, and what λ is multiplied by for each of them
WELL, BADLY = 0.75, 0.25  # the ratio of the decrease to the model's above which λ falls, below which it grows
NAMES = ("input_factors", "output_factors")


def no_factors(network: Network) -> dict[str, NDArray[Any]]:
    """The state before the first batch: A_l and B_l of all layers one after the other, zeros, and the sum of their weights."""
    inputs, outputs = (sum(n * n for n in sizes) for sizes in ([n + 1 for n in network.widths[:-1]], network.widths[1:]))
    return {"input_factors": np.zeros(inputs, network.dtype), "output_factors": np.zeros(outputs, network.dtype),
            "weight": np.zeros(())}


class AveragedFactors:
    """(K + λ I)⁻¹ b of `engine.operators.kfac`, its factors averaged over the batches so far with the weights decay^age, which are
    divided by their sum. A solver as `updates.solvers` has them.

    Frozen numbers of θ take part as if their gradient were 0. The penalty of the cost takes part as it is.

    Parameters
    ----------
    linearised : Linearised
        Of the batch, with its samples kept.
    arrays : dict
        The state, which the batch is averaged into where it has factors.
    decay : float
        In [0, 1).
    form : {"exact", "factored"}
    """

    def __init__(self, linearised: Any, arrays: dict[str, NDArray[Any]], decay: float, form: str) -> None:
        self.linearised, self._form, samples = linearised, form, linearised.samples
        problem = samples.problem
        self._operator = kfac(samples.network, samples.X, problem.y, problem.cost, max_bytes=samples.kept_bytes)
        if decay and np.isfinite(self._operator.diagonal()).all():
            self._operator = self._operator.with_factors(*self._averaged(arrays, decay))
        self._least = LEAST * float(np.finfo(linearised.network.dtype).eps * self._operator.diagonal().max())

    def _averaged(self, arrays: dict[str, NDArray[Any]], decay: float) -> list[list[Array]]:
        """The factors with the batch's averaged into them, in the state too."""
        arrays["weight"][...] = decay * arrays["weight"] + 1
        found = []
        for name in NAMES:
            kept, first, averages = arrays[name], 0, []
            share = kept.dtype.type(1 / float(arrays["weight"]))
            for factor in getattr(self._operator, name):
                average = kept[first:first + factor.size].reshape(factor.shape)
                average += share * (factor - average)
                averages.append(average.copy())
                first += factor.size
            found.append(averages)
        return found

    def diagonal(self) -> Array:
        """The diagonal of K [p]."""
        return self._operator.diagonal()[self.linearised.free]

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: what counts as 0."""
        return self._least

    def damp(self, damping: float, squares: Array) -> bool:
        """Take λ. Always True."""
        self._damping = damping if damping >= 0.5 * self._least else 0.0
        return True

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        here = self.linearised
        full = np.zeros(here.network.size, here.network.dtype)
        full[here.free] = right_side.vector
        return self._operator.solve(full, damping=self._damping, form=self._form)[here.free]


def adapted(damping: float, here: Linearised, step: Array) -> float:
    """λ after a step δ: smaller where the cost fell by more than 3/4 of what the model with λ says, greater below 1/4.

    The model is C + g·δ + ½ δᵀ (F + λ I) δ with the batch's exact F (section 6.5).
    """
    predicted = float(here.gradient @ step) + here.half_square(here.pushed(step)) + 0.5 * damping * float(step @ step)
    change = float(here.value_at(step)) - float(here.value)
    gain = change / predicted if predicted < 0 and np.isfinite(change) else -np.inf
    factor = FACTOR**INTERVAL if gain > WELL else FACTOR**-INTERVAL if gain < BADLY else 1.0
    return float(np.clip(damping * factor, np.finfo(np.float64).tiny, 1 / np.finfo(np.float64).tiny))
