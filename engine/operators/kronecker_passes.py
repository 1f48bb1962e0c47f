"""Passes over the samples for Kronecker-factored curvature: inputs and weighted chains of every layer, and the sums of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..blocks import cut
from ..cost import Cost
from ..forward import lanes, panel_count
from ..kernels.per_sample import sample_deltas
from ..kernels.sums import BLOCK
from ..network import Network
from ..pool import over
from ..reductions import weighted_by
from ..rows import gathered, samples_and_targets
from ..two_passes import READ, losses_in_slabs
from ..typing import Array
from . import kronecker_checks
from .fisher import LIKELIHOODS, gradients_at_draws
from .jacobian import Jacobian
from .output_hessian import curvature_factor

SLAB = 1 << 26  # bytes of the chains of a layer that are multiplied at once


class OutputFactor(NamedTuple):
    """What stands at the outputs: "ggn", "empirical" or "sampled" curvature, the latter by so many draws from a seed."""

    curvature: str
    draws: int
    entropy: int

    @classmethod
    def of(cls, curvature: str, cost: Cost, samples: int | None, seed: Any) -> OutputFactor:
        """From the arguments of `kfac`."""
        draws = kronecker_checks.draws(samples, curvature, cost.loss, LIKELIHOODS)
        return cls(curvature, draws, int(checks.generator(seed).integers(1 << 63)) if curvature == "sampled" else 0)

    def __call__(self, cost: Cost, A: Array, targets: Array, first: int) -> tuple[Array, Array]:
        """S [m, n, r] with S Sᵀ the weighted curvature of each sample, and ∇φ, whose negative entries count as 0.

        The samples are those from `first` on, the first of a block.
        """
        if self.curvature == "ggn":
            return curvature_factor(cost, A, targets)
        losses, gradients = cost.losses_and_gradients(A, targets)
        weights = np.maximum(cost.reduce(losses)[1], 0)
        if self.curvature == "empirical":
            return (np.sqrt(weights)[:, None] * gradients)[:, :, None], weights
        drawn = gradients_at_draws(cost, A, self.draws, (self.entropy, first // BLOCK))
        return np.sqrt(weights / A.dtype.type(self.draws))[:, None, None] * drawn.transpose(1, 2, 0), weights


class KnownFactor(NamedTuple):
    """A curvature factor S [m, n, n] at the outputs that is known, [m, n] where it is diagonal; S Sᵀ is weighted by ∇φ."""

    factor: Array
    draws: int = 1

    def __call__(self, cost: Cost, A: Array, targets: Array, first: int) -> tuple[Array, Array]:
        """S [., n, n] of the samples from `first` on, and ∇φ, whose negative entries count as 0."""
        S = self.factor[first:first + len(A)]
        if S.ndim == 2:
            S = S[:, :, None] * np.eye(S.shape[1], dtype=S.dtype)
        return S, np.maximum(cost.reduce(cost.losses_and_gradients(A, targets)[0])[1], 0)


class KroneckerPass:
    """A pass over all samples or a slab: the inputs of every layer and the weighted chains Sᵀ B^l.

    Parameters
    ----------
    jacobian : Jacobian
        Of the layers `below` + 1 … L alone, from a^`below` on.
    factor : ndarray [m, n, r]
        S, S Sᵀ the weighted curvature of each sample at the outputs.
    shares : ndarray [m]
        (∇φ)_k / Σ ∇φ.
    below : int
    """

    def __init__(self, jacobian: Jacobian, factor: Array, shares: Array, below: int) -> None:
        self._jacobian, self._factor, self.shares, self._below = jacobian, factor, shares, below
        self._deltas: list[Array] | None = None

    def inputs(self, l: int) -> Array:
        """ā^{l−1} = (a^{l−1}, 1) [m, n_{l−1} + 1]."""
        a = self._jacobian.forward.a(l - 1 - self._below)
        return np.concatenate([a, np.ones((len(a), 1), a.dtype)], axis=1)

    def chains(self, l: int) -> Iterator[tuple[slice, Array]]:
        """Sᵀ B^l [., r, n_l], a few samples at a time: their slice, and theirs.

        From the chain B^l of eq. 7, or, where S has fewer columns than there are outputs, by a pass back for each column.
        """
        m, n, r = self._factor.shape
        if r < n:
            yield slice(0, m), self._pulled_back(l - self._below)
            return
        chain = self._jacobian.chain(l - self._below)
        step = max(1, SLAB // (r * chain.shape[2] * self._factor.itemsize))
        for first in range(0, m, step):
            chunk = slice(first, min(m, first + step))
            yield chunk, self._factor[chunk].transpose(0, 2, 1) @ chain[chunk]

    def _pulled_back(self, l: int) -> Array:
        """Sᵀ B^l [m, r, n_l] from kept passes back."""
        J, (m, _, r) = self._jacobian, self._factor.shape
        network, wide, panels = J.network, lanes(J.dtype), panel_count(m, J.dtype)
        kernels, lines = network.kernels, sum(network.widths[1:])
        if self._deltas is None:
            self._deltas = [np.empty(panels * wide * lines + wide * wide, J.dtype) for _ in range(r)]
            for i, delta in enumerate(self._deltas):
                over(panels, m * kernels.layout.sample_work, sample_deltas, kernels.theta, kernels.backward_weights, kernels.plan,
                     J.forward.stack, np.ascontiguousarray(self._factor[:, :, i]), delta)
        first = sum(network.widths[1:l])
        out = np.empty((m, r, network.widths[l]), J.dtype)
        for i, delta in enumerate(self._deltas):
            in_panels = delta[:panels * wide * lines].reshape(panels, lines, wide)[:, first:first + out.shape[2]]
            out[:, i] = in_panels.transpose(0, 2, 1).reshape(panels * wide, -1)[:m]
        return out


class KroneckerPasses:
    """The samples of a Kronecker-factored operator, all at once or slab by slab.

    Parameters
    ----------
    network, X, y, cost, max_bytes
        As `kfac` takes them; network and cost are checked.
    output_factor : OutputFactor or KnownFactor
    first : int
        The first layer that has a factor: those below it go forward alone.
    keep : bool
        Whether to keep the pass of all samples for another round.
    """

    def __init__(self, network: Network, X: Any, y: Any, cost: Cost, output_factor: OutputFactor | KnownFactor, first: int,
                 max_bytes: int | None, keep: bool) -> None:
        self.network, self._cost, self._output_factor = network, Cost(cost.loss, cost.reduction), output_factor
        self._keep = keep
        max_bytes = checks.max_bytes(max_bytes)
        self._X, self._targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=max_bytes is not None)
        self._below, self._lower, self._upper = first - 1, *_cut_below(network, first)
        self._slabs: list[slice] | None = None
        self._kept: KroneckerPass | None = None
        if max_bytes is not None:
            self._slabs = cut(len(self._X), self._bytes, max_bytes)
            losses = losses_in_slabs(network, self._X, self._targets, self._cost, max_bytes)
            self._weights = np.maximum(self._cost.reduce(losses)[1], 0)

    def _bytes(self, count: int) -> int:
        """Bytes that a slab of `count` samples takes."""
        network, n, layout = self.network, self.network.widths[-1], self.network.kernels.layout
        each = layout.stack_lines + n * (2 * layout.chain_lines + 4 * max(n, self._output_factor.draws)) + 4 * sum(network.widths)
        return count * (each * network.dtype.itemsize + READ * (network.widths[0] + self._targets.shape[1] + 1))

    def _jacobian(self, X: Array) -> Jacobian:
        """J of the layers that have factors."""
        if self._lower is not None:
            X = checks.finite(self._lower(X), f"a^{self._below}")
        return Jacobian(self._upper, X)

    def __iter__(self) -> Iterator[KroneckerPass]:
        if self._slabs is None:
            if self._kept is not None:
                yield self._kept
                return
            X, targets, _ = gathered(self._X, self._targets, np.arange(len(self._X)))
            J = self._jacobian(X)
            factor, weights = self._output_factor(self._cost, J.forward.outputs, targets, 0)
            made = KroneckerPass(J, factor, _shares(weights, weights.sum()), self._below)
            if self._keep:
                self._kept = made
            yield made
            return
        for slab in self._slabs:
            J = self._jacobian(self._X[slab])
            cost = Cost(self._cost.loss, weighted_by(self._weights[slab]))
            factor, weights = self._output_factor(cost, J.forward.outputs, self._targets[slab], slab.start)
            yield KroneckerPass(J, factor, _shares(weights, self._weights.sum()), self._below)

    def factors(self, layers: Collection[int]) -> tuple[list[Array], list[Array]]:
        """A_l = Σ_k (w_k / Σ w) ā_k ā_kᵀ and B_l = Σ_k B^lᵀ_k S_k S_kᵀ B^l_k of each of `layers`, and [0, 0] of the others."""
        widths, dtype = self.network.widths, self.network.dtype
        sizes = [n if l in layers else 0 for l, n in enumerate(widths[1:], 1)]
        A = [np.zeros((before + 1 if l in layers else 0,) * 2, dtype) for l, before in enumerate(widths[:-1], 1)]
        B = [np.zeros((size, size), dtype) for size in sizes]
        for part in self:
            for l in layers:
                inputs = part.inputs(l)
                A[l - 1] += inputs.T @ (part.shares[:, None] * inputs)
                for _, chain in part.chains(l):
                    rows = chain.reshape(-1, widths[l])
                    B[l - 1] += rows.T @ rows
        return A, [(matrix + matrix.T) / 2 for matrix in B]


def _shares(weights: Array, total: Any) -> Array:
    return weights / total if total > 0 else weights


def _cut_below(network: Network, first: int) -> tuple[Network | None, Network]:
    """The layers below `first` as a network, where there are any, and those from it on."""
    if first == 1:
        return None, network
    place = network.kernels.layout.weight_slice(first).start
    theta, widths, activations = network.parameters, network.widths, network.activations
    return (Network(widths[:first], activations[:first - 1], theta[:place]),
            Network(widths[first - 1:], activations[first - 1:], theta[place:]))
