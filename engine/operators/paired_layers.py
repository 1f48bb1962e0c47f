"""Jᵀ H J by kernels, pair of layers by pair of layers: the matrix of the normal equations of a second-order step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..forward import lanes
from ..kernels.paired_layers import fill_pairs, fold_columns, pair_size, pair_sums, spread
from ..network import Network
from ..pool import over
from ..typing import Array
from ..workspace import thread_workspaces

SAMPLES = 256  # of a node of the sum, at least
NODES = 8
SPREAD = 8  # multiply-adds in whose time a number is spread


class PairedLayers:
    """Σ_k J_kᵀ H_k J_k entry by entry, n times less work than from the rows of J, and for equal layers half of that again.

    Parameters
    ----------
    network : Network

    Attributes
    ----------
    size : int
        Numbers that the sums take before they are spread over [P, P].
    """

    def __init__(self, network: Network) -> None:
        self.network, depth = network, network.depth
        self._pairs = np.zeros((depth * (depth + 1) // 2, 7), np.int64)
        self.size, self._longest = fill_pairs(network.kernels.plan, self._pairs, lanes(network.dtype))

    def upper_triangle(self, stack: Array, curvature: Any) -> Array:
        """Jᵀ H J [P, P] on and above the diagonal. What lies below is no part of it.

        `stack` is what the forward pass left, `curvature` a `kernels.ggn.Curvature` of rank 0 or −1. The sums are taken over at
        most eight ranges of samples, that depend on their number alone, and up the fixed tree.
        """
        network, m = self.network, curvature.samples
        kernels, plan, dtype = network.kernels, network.kernels.plan, network.dtype
        nodes = 1
        while 2 * nodes * SAMPLES <= m and nodes < NODES:
            nodes *= 2
        partial = np.empty((nodes, self.size), dtype)
        workspaces = thread_workspaces(pair_size(plan, lanes(dtype), self._longest), dtype)
        over(nodes, m * self.size, pair_sums, kernels.theta, kernels.backward_weights, plan, stack, curvature, self._pairs,
             self._longest, partial, workspaces)
        over(self.size, SPREAD * nodes * self.size, fold_columns, partial)
        out = np.zeros((network.size, network.size), dtype)
        over(sum(network.widths[1:]), SPREAD * out.size, spread, plan, partial[0], self._pairs, out)
        return out
