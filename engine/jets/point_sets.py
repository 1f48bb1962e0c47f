"""The points of a batch, set by set, with what the residual of each reads of the jets: all that depends on no θ."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from ..cost import Cost
from ..network import Network
from ..rows import Rows
from ..typing import Array, Indices
from . import pass_checks
from .components import Components
from .residual_loss import ResidualLoss


@dataclass(frozen=True)
class SetOfPoints:
    """The points that share a residual.

    Attributes
    ----------
    residual : Residual, or an object like it
    rows : slice or ndarray of int [m_s]
        Which points of the batch they are.
    X : ndarray [m_s, n_0]
        Contiguous.
    targets : ndarray [m_s, k]
    components : Components
        What the residual reads.
    n : int
        Outputs of the network.
    """

    residual: Any
    rows: Any
    X: Array
    targets: Array
    components: Components
    n: int

    def values(self, jets: Array, unknowns: Mapping[str, float] | None) -> Array:
        """r [m_s, q_s] from jets [m_s, K, n]; `unknowns` None for their first values."""
        return self.residual.values(self.X, jets, self.components, self.targets, unknowns)

    def values_and_slopes(self, jets: Array, unknowns: Mapping[str, float] | None) -> tuple[Array, Array, Array]:
        """r [m_s, q_s], ∂r/∂jets [m_s, q_s, K, n] and ∂r/∂(unknowns) [m_s, q_s, U_s], those that the residual has."""
        return self.residual.values_and_slopes(self.X, jets, self.components, self.targets, unknowns)

    @functools.cached_property
    def fixed_seeds(self) -> Array | None:
        """∂r/∂jets [m_s, q_s, K, n] where they are the same for every network, else None."""
        seeds: Array | None = self.residual.fixed_seeds(self.X, self.components, self.n)
        return seeds

    @property
    def names(self) -> tuple[str, ...]:
        """The residual's unknowns."""
        return tuple(name for name, _ in self.residual.unknowns)


class PointSets:
    """All points of a batch.

    Parameters
    ----------
    m, outputs : int
        Points, and the most residuals that one has.
    sets : list of SetOfPoints
        Those with points.
    """

    def __init__(self, m: int, outputs: int, sets: list[SetOfPoints]) -> None:
        self.m, self.outputs, self.sets = m, outputs, sets

    def restricted(self, first: int, count: int) -> tuple[PointSets, list[tuple[int, Indices]]]:
        """The `count` points from `first` on, and for each of their sets its number here and which of its points they are."""
        sets, chosen = [], []
        for s, one in enumerate(self.sets):
            rows = np.arange(self.m)[one.rows]
            inside = np.flatnonzero((rows >= first) & (rows < first + count))
            if len(inside):
                X = np.ascontiguousarray(one.X[inside])
                sets.append(replace(one, rows=as_slice(rows[inside] - first), X=X, targets=one.targets[inside]))
                chosen.append((s, inside))
        return PointSets(count, self.outputs, sets), chosen


def point_sets(cost: Cost, X: Array | Rows, targets: Array | Rows, network: Network) -> PointSets:
    """The sets of points X [m, n_0] with `targets` as a cost of residuals takes them, for networks like this one.

    Raises
    ------
    ValueError
        Where an activation of the network has not the derivatives that a residual reads.
    """
    loss, n_0, n, sets = cast(ResidualLoss, cost.loss), network.widths[0], network.widths[-1], []
    X, targets = X[:], targets[:]
    for rows, residual in loss.sets(targets):
        where = as_slice(rows)
        points = np.ascontiguousarray(X[where])
        components = residual.components(points, n_0, n)
        pass_checks.differentiable(network, components)
        sets.append(SetOfPoints(residual, where, points, targets[where], components, n))
    return PointSets(len(X), loss.width(n_0, n), sets)


def as_slice(rows: Indices) -> slice | Indices:
    """Ascending rows that follow each other as a slice, which copies nothing."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def of_jets(cost: Cost) -> bool:
    """Whether a cost's loss is one of residuals, which needs the network's jets."""
    return isinstance(cost.loss, ResidualLoss)
