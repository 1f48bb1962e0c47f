"""The forward pass and the chains of a Jacobian's samples: each is made when something first needs it, and kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backward import rows_shared
from ..forward import ForwardPass, forward_pass, lanes, panel_count
from ..kernels.chain import chains, chains_size
from ..network import Network
from ..pool import over
from ..recycled import recycled_array
from ..typing import Array
from ..workspace import thread_workspaces

SMALL = 1 << 26  # bytes of a forward pass that is made at once
CHAINS_STREAMED = 12 << 20  # bytes of all chains from which on they are written past the cache: 30 MB f64, 2.7 down to 1.9 us
WORKSPACE = 32 << 10  # bytes up to which the chains of some panels are held before they are written so


class KeptPasses:
    """What has been computed so far for the samples X [m, n_0] of a Jacobian: nothing, the forward pass, or the chains B^l as well.

    Attributes
    ----------
    X : ndarray [m, n_0], or Rows
    small : bool
        Whether the forward pass is so small that it is made at once, or by the first that asks for it, for all samples together.
    """

    X: Any
    _forward: ForwardPass | None
    _chains: Array | None

    def __init__(self, network: Network, X: Any) -> None:
        self._network, self.X, self._forward, self._chains = network, X, None, None
        in_memory, kernels = isinstance(X, np.ndarray), network.kernels
        self.small = in_memory and len(X) * kernels.layout.stack_lines * network.dtype.itemsize <= SMALL
        self._one_shot = in_memory and len(X) > 0 and kernels.built_in and not rows_shared(network, len(X))
        if self.small and not self._one_shot:
            self._forward = forward_pass(network, X)

    def own_samples(self) -> None:
        """Copy X where it is the caller's, who may write to it, and where it will be read later."""
        if self.small and self._forward is None:
            self.X = self.X.copy()

    @property
    def forward_made(self) -> bool:
        """Whether the forward pass is there."""
        return self._forward is not None

    @property
    def forward(self) -> ForwardPass:
        """The ForwardPass of all samples."""
        if self._forward is None:
            self._forward = forward_pass(self._network, self.X[:])
        return self._forward

    def take_one_shot(self) -> bool:
        """Whether a product is to go forward by itself and keep nothing: the first one, where nothing needed the pass before."""
        first, self._one_shot = self._one_shot and self._forward is None, False
        return first

    @property
    def chains(self) -> Array:
        """The chains B^1 … B^{L−1} of all samples, panel by panel (eq. 7)."""
        if self._chains is None:
            network, kernels, stack = self._network, self._network.kernels, self.forward.stack
            m, n, dtype = len(self.X), network.widths[-1], network.dtype
            panels = panel_count(m, dtype)
            found = recycled_array(panels * n * kernels.layout.chain_lines * lanes(dtype), dtype)
            numbers = chains_size(kernels.plan, lanes(dtype), dtype.itemsize)
            streaming = found.nbytes > CHAINS_STREAMED and numbers * dtype.itemsize <= WORKSPACE
            over(panels, m * n * network.size, chains, kernels.theta, kernels.backward_weights, kernels.plan, stack, found,
                 thread_workspaces(numbers if streaming else 0, dtype), streaming)
            self._chains = found
        return self._chains
