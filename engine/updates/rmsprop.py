"""RMSprop (Tieleman & Hinton 2012)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.updates import RMSPROP
from ..typing import Rate
from . import checks as update_checks
from .update import FirstOrder


@dataclass(frozen=True, repr=False)
class RMSprop(FirstOrder):
    """θ ← θ − η u, u ← μ u + G / (√v + ε), with a running mean v of G² and G = D_θ C + λ θ (eq. 21).

    Tieleman & Hinton, lecture 6.5 (2012).

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    decay : float
        Of the running mean, in [0, 1).
    epsilon : float
        ε > 0.
    momentum : float
        μ in [0, 1).
    weight_decay : float
        λ ≥ 0. As `GradientDescent` has it: no part of the cost.

    See Also
    --------
    Adam : With a running mean of G besides.

    Examples
    --------
    >>> from engine import RMSprop
    >>> RMSprop(1e-2).decay
    0.99
    """

    rate: Rate = 1e-2
    decay: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0

    code = RMSPROP
    state_rows = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", update_checks.rate(self.rate))
        object.__setattr__(self, "decay", update_checks.fraction(self.decay, "decay"))
        object.__setattr__(self, "epsilon", checks.positive(self.epsilon, "epsilon"))
        object.__setattr__(self, "momentum", update_checks.fraction(self.momentum, "momentum"))
        object.__setattr__(self, "weight_decay", update_checks.not_negative(self.weight_decay, "weight_decay"))

    @property
    def settings(self) -> NDArray[np.float64]:
        """The settings that the kernel takes."""
        return np.array([self.decay, self.epsilon, self.momentum, self.weight_decay])
