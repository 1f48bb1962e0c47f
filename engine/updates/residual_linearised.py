"""A batch step of residuals of jets near θ: C + g·δ + ½ |M δ|², M = √∇φ J with J = ∂r/∂θ (eq. 18–20 and 22–25)."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from ..cost import Cost
from ..jets.residual_pass import ResidualPass, residuals_at
from ..network import Network
from ..row_squares import square_of_rows
from ..typing import Array
from .kept_linearised import SLAB, KeptLinearised


class ResidualLinearised(KeptLinearised):
    """A Linearised around the residuals r [m, q] of all points in place of outputs: the loss of a point is ½ |r|², its target 0.

    Parameters
    ----------
    As those of KeptLinearised, of a problem whose loss is a `ResidualLoss`.
    """

    solvers: tuple[str, ...] = ("cholesky", "qr", "kernel", "cg")

    def _forward(self) -> None:
        self._points = self.problem.point_sets
        self._pass = ResidualPass(self.network, self._points)
        self.outputs = self._pass.residuals
        self.cost = Cost("squared_error", self.cost.reduction)
        self.targets = np.zeros_like(self.outputs)

    def _pulled(self, u: Array) -> Array:
        return self._pass.transposed_product(u)[self.free]

    def _pushed_along(self, full: Array) -> Array:
        return self._pass.product(full)

    def _outputs_of(self, network: Network) -> Array:
        return residuals_at(network, self._points)

    def _size_of_outputs(self) -> float:
        """The norm of r before its terms cancel: rounding is relative to that."""
        return self._pass.size_of_terms()

    def rows(self) -> Iterator[Array]:
        """Yield M in slabs of whole points [rows, p], each valid until the next is taken."""
        m, q = self.outputs.shape
        at_once = max(1, SLAB // (q * self.network.size * self.network.dtype.itemsize))
        memory = np.empty((min(at_once, m) * q, self.network.size), self.network.dtype)
        for first in range(0, m, at_once):
            count = min(at_once, m - first)
            part = self._pass if count == m else self._pass.restricted(first, count)
            yield self._scaled_rows(part.dense(memory[:count * q]), slice(first, first + count))

    def square(self) -> Array:
        """The lower triangle of MᵀM [p, p], in Fortran's order."""
        return functools.reduce(np.add, (square_of_rows(np.ascontiguousarray(slab.T)) for slab in self.rows())).T

    def diagonal(self) -> Array:
        """The diagonal of MᵀM [p]."""
        total = np.zeros(self.size, self.network.dtype)
        for slab in self.rows():
            total += np.einsum("ij,ij->j", slab, slab)
        return total
