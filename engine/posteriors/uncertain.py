"""Which numbers of θ are uncertain, and the layers from the first of them on as a network of their own."""

from __future__ import annotations

import numpy as np

from ..network import Network
from ..operators.gaussian_posterior import in_float64
from ..operators.jacobian import Jacobian
from ..operators.partial_jacobian import PartialJacobian
from ..typing import Array, Mask


class Uncertain:
    """Those numbers of θ, in float64. Layers before the first of them are passed forward once and never differentiated.

    Parameters
    ----------
    network : Network
    mask : ndarray of bool [P]
        At least one True.

    Attributes
    ----------
    whole, top : Network
        All layers, and those from `first` on, in float64.
    first : int
        The first layer with an uncertain number.
    places : ndarray of int64 [p]
        Where they lie in θ.
    columns : ndarray of int64 [p], or None
        Where they lie in the parameters of `top`; None where they are all of them.
    theta : ndarray [p]
        Their values.
    """

    def __init__(self, network: Network, mask: Mask) -> None:
        self.whole, self.places = in_float64(network), np.flatnonzero(mask)
        layout = network.kernels.layout
        self.first = next(l for l in range(1, network.depth + 1) if mask[:layout.bias_slice(l).stop].any())
        start = layout.weight_slice(self.first).start
        theta = self.whole.parameters
        self.top = self.whole
        if self.first > 1:
            self.top = Network(network.widths[self.first - 1:], network.activations[self.first - 1:], theta[start:])
        self.columns = None if mask[start:].all() else self.places - start
        self.theta = theta[self.places]

    @property
    def size(self) -> int:
        """p, how many they are."""
        return len(self.places)

    def inputs(self, X: Array) -> Array:
        """What `top` takes, a^{first − 1} [m, .], of checked X [m, n_0]."""
        X = X.astype(np.float64, copy=False)
        if self.first == 1:
            return X
        network = self.whole
        stop = network.kernels.layout.bias_slice(self.first - 1).stop
        below = Network(network.widths[:self.first], network.activations[:self.first - 1], network.parameters[:stop])
        return below(X)

    def jacobian(self, inputs: Array) -> PartialJacobian:
        """J of the uncertain numbers at what `inputs` gave."""
        return PartialJacobian(Jacobian(self.top, inputs), self.columns)

    def in_top(self, values: Array) -> Array:
        """Values [p] among those of `top`, 0 elsewhere."""
        if self.columns is None:
            return values
        whole = np.zeros(self.top.size)
        whole[self.columns] = values
        return whole

    def of_top(self, values: Array) -> Array:
        """[., p] of values [., P] of `top`."""
        return values if self.columns is None else values[..., self.columns]
