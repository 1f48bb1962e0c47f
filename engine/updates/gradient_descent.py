"""Gradient descent (eq. 21), with momentum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.updates import GRADIENT_DESCENT
from ..typing import Rate
from . import checks
from .update import FirstOrder


@dataclass(frozen=True, repr=False)
class GradientDescent(FirstOrder):
    """θ ← θ − η v, v ← μ v + G, with G = D_θ C + λ θ (paper §6.1, eq. 21).

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step 0, 1, 2 …
    momentum : float
        μ in [0, 1) (Polyak 1964).
    nesterov : bool
        Step along G + μ v in place of v (Sutskever et al. 2013).
    weight_decay : float
        λ ≥ 0; biases are included. It adds the gradient of (λ / 2) |θ|², but is no part of the history's cost or of any curvature;
        ``Cost(..., penalty=engine.penalties.ridge(strength))`` is, and leaves biases alone.

    See Also
    --------
    Adam : With a rate for each number of θ.
    schedulers.rates : Rates that change with the batch time step.

    Examples
    --------
    >>> from engine import GradientDescent
    >>> GradientDescent(0.1, momentum=0.9).momentum
    0.9
    """

    rate: Rate
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    code = GRADIENT_DESCENT

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", checks.rate(self.rate))
        object.__setattr__(self, "momentum", checks.fraction(self.momentum, "momentum"))
        object.__setattr__(self, "nesterov", checks.nesterov(self.nesterov, self.momentum))
        object.__setattr__(self, "weight_decay", checks.not_negative(self.weight_decay, "weight_decay"))

    @property
    def state_rows(self) -> int:
        """1, for the velocity, or 0 without momentum."""
        return 1 if self.momentum else 0

    @property
    def settings(self) -> NDArray[np.float64]:
        """The settings that the kernel takes."""
        return np.array([self.momentum, self.nesterov, self.weight_decay])
