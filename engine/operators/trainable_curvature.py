"""The rows and columns of a curvature operator that belong to trainable numbers of θ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, network_checks, object_checks
from ..kernels.sums import tree_sum
from ..network import Network
from ..typing import Array
from .curvature_operator import CurvatureOperator
from .real_operator import RealOperator
from .trainable_part import TrainablePart


class TrainableCurvature(RealOperator):
    """A symmetric operator of shape (T, T), in θ's order and the network's dtype: what a curvature operator has for T numbers of θ.

    Parameters
    ----------
    network : Network
    part : TrainablePart
        Of it.
    operator : CurvatureOperator
        Of ``part.network``.

    Attributes
    ----------
    trainable : ndarray of bool [P]
        Which numbers of θ its rows and columns are.
    """

    def __init__(self, network: Network, part: TrainablePart, operator: CurvatureOperator) -> None:
        self.network, self.cost, self.trainable = network, operator.cost, part.mask
        self._part, self._operator = part, operator
        super().__init__(operator.dtype, (part.size, part.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(T = {self.shape[0]} of P = {self.network.size}, {self.dtype}, {self.cost!r})"

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        return self._operator._matvec(self._part.spread(v))[self._part.kept]

    _rmatvec = _matvec

    def _matmat(self, V: Array) -> Array:
        return self._operator._matmat(self._part.spread(np.asarray(V, self.dtype)))[self._part.kept]

    _rmatmat = _matmat

    def _adjoint(self) -> TrainableCurvature:
        return self

    _transpose = _adjoint

    def diagonal(self) -> Array:
        """The diagonal [T]."""
        return self._operator.diagonal()[self._part.kept]

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        return tree_sum(self.diagonal())

    def dense(self) -> Array:
        """Every entry, [T, T]: blocks of pairs of layers that have a trainable number, of the neurons and inputs that have one.

        Raises
        ------
        MemoryError
            Where [T, T] does not fit in the memory available; it says so before anything is allocated.
        """
        return self._operator.dense_of(self._part.layers(), self._part.kept)

    def blocks(self) -> list[Array]:
        """The diagonal block of each layer that has a trainable number, of those numbers alone: a list of arrays."""
        return self._operator.blocks_of(self._part.layers(), self._part.kept)


def of_trainable(network: Network, X: Any, trainable: ArrayLike | None, max_bytes: int | None,
                 build: Callable[[Network, Any], CurvatureOperator]) -> CurvatureOperator | TrainableCurvature:
    """``build(network, X)``, or where some numbers of θ are not trainable what it has for those that are."""
    mask = network_checks.trainable(trainable, object_checks.network(network, Network).size)
    if not mask.size or mask.all():
        return build(network, X)
    part = TrainablePart(network, mask)
    X = part.samples(X) if max_bytes is None else part.rows(X)
    return TrainableCurvature(network, part, build(part.network, X))
