"""Mean and variance over samples of the gradients of their own losses, which are never formed (eq. 13 and 17)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import checks, object_checks
from .backward import BACK, chunk_count
from .blocks import block_count, cut, levels_of
from .cost import Cost
from .forward import empty_stack, fill_stack, lanes
from .kernels.losses import prepare_losses
from .kernels.moments import PIECE, fold_moments, join_moments, moments, moments_size
from .kernels.streamed import LossCodes, Results, Samples
from .kernels.sums import BLOCK
from .network import NO_INDICES, Network
from .pool import num_threads, over
from .rows import Rows, in_memory, samples_and_targets
from .two_passes import READ
from .typing import Array, RowSource
from .workspace import thread_workspaces

PASSES = BACK + 1  # the work of the moments in passes forward: forward, back, a sum of gradients and one of squares
JOINED = 8  # multiply-adds that a number of a node counts for where nodes are joined


@dataclass(frozen=True, eq=False, repr=False)
class GradientMoments:
    """Moments of the gradients g_k = ∇_θ L_k of m samples, number by number of θ; made by `gradient_moments`.

    Attributes
    ----------
    mean : ndarray [P]
        ḡ = Σ_k g_k / m.
    variance : ndarray [P]
        Σ_k (g_k − ḡ)² / m, never below 0: divided by m, as np.var divides, not by m − 1.
    samples : int
        m.
    """

    mean: Array
    variance: Array
    samples: int

    def __repr__(self) -> str:
        return f"GradientMoments(m = {self.samples}, P = {self.mean.size})"

    @property
    def second_moment(self) -> Array:
        """Σ_k g_k² / m [P], which is ḡ² plus the variance."""
        return self.mean**2 + self.variance

    @property
    def signal_to_noise(self) -> Array:
        """ḡ² / variance [P], the gradient signal-to-noise ratio (Liu et al. 2020, arXiv 2001.07384).

        Infinite where the variance is 0 and the mean is not, and 0 where both are, as for the weights of a neuron that is never
        active. Cockpit adds a small number to the variance instead.
        """
        signal = self.mean**2
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = signal / self.variance
        ratio[signal == 0] = 0
        return ratio


class _Nodes:
    """Nodes [2 P] of one chunk or slab after another, joined up the fixed tree over blocks."""

    def __init__(self) -> None:
        self._nodes: list[tuple[Array, int]] = []
        self._count = 0

    def add(self, node: Array, m: int) -> None:
        """Add the next node, of m samples; all but the last are of the same number of blocks, a power of two."""
        self._nodes.append((node, m))
        index = self._count
        while index & 1:
            self._join()
            index >>= 1
        self._count += 1

    def _join(self) -> None:
        other, other_m = self._nodes.pop()
        node, m = self._nodes.pop()
        join_moments(node, other, m, other_m, (0, node.size // 2))
        self._nodes.append((node, m + other_m))

    def joined(self) -> Array:
        """The node of all samples."""
        while len(self._nodes) > 1:
            self._join()
        return self._nodes[0][0]


class _Moments:
    """The moments of a data set: X and targets checked, of the cost the loss alone."""

    def __init__(self, network: Network, X: Array | Rows, targets: Array | Rows, cost: Cost) -> None:
        self.network, self.X, self.targets, self.cost = network, X, targets, cost
        self.streamed = cost.loss.code >= 0 and network.kernels.built_in

    def bytes(self, m: int) -> int:
        """Bytes that a slab of m samples takes."""
        network, layout, wide = self.network, self.network.kernels.layout, lanes(self.network.dtype)
        chunks = self._chunks(m)
        workspace = moments_size(layout.plan, wide, min(BLOCK, m), network.size, block_count(m), chunks)
        each = network.widths[-1] + 1
        if not self.streamed:
            each += layout.stack_lines + 4 * network.widths[-1] + 4 * max(network.widths)
        nodes = 2 * (chunks + 1 + levels_of(len(self.X), m)) * network.size
        numbers = min(num_threads(), chunks) * workspace + nodes + m * each
        read = 0
        if not in_memory(self.X, self.targets):
            read = (network.widths[0] + self.targets.shape[1]) * (network.dtype.itemsize + READ)
        return int(numbers) * network.dtype.itemsize + m * (read + READ)

    def _work(self, m: int) -> float:
        return PASSES * m * self.network.kernels.layout.sample_work

    def _chunks(self, m: int) -> int:
        return chunk_count(self.network, m, self._work(m))

    def node(self, slab: slice, divisor: int) -> Array:
        """The node [2 P] of a slab, over `divisor`."""
        network, kernels, loss = self.network, self.network.kernels, self.cost.loss
        m, dtype, n = slab.stop - slab.start, network.dtype, network.widths[-1]
        given = Samples(self.X[slab], self.targets[slab], NO_INDICES)
        A, losses = np.empty((m, n), dtype), np.empty(m, dtype)
        stack, loss_gradients = np.empty(0, dtype), np.empty((0, n), dtype)
        if self.streamed:
            prepare_losses((loss.code,), dtype)
        else:
            stack = empty_stack(network, m)
            fill_stack(network, given.X, NO_INDICES, stack, A)
            losses, loss_gradients = self.cost.losses_and_gradients(A, given.targets)
        nodes = np.empty((self._chunks(m), 2 * network.size), dtype)
        numbers = moments_size(kernels.plan, lanes(dtype), min(BLOCK, m), network.size, block_count(m), len(nodes))
        workspaces, codes = thread_workspaces(numbers, dtype), LossCodes(loss.code, loss.parameter)
        over(len(nodes), self._work(m), moments, kernels.theta, kernels.backward_weights, kernels.plan, given, codes, stack,
             loss_gradients, Results(A, losses, nodes), workspaces)
        out = np.empty(2 * network.size, dtype)
        over(-(-network.size // PIECE), JOINED * nodes.size, fold_moments, nodes, m, divisor, out)
        return out


def gradient_moments(network: Network, X: ArrayLike | RowSource, y: ArrayLike | RowSource, cost: Cost, *,
                     max_bytes: int | None = None) -> GradientMoments:
    """Mean, variance and second moment over samples of the gradients ∇_θ L_k of their own losses, [m, P] never formed.

    One pass forward and one back give δ^l and a^{l−1} of a sample, and (δ^l ⊗ a^{l−1})² = (δ^l)² ⊗ (a^{l−1})²: both sums over
    samples are products of the same shape (Dangel, Kunstner & Hennig 2020, arXiv 1912.10985). The variance comes from the
    distances to the mean of each block of samples, and blocks are joined as Chan, Golub & LeVeque (1983) do: it has the accuracy
    of the literal Σ_k (g_k − ḡ)² / m also where the mean is large beside the spread and E[g²] − ḡ² would lose every digit.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0], or an object with __len__ and __getitem__ over slices and index arrays (HDF5, Zarr)
        m ≥ 1.
    y : array_like, or such an object
        As the loss wants it.
    cost : Cost
        Its loss; the gradients are scaled by nothing, neither ∇φ nor 1/m, as those of `per_sample_gradients` are.
    max_bytes : int, optional
        Samples then pass once in slabs that take at most so many bytes, with the same bits. X and y come on top.

    Returns
    -------
    GradientMoments
        `.mean`, `.variance`, `.second_moment` and `.signal_to_noise`, each [P] in the network's dtype; the same bits on any number
        of threads.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.
    MemoryError
        Where `max_bytes` does not hold a block of samples; it names the least that does.

    See Also
    --------
    per_sample_gradients : The gradients themselves.
    per_sample_gradient_norms : Their lengths.
    per_sample_ggn_diagonals : Curvature of each sample.
    engine.operators.empirical_fisher : Σ_k (∇φ)_k of their outer products.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, gradient_moments
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> moments = gradient_moments(network, np.array([[1.0], [2.0]]), np.zeros((2, 1)), Cost("squared_error"))
    >>> moments.mean
    array([5., 3.])
    >>> moments.variance
    array([9., 1.])
    >>> moments.signal_to_noise
    array([2.77777778, 9.        ])
    """
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost)
    max_bytes = checks.max_bytes(max_bytes)
    X, targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=max_bytes is not None)
    found, m = _Moments(network, X, targets, cost), len(X)
    slabs = [slice(0, m)] if max_bytes is None else cut(m, found.bytes, max_bytes)
    if len(slabs) == 1:
        mean, variance = found.node(slabs[0], m).reshape(2, -1)
        return GradientMoments(mean, variance, m)
    nodes = _Nodes()
    for slab in slabs:
        nodes.add(found.node(slab, 1), slab.stop - slab.start)
    mean, variance = (nodes.joined() / m).reshape(2, -1)
    return GradientMoments(mean, variance, m)
