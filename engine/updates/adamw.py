"""AdamW (Loshchilov & Hutter 2019)."""

from dataclasses import dataclass

from ..kernels.updates import ADAMW
from .adam import Adam


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with θ ← θ − η λ θ apart from the running means (Loshchilov & Hutter 2019; eq. 21).

    Parameters
    ----------
    rate, beta_1, beta_2, epsilon
        As for `Adam`.
    weight_decay : float
        λ ≥ 0. Not a penalty: each step subtracts η λ θ, scaled by the rate but not by √v̂, from all of θ, biases included. It is no
        part of the history's cost, of a gradient or of any curvature. ``Cost(..., penalty=engine.penalties.ridge(strength))`` is a
        penalty: its gradient goes through the running means with the rest.

    See Also
    --------
    Adam : Decays θ by way of the gradient.

    Examples
    --------
    >>> from engine import AdamW
    >>> AdamW().weight_decay
    0.01
    """

    weight_decay: float = 1e-2

    code = ADAMW
