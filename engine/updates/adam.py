"""Adam (Kingma & Ba 2015)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.updates import ADAM
from ..typing import Rate
from . import checks as update_checks
from .update import FirstOrder


@dataclass(frozen=True, repr=False)
class Adam(FirstOrder):
    """θ ← θ − η m̂ / (√v̂ + ε), with running means m of G and v of G², both corrected for their start at 0 (eq. 21).

    G = D_θ C + λ θ (Kingma & Ba 2015).

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    beta_1, beta_2 : float
        Decay of the running means, in [0, 1).
    epsilon : float
        ε > 0.
    weight_decay : float
        λ ≥ 0; `AdamW` decays θ apart from the means. As `GradientDescent` has it: no part of the cost.

    See Also
    --------
    AdamW : Decays θ apart from the means.
    RMSprop : Without the mean of G.
    schedulers.rates : Rates that change with the batch time step.

    Examples
    --------
    >>> from engine import Adam
    >>> Adam().rate
    0.001
    """

    rate: Rate = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    code = ADAM
    state_rows = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", update_checks.rate(self.rate))
        object.__setattr__(self, "beta_1", update_checks.fraction(self.beta_1, "beta_1"))
        object.__setattr__(self, "beta_2", update_checks.fraction(self.beta_2, "beta_2"))
        object.__setattr__(self, "epsilon", checks.positive(self.epsilon, "epsilon"))
        object.__setattr__(self, "weight_decay", update_checks.not_negative(self.weight_decay, "weight_decay"))

    @property
    def settings(self) -> NDArray[np.float64]:
        """The settings that the kernel takes."""
        return np.array([self.beta_1, self.beta_2, self.epsilon, self.weight_decay])
