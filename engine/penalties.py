"""Penalties: what a cost adds for θ itself, beside the losses of the samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import penalty_checks
from .kernels.penalties import add_ridge
from .network import Network
from .typing import Array, Indices, Number


@dataclass(frozen=True)
class Ridge:
    """(strength / 2) Σ w² over the weights of a network, or over all of θ; made by `ridge`."""

    strength: float
    biases: bool = False
    name: str = field(default="ridge", init=False, repr=False)

    def __repr__(self) -> str:
        return f"ridge({self.strength!r}{', biases=True' if self.biases else ''})"

    @property
    def parameter(self) -> float:
        """The strength."""
        return self.strength

    def spans(self, network: Network) -> Indices:
        """Where the penalised numbers lie in θ: [first, stop, first, stop, …]."""
        if self.biases:
            return np.array([0, network.kernels.layout.size])
        layout = network.kernels.layout
        ends = [(part.start, part.stop) for part in map(layout.weight_slice, range(1, network.depth + 1))]
        return np.array(ends, np.int64).reshape(-1)

    def curvature(self, network: Network) -> Array:
        """The diagonal [P] of the penalty's second derivative in θ, which has nothing beside it: the strength where a number is
        penalised, 0 elsewhere."""
        diagonal = np.zeros(network.size, network.dtype)
        for first, stop in self.spans(network).reshape(-1, 2):
            diagonal[first:stop] = self.strength
        return diagonal

    def add(self, network: Network, gradient: Array) -> Number:
        """Add the penalty's gradient at the network's θ to `gradient` [P]; the penalty."""
        theta = network.kernels.theta
        return theta.dtype.type(add_ridge(theta, self.spans(network), self.strength, gradient))


def ridge(strength: float, biases: bool = False) -> Ridge:
    """(strength / 2) Σ w² over all weights, a penalty for ``Cost(loss, reduction, penalty)`` (Hoerl & Kennard 1970).

    Parameters
    ----------
    strength : float
        At least 0; not divided by the number of samples. scikit-learn's ``alpha`` divides it by those of the batch.
    biases : bool
        Whether biases are penalised too.

    Returns
    -------
    Ridge

    Examples
    --------
    >>> from engine import Cost, Network, value_and_gradient
    >>> from engine.penalties import ridge
    >>> network = Network((1, 1), ("identity",), [2.0, 1.0])
    >>> value_and_gradient(network, [[0.0]], [[1.0]], Cost("squared_error", penalty=ridge(0.5)))
    (1.0, array([1., 0.]))
    """
    return Ridge(penalty_checks.strength(strength), penalty_checks.truth(biases, "biases"))
