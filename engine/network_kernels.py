"""What compiled functions take of a network."""

from __future__ import annotations

import numpy as np

from .kernels.transposed import any_transposed, transpose_weights
from .layout import Layout
from .pool import over
from .typing import Array


class NetworkKernels:
    """The arrays of a network that compiled functions read, made once with it: `network.kernels`. Nobody writes to them.

    Attributes
    ----------
    theta : ndarray [P]
        θ (eq. 3), in the network's dtype.
    layout : Layout
        Where W^l and b^l lie in θ, and how much memory and work a sample takes.
    plan : ndarray of int64 [L + 1, 7]
        The same as kernels read it.
    built_in : bool
        Whether every activation is one that kernels know.
    """

    __slots__ = ("_backward_weights", "built_in", "layout", "plan", "theta")

    _backward_weights: Array | None

    def __init__(self, theta: Array, layout: Layout, built_in: bool) -> None:
        self.theta, self.layout, self.plan, self.built_in = theta, layout, layout.plan, built_in
        self._backward_weights = None

    def at(self, theta: Array) -> NetworkKernels:
        """The arrays of the same network at other parameters [P]."""
        return NetworkKernels(theta, self.layout, self.built_in)

    @property
    def backward_weights(self) -> Array:
        """θ [P] with the weights of wide layers transposed, for passes backward. It is θ itself where no layer is wide.

        Transposed when it is first asked for.
        """
        if self._backward_weights is None:
            weights = self.theta
            if any_transposed(self.plan):
                weights = np.empty_like(self.theta)
                over(int(sum(self.layout.widths[1:])), self.layout.size, transpose_weights, self.theta, self.plan, weights)
            self._backward_weights = weights
        return self._backward_weights
