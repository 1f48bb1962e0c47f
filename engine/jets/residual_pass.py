"""Residuals r of a network's jets at the points of a batch, and products with J = ∂r/∂θ (eq. 22–25)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..network import Network
from ..typing import Array
from .passes import JetPasses
from .point_sets import PointSets


class _Part(NamedTuple):
    """What a pass forward leaves of one set of points."""

    points: Any  # a `SetOfPoints`
    passes: JetPasses
    jets: Array  # [m_s, K, n]
    seeds: Array  # [m_s, q_s, K, n]: ∂r/∂jets


class ResidualPass:
    """r [m, q] of all points at one θ, and J [m q, P] as products and rows. Where a set has fewer than q residuals, the rest are 0.

    Parameters
    ----------
    network : Network
    points : PointSets

    Attributes
    ----------
    residuals : ndarray [m, q]
        r, a row for each point.
    """

    def __init__(self, network: Network, points: PointSets) -> None:
        self.network, self.points = network, points
        self.residuals = np.zeros((points.m, points.outputs), network.dtype)
        self._parts = []
        for one in points.sets:
            passes = JetPasses(network, one.X, one.components)
            jets = passes.jets()
            values, seeds = one.values_and_seeds(jets)
            self.residuals[one.rows, :values.shape[1]] = values
            self._parts.append(_Part(one, passes, jets, seeds))

    @property
    def shape(self) -> tuple[int, int]:
        """(m q, P)."""
        return self.residuals.size, self.network.size

    def size_of_terms(self) -> float:
        """The norm over residuals of Σ |∂r/∂(entry)| |entry|: what r would be if none of its terms cancelled."""
        squares = 0.0
        for part in self._parts:
            sizes = np.einsum("mqkn,mkn->mq", np.abs(part.seeds), np.abs(part.jets))
            squares += float(np.square(sizes, dtype=np.float64).sum())
        return float(np.sqrt(squares))

    def product(self, v: Array) -> Array:
        """J v [m, q] for v [P]."""
        out = np.zeros_like(self.residuals)
        for part in self._parts:
            out[part.points.rows, :part.seeds.shape[1]] = part.passes.product(part.seeds, v)
        return out

    def transposed_product(self, u: Array) -> Array:
        """Jᵀ u [P] for u [m, q] (eq. 20)."""
        total = np.zeros(self.network.size, self.network.dtype)
        for part in self._parts:
            of_part = u[part.points.rows, :part.seeds.shape[1]]
            total += part.passes.gradient(np.einsum("mq,mqkn->mkn", of_part, part.seeds))
        return total

    def dense(self, out: Array | None = None) -> Array:
        """J [m q, P], into `out` where it is given."""
        m, q = self.residuals.shape
        if out is None:
            out = np.empty(self.shape, self.network.dtype)
        blocks = out.reshape(m, q, self.network.size)
        for part in self._parts:
            count, own = part.seeds.shape[:2]
            if isinstance(part.points.rows, slice) and own == q:
                part.passes.rows(part.seeds, blocks[part.points.rows].reshape(-1, self.network.size))
                continue
            rows = part.passes.rows(part.seeds, np.empty((count * own, self.network.size), out.dtype))
            blocks[part.points.rows, :own] = rows.reshape(count, own, -1)
            blocks[part.points.rows, own:] = 0
        return out

    def restricted(self, first: int, count: int) -> ResidualPass:
        """The pass of `count` points from `first` on."""
        made = ResidualPass.__new__(ResidualPass)
        made.network, made.residuals = self.network, self.residuals[first:first + count]
        made.points, chosen = self.points.restricted(first, count)
        made._parts = []
        for one, (s, inside) in zip(made.points.sets, chosen):
            jets, seeds = (np.ascontiguousarray(values[inside]) for values in (self._parts[s].jets, self._parts[s].seeds))
            made._parts.append(_Part(one, JetPasses(self.network, one.X, one.components), jets, seeds))
        return made


def residuals_at(network: Network, points: PointSets) -> Array:
    """r [m, q] at one θ, without derivatives."""
    out = np.zeros((points.m, points.outputs), network.dtype)
    for one in points.sets:
        values = one.values(JetPasses(network, one.X, one.components).jets())
        out[one.rows, :values.shape[1]] = values
    return out
