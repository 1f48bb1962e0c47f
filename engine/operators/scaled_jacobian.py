"""J S, the Jacobian with a scale for each parameter: that of the network as a function of ω, θ = S ω."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..network import Network
from ..typing import Array
from . import checks as operator_checks
from . import layered_kernel
from .jacobian import Jacobian

SLAB = 1 << 26  # bytes of rows that are held at once


class ScaledJacobian(Jacobian):
    """J S of shape (m n, P), S = diag(scale). What needs the rows themselves goes over them in slabs, unless the scale has one
    number for the weights and one for the biases of each layer.

    Parameters
    ----------
    network : Network
    X : ndarray [m, n_0]
    scale : ndarray [P]
        Of the network's dtype.
    """

    def __init__(self, network: Network, X: Any, scale: Array) -> None:
        super().__init__(network, X)
        self.scale = scale

    def __repr__(self) -> str:
        return f"Scaled{super().__repr__()}"

    def dense(self, out: NDArray[Any] | None = None) -> Array:
        """J S [m n, P], every number of it."""
        out = super().dense(out)
        out *= self.scale
        return out

    def _slabs(self, n: int, step: int) -> Iterator[tuple[slice, Array]]:
        for rows, slab in super()._slabs(n, step):
            slab *= self.scale
            yield rows, slab

    def gram(self, other: Jacobian | None = None, out: NDArray[Any] | None = None) -> Array:
        """J S S′ J′ᵀ [m n, m′ n], by BLAS, and so to rounding; exactly symmetric where `other` is None."""
        other = self if other is None else operator_checks.same_widths(self, other)
        out, rows = operator_checks.output_array(out, (self.shape[0], other.shape[0]), self.dtype, self.X, other.X)
        if layered_kernel.layered(self) and layered_kernel.layered(other):
            layered_kernel.gram(self, other, rows)
        else:
            left = self.dense()
            np.matmul(left, (left if other is self else other.dense()).T, out=rows)
        return out

    def row_norms(self) -> Array:
        """The Euclidean norm of every row of J S, [m, n]."""
        n = self.network.widths[-1]
        if layered_kernel.layered(self):
            return np.sqrt(layered_kernel.row_squares(self))
        out = np.empty(self.shape[0], self.dtype)
        for rows, slab in self.slabs(max(SLAB, n * self.shape[1] * self.dtype.itemsize)):
            out[rows] = np.sqrt(np.sum(slab * slab, axis=1))
        return out.reshape(-1, n)

    def _matvec(self, v: Array) -> Array:
        return super()._matvec(self.scale * checks.direction(v, self.shape[1], self.dtype))

    def _rmatvec(self, u: Array) -> Array:
        return self.scale * super()._rmatvec(u)


def jacobian_in_scale(network: Network, X: Any, scale: Array | None) -> Jacobian:
    """J, or J S where there is a scale."""
    return Jacobian(network, X) if scale is None else ScaledJacobian(network, X, scale)
