"""The prior N(0, Λ⁻¹) of θ: a precision for all numbers, one for each layer, or one for each number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from ..typing import Array, Indices
from . import checks

Precision = float | Array  # a number, [L] or [P]


class Prior:
    """Λ = diag(λ), in groups of numbers that share a λ.

    Parameters
    ----------
    values : ndarray [G]
        The λ of each group, above 0.
    groups : ndarray of int64 [P]
        The group of each number of θ; −1 where its λ is 0: a flat prior of density 1.
    form : str
        "number", "layers" or "vector": what the user gave, and how `precision` is told.
    layers : int
        L.
    """

    def __init__(self, values: Array, groups: Indices, form: str, layers: int) -> None:
        self.values, self.groups, self.form, self.layers = values, groups, form, layers

    @classmethod
    def of(cls, given: Any, network: Network, places: Indices, by_parts: bool) -> Prior:
        """That of a number, [L] or [P] numbers; `by_parts` where the numbers of each W^l and of each b^l must share theirs."""
        values = checks.prior_precision(given, network.depth, network.size)
        if isinstance(values, float):
            return cls(np.array([values]), np.zeros(network.size, np.int64), "number", network.depth)
        parts = _parts(network)
        if len(values) == network.depth:
            return cls._without_zeros(values, parts // 2, "layers", network.depth)
        if not by_parts:
            return cls._without_zeros(values, np.arange(network.size), "vector", network.depth)
        uncertain = parts[places]
        shared = np.zeros(2 * network.depth)
        shared[uncertain] = values[places]
        checks.same_in_parts(bool((shared[uncertain] == values[places]).all()))
        return cls._without_zeros(shared, parts, "vector", network.depth)

    @classmethod
    def of_penalty(cls, curvature: Array, scale: float, network: Network) -> Prior:
        """That of which a penalty times `scale` is the negative logarithm: `curvature` [P] is the penalty's, 0 or its strength."""
        strength = scale * float(curvature.max())
        return cls._without_zeros(np.array([strength]), np.where(curvature > 0, 0, -1), "number", network.depth)

    @classmethod
    def _without_zeros(cls, values: Array, groups: Indices, form: str, layers: int) -> Prior:
        return cls(np.where(values > 0, values, 1.0), np.where(values[groups] > 0, groups, -1), form, layers)

    def at(self, values: Array) -> Prior:
        """The same groups with other λ."""
        return Prior(values, self.groups, self.form, self.layers)

    def diagonal(self, places: Indices) -> Array:
        """λ [p] of the numbers at `places`."""
        groups = self.groups[places]
        return np.where(groups >= 0, self.values[groups], 0.0)

    @property
    def precision(self) -> Precision:
        """λ in the form that was given: a number, [L] or [P]."""
        return self.in_form(self.values)

    def in_form(self, values: Array) -> Precision:
        """Values [G] in the form that was given, 0 where λ is 0."""
        if self.form == "number":
            return float(values[0]) if (self.groups >= 0).any() else 0.0
        if self.form == "layers":
            return np.where(np.isin(np.arange(self.layers), self.groups), values, 0.0)
        return np.where(self.groups >= 0, values[self.groups], 0.0)


def _parts(network: Network) -> NDArray[np.int64]:
    """For each number of θ, 2 (l − 1) where it is one of W^l and 2 l − 1 where it is one of b^l [P]."""
    layout, parts = network.kernels.layout, np.empty(network.size, np.int64)
    for l in range(1, network.depth + 1):
        parts[layout.weight_slice(l)], parts[layout.bias_slice(l)] = 2 * l - 2, 2 * l - 1
    return parts
