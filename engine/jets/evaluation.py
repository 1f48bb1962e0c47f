"""C and D_θ C of residuals of jets, for any φ over the losses ½ |r_k|² (eq. 14–20 and 22–25)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cost import Cost
from ..network import Network
from ..typing import Array
from .point_sets import PointSets
from .residual_pass import ResidualPass, residuals_at


def losses(residuals: Array) -> Array:
    """½ |r_k|² [m]."""
    return np.einsum("kq,kq->k", residuals, residuals) / 2


def value_and_gradient(network: Network, points: PointSets, cost: Cost) -> tuple[np.floating[Any], Array]:
    """C and D_θ C [P] at the points, without a penalty (eq. 20)."""
    passed = ResidualPass(network, points)
    value, weights = cost.reduce(losses(passed.residuals))  # eq. 14 and 15
    return value, passed.transposed_product(weights[:, None] * passed.residuals)  # eq. 18 and 20


def value(network: Network, points: PointSets, cost: Cost) -> np.floating[Any]:
    """C at the points, without a penalty."""
    return cost.reduce(losses(residuals_at(network, points)))[0]
