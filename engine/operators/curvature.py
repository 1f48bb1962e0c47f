"""What curvature operators share: a symmetric LinearOperator (P, P) around a kept forward pass."""

from collections.abc import Callable

import numpy as np

from .. import checks
from ..backward import transposed_product
from ..kernels.sums import tree_sum
from . import curvature_checks
from .dense_curvature import SLAB, add_pair, pair_sum, slabs, symmetric_pair_sum, with_one
from .jacobian import Jacobian
from .output_curvature import reduction_curvature
from .real_operator import RealOperator


class CurvatureOperator(RealOperator):
    """A symmetric operator of shape (P, P), in θ's order and the network's dtype; its transpose is itself.

    Products of several vectors run one after the other from the one forward pass. They, and the diagonal and trace of the GGN and
    of Fisher's matrices, have the same bits for any number of threads; `dense`, `blocks`, and the Hessian's diagonal and trace go
    through BLAS, and promise only rounding.
    """

    _held = SLAB
    _name: str
    _joined: Callable | None
    _removed: tuple | None

    def __init__(self, network, X, y, cost):
        X, targets = curvature_checks.samples_and_targets(network, X, y, cost)
        self.network, self.cost = network, cost
        self._jacobian, self._targets = Jacobian(network, X), targets
        self.forward = self._jacobian.forward
        self._losses, self._loss_gradients = cost.losses_and_gradients(self.forward.outputs, targets)
        self._weights = cost.reduce(self._losses)[1]
        self._joined = self._removed = None
        super().__init__(network.dtype, (network.size, network.size))

    def _take_reduction_curvature(self, curvature):
        """H with what ∇²φ adds to single samples; the rest of it goes to `_removed`, or a user's own to `_joined`."""
        reduction = self.cost.reduction
        if reduction.code < 0:
            curvature_checks.reduction_hessian(reduction, self._name)
            self._joined = reduction.hessian_product
            return curvature
        parts = reduction_curvature(reduction, self._losses, self._weights)
        if parts is None:
            return curvature
        d, scale, r = parts
        rows = r[:, None] * self._loss_gradients
        self._removed = scale, self._transposed(rows), rows
        return curvature.plus(self._loss_gradients, d)

    def _transposed(self, output_gradient):
        return transposed_product(self.network, self.forward.stack, output_gradient)

    def _joined_rows(self, joined, s):
        """(∇²φ s)_k ∇L_k [m, n] for s [m] and a user's own ∇²φ."""
        r = curvature_checks.user_product(joined(self._losses, s), s.shape, s.dtype)
        return r[:, None] * self._loss_gradients

    def _matvec(self, v):
        v = checks.direction(v, self.shape[1], self.dtype)
        return self._without_removed(v, self._product(v))

    def _without_removed(self, v, out):
        if self._removed is not None:
            scale, r, _ = self._removed
            out -= scale * tree_sum(r * v) * r
        return out

    _rmatvec = _matvec

    def _matmat(self, V):
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1, out=np.empty(V.shape, self.dtype))

    _rmatmat = _matmat

    def _adjoint(self):
        return self

    _transpose = _adjoint

    def _gradient_rows(self):
        """J^T ∇L_k of every sample [m, P], where a user's own ∇²φ joins samples."""
        one = np.zeros_like(self._loss_gradients)
        rows = np.empty((len(one), self.shape[0]), self.dtype)
        for k in range(len(one)):
            one[k] = self._loss_gradients[k]
            rows[k] = self._transposed(one)
            one[k] = 0
        return rows

    def _joined_rows_and_products(self):
        """G = _gradient_rows and ∇²φ G, both [m, P], for a user's own ∇²φ; None where there is none."""
        if self._joined is None:
            return None
        rows, m = self._gradient_rows(), len(self._losses)
        unit = np.eye(m, dtype=self.dtype)
        second = np.stack([curvature_checks.user_product(self._joined(self._losses, e), (m,), self.dtype) for e in unit], 1)
        return rows, second @ rows

    def diagonal(self):
        """The diagonal [P], without the rest."""
        out = self._diagonal()
        if self._removed is not None:
            scale, r, _ = self._removed
            out -= scale * r * r
        joined = self._joined_rows_and_products()
        if joined is not None:
            rows, products = joined
            out += (rows * products).sum(0)
        return out

    def trace(self):
        """The sum of the diagonal, a number."""
        return tree_sum(self.diagonal())

    def dense(self):
        """Every entry, [P, P].

        ∂²C of W^l and W^{l′} is a sum over samples of a matrix between neurons times a^{l−1} ⊗ a^{l′−1}: one product of matrices
        for each pair of layers, n times less work than JᵀHJ from the rows of J.

        Raises
        ------
        MemoryError
            Where [P, P] does not fit in the memory available; it says so before anything is allocated.
        """
        curvature_checks.square_fits(self.shape[0], self.dtype, self._name)
        out = np.zeros(self.shape, self.dtype)
        layers = range(1, self.network.depth + 1)
        self._fill([(l, k, out[self._rows(l), self._rows(k)]) for l in layers for k in layers[l - 1:]])
        for l in layers[:-1]:
            rows = self._rows(l)
            out[rows.stop:, rows] = out[rows, rows.stop:].T
        if self._removed is not None:
            scale, r, _ = self._removed
            out -= scale * r[:, None] * r
        joined = self._joined_rows_and_products()
        if joined is not None:
            rows, products = joined
            out += rows.T @ products
        return out

    def blocks(self):
        """The diagonal block of (W^l, b^l) for l = 1 … L: a list of arrays [P_l, P_l], P_l = n_l (n_{l−1} + 1), in θ's order."""
        layers = range(1, self.network.depth + 1)
        most = max(rows.stop - rows.start for rows in map(self._rows, layers))
        curvature_checks.square_fits(most, self.dtype, self._name)
        found = [np.zeros((rows.stop - rows.start,) * 2, self.dtype) for rows in map(self._rows, layers)]
        self._fill([(l, l, block) for l, block in zip(layers, found)])
        joined = self._joined_rows_and_products()
        for rows, block in zip(map(self._rows, layers), found):
            if self._removed is not None:
                scale, r, _ = self._removed
                block -= scale * r[rows, None] * r[rows]
            if joined is not None:
                block += joined[0][:, rows].T @ joined[1][:, rows]
        return found

    def _rows(self, l):
        """Where (W^l, b^l) lies in θ."""
        layout = self.network.kernels.layout
        return slice(layout.weight_slice(l).start, layout.bias_slice(l).stop)

    def _fill(self, pairs):
        """Add to each target of pairs (l, l′ ≥ l, target) what the samples give."""
        widths, m = self.network.widths, len(self._losses)
        inputs = [with_one(self.forward.a(l)) for l in range(self.network.depth)]
        most = max(widths[l] * widths[k] + (widths[l - 1] + 1) * (widths[k - 1] + 1) for l, k, _ in pairs)
        for first, stop in slabs(m, most * self.dtype.itemsize, self._held):
            between = self._between_neurons(first, stop)
            for l, k, target in pairs:
                a, b = inputs[l - 1][first:stop], inputs[k - 1][first:stop]
                M = between(l, k)
                add_pair(target, symmetric_pair_sum(M, a) if l == k else pair_sum(M, a, b))
                self._add_rest(target, between, l, k, a)

    def _add_rest(self, target, between, l, k, a):
        """What the Hessian has beside the matrices between neurons."""
