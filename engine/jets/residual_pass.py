"""Residuals r of a network's jets at the points of a batch, and products with J = ∂r/∂θ (eq. 22–25)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..network import Network
from ..typing import Array, Indices
from .passes import JetPasses
from .point_sets import PointSets, SetOfPoints
from .unknowns import columns_of, values_of_unknowns

SLAB = 1 << 23  # bytes of rows of J that are in memory at once


class _Part(NamedTuple):
    """What a pass forward leaves of one set of points."""

    points: SetOfPoints
    passes: JetPasses
    jets: Array  # [m_s, K, n]
    seeds: Array  # [m_s, q_s, K, n]: ∂r/∂jets
    columns: Indices  # [U_s]: where the residual's unknowns stand in (θ, unknowns)
    slopes: Array  # [m_s, q_s, U_s]: ∂r/∂(unknowns)

    def restricted(self, one: SetOfPoints, inside: Indices, network: Network) -> _Part:
        """The part of some of its points."""
        jets, seeds, slopes = (np.ascontiguousarray(values[inside]) for values in (self.jets, self.seeds, self.slopes))
        return _Part(one, JetPasses(network, one.X, one.components), jets, seeds, self.columns, slopes)


class ResidualPass:
    """r [m, q] of all points at one θ, and J [m q, P] as products and rows. Where a set has fewer than q residuals, the rest are 0.

    Of a network with unknowns J has a column more for each of them, after those of θ.

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
            values, seeds, slopes = one.values_and_slopes(jets, values_of_unknowns(network))
            self.residuals[one.rows, :values.shape[1]] = values
            self._parts.append(_Part(one, passes, jets, seeds, columns_of(one.names, network), slopes))

    @property
    def _size(self) -> int:
        """P, the parameters without unknowns."""
        return self.network.kernels.layout.size

    @property
    def shape(self) -> tuple[int, int]:
        """(m q, P)."""
        return self.residuals.size, self.network.size

    @property
    def at_once(self) -> int:
        """How many points' rows of J are in memory at once, at least one."""
        return max(1, SLAB // (self.residuals.shape[1] * self.network.size * self.network.dtype.itemsize))

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
            of_part = part.passes.product(part.seeds, v[:self._size])
            if len(part.columns):
                of_part += part.slopes @ v[part.columns]
            out[part.points.rows, :part.seeds.shape[1]] = of_part
        return out

    def transposed_product(self, u: Array) -> Array:
        """Jᵀ u [P] for u [m, q] (eq. 20)."""
        total = np.zeros(self.network.size, self.network.dtype)
        for part in self._parts:
            of_part = u[part.points.rows, :part.seeds.shape[1]]
            total[:self._size] += part.passes.gradient(np.einsum("mq,mqkn->mkn", of_part, part.seeds))
            if len(part.columns):
                total[part.columns] += np.einsum("mq,mqu->u", of_part, part.slopes)
        return total

    def dense(self, out: Array | None = None) -> Array:
        """J [m q, P], into `out` where it is given."""
        m, q = self.residuals.shape
        if out is None:
            out = np.empty(self.shape, self.network.dtype)
        blocks = out.reshape(m, q, self.network.size)
        for part in self._parts:
            count, own = part.seeds.shape[:2]
            here = isinstance(part.points.rows, slice) and own == q
            rows = blocks[part.points.rows] if here else np.empty((count, own, self.network.size), out.dtype)
            part.passes.rows(part.seeds, rows.reshape(-1, self.network.size))
            rows[:, :, self._size:] = 0
            rows[:, :, part.columns] = part.slopes
            if not here:
                blocks[part.points.rows, :own] = rows
                blocks[part.points.rows, own:] = 0
        return out

    def restricted(self, first: int, count: int) -> ResidualPass:
        """The pass of `count` points from `first` on."""
        made = ResidualPass.__new__(ResidualPass)
        made.network, made.residuals = self.network, self.residuals[first:first + count]
        made.points, chosen = self.points.restricted(first, count)
        made._parts = [self._parts[s].restricted(one, inside, self.network) for one, (s, inside) in zip(made.points.sets, chosen)]
        return made


def residuals_at(network: Network, points: PointSets) -> Array:
    """r [m, q] at one θ, without derivatives."""
    out = np.zeros((points.m, points.outputs), network.dtype)
    for one in points.sets:
        values = one.values(JetPasses(network, one.X, one.components).jets(), values_of_unknowns(network))
        out[one.rows, :values.shape[1]] = values
    return out
