"""Posteriors whose precision is diagonal in a basis of each layer: Kronecker factors, and the diagonal alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from ..operators.partial_jacobian import PartialJacobian
from ..typing import Array, Indices
from .uncertain import Uncertain


class Layer(NamedTuple):
    """Σ of (W^l, b^l) as a matrix M [n_l, q]: vec(M) → U (v ⊙ (Uᵀ M V)) Vᵀ, with the uncertain ones of the inputs ā = (a^{l−1}, 1).

    `left` is U [n_l, n_l] and `right` V [q, q], V not orthogonal where the prior is part of it; None for the identity.
    """

    inputs: Indices  # which of ā [q]
    left: Array | None
    right: Array | None
    variances: Array  # v [n_l, q]
    shares: Array  # 1 − λ Σ of every number [n_l, q]


def _times(M: Array, right: Array | None) -> Array:
    return M if right is None else M @ right


class LayeredPosterior:
    """N(θ, Σ) with Σ of `layers` 1 … L of `uncertain.top`; a layer that is certain has no inputs.

    Parameters
    ----------
    uncertain : Uncertain
    layers : list of Layer
    log_ratio : float
        log det Σ⁻¹ − log det Λ; of Λ without its zeros.
    """

    def __init__(self, uncertain: Uncertain, layers: list[Layer], log_ratio: float) -> None:
        self._uncertain, self._layers, self._log_ratio = uncertain, layers, log_ratio

    def refuse_singular(self, told: Any) -> None:
        """Nothing: what is singular was refused when it was made."""

    def _rotated(self, jacobian: PartialJacobian, l: int) -> tuple[Array, Array]:
        """B^l U [m, n, n_l] and ā V [m, q]: a sample's rows of J of the layer are the products of one of each."""
        layer, J = self._layers[l - 1], jacobian.jacobian
        a = J.forward.a(l - 1)
        inputs = np.concatenate([a, np.ones((len(a), 1))], axis=1)[:, layer.inputs]
        return _times(J.chain(l), layer.left), _times(inputs, layer.right)

    def covariance(self, jacobian: PartialJacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]: of each sample, or of all together."""
        m, n = len(jacobian.jacobian.X), jacobian.network.widths[-1]
        out = np.zeros((jacobian.shape[0] // block, block, block))
        for l, layer in enumerate(self._layers, 1):
            if not len(layer.inputs):
                continue
            chains, inputs = self._rotated(jacobian, l)
            if block == n:
                half = chains * np.sqrt(inputs**2 @ layer.variances.T)[:, None, :]
                out += half @ half.transpose(0, 2, 1)
            else:
                rows = chains[:, :, :, None] * inputs[:, None, None, :] * np.sqrt(layer.variances)
                rows = rows.reshape(m * n, -1)
                out[0] += rows @ rows.T
        return out

    def bytes_each(self) -> int:
        """Of a sample that covariances are wanted of."""
        widths = self._uncertain.top.widths
        return 8 * (4 * sum(widths) + widths[-1] * (sum(widths) + 3 * max(widths)))

    def log_ratio(self) -> float:
        """log det Σ⁻¹ − log det Λ; of Λ without its zeros."""
        return self._log_ratio

    def _in_order(self, parts: Sequence[Array]) -> Array:
        """[., p] in θ's order, from [., n_l, q] of every layer."""
        count, top = parts[0].shape[0], self._uncertain.top
        whole, layout = np.zeros((count, top.size)), top.kernels.layout
        for l, (layer, part) in enumerate(zip(self._layers, parts), 1):
            M = np.zeros((count, top.widths[l], top.widths[l - 1] + 1))
            M[:, :, layer.inputs] = part
            whole[:, layout.weight_slice(l)] = M[:, :, :-1].reshape(count, -1)
            whole[:, layout.bias_slice(l)] = M[:, :, -1]
        return self._uncertain.of_top(whole)

    def determined(self, groups: Indices, count: int) -> Array:
        """The sum of 1 − λ_i Σ_ii over each group [count], of numbers whose `groups` [p] is not −1."""
        shares, inside = self._in_order([layer.shares[None] for layer in self._layers])[0], groups >= 0
        return cast(Array, np.bincount(groups[inside], shares[inside], count))

    def variances(self) -> Array:
        """The diagonal of Σ [p]."""
        parts = []
        for layer in self._layers:
            found = layer.variances if layer.left is None else layer.left**2 @ layer.variances
            parts.append((found if layer.right is None else found @ (layer.right**2).T)[None])
        return self._in_order(parts)[0]

    def draws(self, generator: np.random.Generator, count: int) -> Array:
        """Draws of N(0, Σ) [count, p]."""
        parts = []
        for layer in self._layers:
            M = generator.standard_normal((count, *layer.variances.shape)) * np.sqrt(layer.variances)
            M = M if layer.left is None else layer.left @ M
            parts.append(M if layer.right is None else M @ layer.right.T)
        return self._in_order(parts)


def split(uncertain: Uncertain, values: Array) -> list[Array]:
    """Values [p] as [n_l, n_{l−1} + 1] of every layer of `top`, (W^l, b^l) side by side, 0 where a number is certain."""
    whole = uncertain.in_top(values)
    return [np.concatenate([W, b[:, None]], axis=1) for W, b in uncertain.top.unflatten(whole)]
