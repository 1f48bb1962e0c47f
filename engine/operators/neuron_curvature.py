"""Second derivatives of a cost between neurons, sample by sample, from which the dense Hessian is summed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..typing import Array


class NeuronCurvature:
    """∂²C/∂z^l∂z^k of s samples, each by itself.

    Parameters
    ----------
    weights : list of W^l, l = 1 … L
    gamma, delta, bend : lists of arrays [s, n_l]
        γ^l, D_{z^l} C, and D_{a^l} C ⊙ g″(z^l).
    H : ndarray [s, n, n]
        ∂²C/∂a^L∂a^L.
    """

    def __init__(self, weights: Sequence[Array], gamma: Sequence[Array], delta: Sequence[Array], bend: Sequence[Array],
                 H: Array) -> None:
        self.weights, self.gamma, self.delta = weights, gamma, delta
        self.full = [H] * len(weights)
        for i in range(len(weights) - 1, -1, -1):
            H = gamma[i][:, :, None] * H * gamma[i][:, None, :]
            places = range(H.shape[1])
            H[:, places, places] += bend[i]
            self.full[i] = H  # ∂²C/∂z^l∂z^l = γ^l ⊙ (∂²C/∂a^l∂a^l) ⊙ γ^l + diag(bend^l)
            H = weights[i].T @ H @ weights[i]

    def _forward(self, l: int, k: int) -> Array:
        """∂z^k/∂z^l [s, n_k, n_l], k > l."""
        Z = self.weights[l] * self.gamma[l - 1][:, None, :]
        for i in range(l + 1, k):
            Z = (self.weights[i] * self.gamma[i - 1][:, None, :]) @ Z
        return Z

    def __call__(self, l: int, k: int) -> Array:
        """∂²C/∂z^l∂z^k [s, n_l, n_k], k ≥ l, as far as it goes through z^k."""
        full = self.full[k - 1]
        return full if k == l else (full @ self._forward(l, k)).transpose(0, 2, 1)

    def inputs(self, l: int, k: int) -> Array:
        """∂(a^{k−1}, 1)/∂z^l [s, n_l, n_{k−1} + 1], k > l."""
        gamma = self.gamma[k - 2]
        if k - 1 == l:
            U = gamma[:, :, None] * np.eye(gamma.shape[1], dtype=gamma.dtype)
        else:
            U = gamma[:, :, None] * self._forward(l, k - 1)
        out = np.zeros((len(U), U.shape[2], U.shape[1] + 1), U.dtype)
        out[:, :, :-1] = U.transpose(0, 2, 1)
        return out
