"""J of some of the numbers of θ, each of its columns times a number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..network import Network
from ..typing import Array, DType, Indices
from .jacobian import Jacobian


class PartialJacobian:
    """J[:, columns] diag(c) of m samples, [m n, p].

    Parameters
    ----------
    jacobian : Jacobian
        J [m n, P].
    columns : ndarray of int64 [p], optional
        Ascending; all of them where None.
    scale : ndarray [p], optional
        c; 1 where None.
    """

    def __init__(self, jacobian: Jacobian, columns: Indices | None = None, scale: Array | None = None) -> None:
        self.jacobian, self.columns, self.scale = jacobian, columns, scale
        self.shape = jacobian.shape[0], jacobian.shape[1] if columns is None else len(columns)

    @property
    def network(self) -> Network:
        """The network of J."""
        return self.jacobian.network

    @property
    def dtype(self) -> DType:
        """That of J."""
        return self.jacobian.dtype

    def scaled(self, scale: Array | None) -> PartialJacobian:
        """The same columns times other numbers."""
        return PartialJacobian(self.jacobian, self.columns, scale)

    def of_samples(self, first: int, stop: int) -> PartialJacobian:
        """That of the samples first … stop − 1."""
        return PartialJacobian(Jacobian(self.network, self.jacobian.X[first:stop]), self.columns, self.scale)

    def _narrowed(self, rows: Array) -> Array:
        """Rows [., p] from rows [., P] of J, which may be changed."""
        if self.columns is not None:
            rows = rows[:, self.columns]
        if self.scale is not None:
            rows *= self.scale
        return rows

    def dense(self) -> Array:
        """Every entry [m n, p]."""
        return self._narrowed(self.jacobian.dense())

    def slabs(self, max_bytes: int) -> Iterator[tuple[slice, Array]]:
        """(rows, slab) as those of a Jacobian, whose slabs of all P columns take at most `max_bytes` each."""
        for rows, slab in self.jacobian.slabs(max_bytes):
            yield rows, self._narrowed(slab)

    def rows(self, V: Array) -> Array:
        """The product with V [p, r]."""
        if self.scale is not None:
            V = self.scale[:, None] * V
        if self.columns is not None:
            whole = np.zeros((self.jacobian.shape[1], V.shape[1]), V.dtype)
            whole[self.columns] = V
            V = whole
        return np.asarray(self.jacobian @ V)

    def sums(self, U: Array) -> Array:
        """The transpose times U [m n, r]: [p, r]."""
        found = np.asarray(self.jacobian.T @ U)
        if self.columns is not None:
            found = found[self.columns]
        return found if self.scale is None else self.scale[:, None] * found

    def gram(self, other: PartialJacobian | None = None, max_bytes: int = 1 << 26) -> Array:
        """The product with the transpose of `other`, of the same columns and c; of this one where None, then exactly symmetric.

        From the factors where a column's c² is one number for each W^l and each b^l, else from slabs.
        """
        against = self if other is None else other
        if self.columns is None and self.scale is None:
            return self.jacobian.gram(None if other is None else other.jacobian)
        squares = self._squares()
        if squares is not None:
            out = self._from_factors(against, squares)
        else:
            out = np.empty((self.shape[0], against.shape[0]), self.dtype)
            max_bytes = max(max_bytes, self.network.widths[-1] * self.network.size * self.dtype.itemsize)
            for rows, slab in self.slabs(max_bytes):
                for columns, other_slab in against.slabs(max_bytes):
                    out[rows, columns] = slab @ other_slab.T
        return (out + out.T) / 2 if other is None else out

    def _squares(self) -> list[tuple[float, float]] | None:
        """(c² of W^l, c² of b^l) for every layer, 0 where J has columns that are left out; None where a layer's differ."""
        whole = np.zeros(self.jacobian.shape[1])
        whole[slice(None) if self.columns is None else self.columns] = 1.0 if self.scale is None else self.scale**2
        layout, found = self.network.kernels.layout, []
        for l in range(1, self.network.depth + 1):
            parts = whole[layout.weight_slice(l)], whole[layout.bias_slice(l)]
            if any((part != part[0]).any() for part in parts):
                return None
            found.append((float(parts[0][0]), float(parts[1][0])))
        return found

    def _from_factors(self, other: PartialJacobian, squares: list[tuple[float, float]]) -> Array:
        """Σ_l (B^l B′^lᵀ) ⊙ (c_W² a a′ᵀ + c_b²), from the chains B^l of eq. 7."""
        n = self.network.widths[-1]
        out = np.zeros((self.shape[0], other.shape[0]), self.dtype)
        for l, (weight, bias) in enumerate(squares, 1):
            if weight or bias:
                inputs = weight * (self.jacobian.forward.a(l - 1) @ other.jacobian.forward.a(l - 1).T) + bias
                chains = [J.jacobian.chain(l).reshape(-1, self.network.widths[l]) for J in (self, other)]
                out += (chains[0] @ chains[1].T) * inputs.repeat(n, 0).repeat(n, 1)
        return out
