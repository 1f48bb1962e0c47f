"""Residuals r of a network's jets at the points of a batch, and products with J = ∂r/∂θ (eq. 22–25)."""

from __future__ import annotations

import functools

import numpy as np

from ..network import Network
from ..typing import Array, Indices
from .passes import JetPasses
from .point_sets import PointSets, SetOfPoints
from .unknowns import columns_of, values_of_unknowns

SLAB = 1 << 23  # bytes of rows of J that are in memory at once


class _Part:
    """One set of points at one θ, whose jets are computed where they are first asked for.

    Attributes
    ----------
    points : SetOfPoints
    passes : JetPasses
    columns : ndarray of int [U_s]
        Where the residual's unknowns stand in (θ, unknowns).
    """

    def __init__(self, points: SetOfPoints, network: Network) -> None:
        self.points, self.network = points, network
        self.passes, self.columns = JetPasses(network, points.X, points.components), columns_of(points.names, network)

    @functools.cached_property
    def jets(self) -> Array:
        """[m_s, K, n]."""
        return self.passes.jets()

    @functools.cached_property
    def _carried(self) -> tuple[Array, Array, Array]:
        return self.points.values_and_slopes(self.jets, values_of_unknowns(self.network))

    @property
    def values(self) -> Array:
        """r [m_s, q_s]."""
        return self._carried[0] if self.points.fixed_seeds is None else self.points.values(self.jets, None)

    @functools.cached_property
    def seeds(self) -> Array:
        """∂r/∂jets [m_s, q_s, K, n]."""
        fixed = self.points.fixed_seeds
        return self._carried[1] if fixed is None else fixed

    @functools.cached_property
    def slopes(self) -> Array:
        """∂r/∂(unknowns) [m_s, q_s, U_s]."""
        return self._carried[2] if len(self.columns) else np.empty((*self.seeds.shape[:2], 0), self.network.dtype)

    def rows(self, out: Array) -> None:
        """The rows of J into the first P columns of out [m_s q_s, .]; the jets besides, where the seeds are known without them."""
        seeds, (m, _, K, n) = self.seeds, self.seeds.shape
        if "jets" in self.__dict__:
            self.passes.rows(seeds, out)
        else:
            jets = np.empty((m, K, n), self.network.dtype)
            self.passes.rows(seeds, out, jets)
            self.jets = jets

    def restricted(self, one: SetOfPoints, inside: Indices) -> _Part:
        """The part of some of its points."""
        made = _Part(one, self.network)
        for name in ("seeds", "slopes", *({"jets"} & self.__dict__.keys())):
            setattr(made, name, np.ascontiguousarray(getattr(self, name)[inside]))
        return made


class ResidualPass:
    """r [m, q] of all points at one θ, and J [m q, P] as products and rows. Where a set has fewer than q residuals, the rest are 0.

    Of a network with unknowns J has a column more for each of them, after those of θ. Where all residuals are linear in the jets,
    `dense` goes forward once for J and for r.

    Parameters
    ----------
    network : Network
    points : PointSets
    """

    def __init__(self, network: Network, points: PointSets) -> None:
        self.network, self.points = network, points
        self._parts = [_Part(one, network) for one in points.sets]

    @functools.cached_property
    def residuals(self) -> Array:
        """r [m, q], a row for each point."""
        out = np.zeros((self.points.m, self.points.outputs), self.network.dtype)
        for part in self._parts:
            values = part.values
            out[part.points.rows, :values.shape[1]] = values
        return out

    @property
    def _size(self) -> int:
        """P, the parameters without unknowns."""
        return self.network.kernels.layout.size

    @property
    def shape(self) -> tuple[int, int]:
        """(m q, P)."""
        return self.points.m * self.points.outputs, self.network.size

    @property
    def at_once(self) -> int:
        """How many points' rows of J are in memory at once, at least one."""
        return max(1, SLAB // (self.points.outputs * self.network.size * self.network.dtype.itemsize))

    def size_of_terms(self) -> float:
        """The norm over residuals of Σ |∂r/∂(entry)| |entry|: what r would be if none of its terms cancelled."""
        squares = 0.0
        for part in self._parts:
            sizes = np.einsum("mqkn,mkn->mq", np.abs(part.seeds), np.abs(part.jets))
            squares += float(np.square(sizes, dtype=np.float64).sum())
        return float(np.sqrt(squares))

    def product(self, v: Array) -> Array:
        """J v [m, q] for v [P]."""
        out = np.zeros((self.points.m, self.points.outputs), self.network.dtype)
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
        m, q = self.points.m, self.points.outputs
        if out is None:
            out = np.empty(self.shape, self.network.dtype)
        blocks = out.reshape(m, q, self.network.size)
        for part in self._parts:
            count, own = part.seeds.shape[:2]
            here = isinstance(part.points.rows, slice) and own == q
            rows = blocks[part.points.rows] if here else np.empty((count, own, self.network.size), out.dtype)
            part.rows(rows.reshape(-1, self.network.size))
            rows[:, :, self._size:] = 0
            if len(part.columns):
                rows[:, :, part.columns] = part.slopes
            if not here:
                blocks[part.points.rows, :own] = rows
                blocks[part.points.rows, own:] = 0
        return out

    def restricted(self, first: int, count: int) -> ResidualPass:
        """The pass of `count` points from `first` on."""
        made, (points, chosen) = ResidualPass.__new__(ResidualPass), self.points.restricted(first, count)
        made.network, made.points = self.network, points
        made._parts = [self._parts[s].restricted(one, inside) for one, (s, inside) in zip(points.sets, chosen)]
        return made


def residuals_at(network: Network, points: PointSets) -> Array:
    """r [m, q] at one θ, without derivatives."""
    out = np.zeros((points.m, points.outputs), network.dtype)
    for one in points.sets:
        values = one.values(JetPasses(network, one.X, one.components).jets(), values_of_unknowns(network))
        out[one.rows, :values.shape[1]] = values
    return out
