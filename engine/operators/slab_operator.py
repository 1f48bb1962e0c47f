"""A curvature operator whose samples pass in slabs, in bounded memory: the sum of the same operator over each of them."""

import numpy as np
from scipy.sparse.linalg import LinearOperator

from .. import object_checks
from ..blocks import SlabSum, block_count, cut, levels_of
from ..cost import Cost
from ..forward import lanes
from ..kernels.output_curvature import curvature_lines
from ..kernels.sums import BLOCK
from ..network import Network
from ..pool import num_threads
from ..reductions import _built_in
from ..rows import as_given, gathered, samples, truths
from ..two_passes import READ, TwoPasses
from . import curvature_checks
from .curvature import CurvatureOperator
from .dense_curvature import SLAB
from .output_curvature import reduction_curvature


class OfASlab:
    """Mixed into a CurvatureOperator of some samples: what ∇²φ adds to each of them comes from all samples.

    Parameters
    ----------
    added : ndarray [samples of the slab], or None
        The diagonal of ∇²φ.
    held : int
        Bytes of products of inputs that `dense` may hold at once.
    """

    _loss_gradients: np.ndarray

    def __init__(self, added, held, *arguments):
        self._added, self._held = added, held
        super().__init__(*arguments)

    def _take_reduction_curvature(self, curvature):
        return curvature if self._added is None else curvature.plus(self._loss_gradients, self._added)


class SlabOperator(CurvatureOperator):
    """What `ggn`, `fisher`, `empirical_fisher` and `hessian` return where they are given `max_bytes`.

    The losses of all samples give ∇φ once (eq. 15); then every product, diagonal or dense matrix is a sum over slabs, each
    forward once more. Products and the diagonal of the GGN and of Fisher's matrices have the bits of the operator that holds
    all its samples.

    Parameters
    ----------
    build : callable
        ``build(first sample, added, held, network, X, y, cost)``, the operator of one slab.
    name : str
    network, X, y, cost
        As the operator takes them.
    max_bytes : int
        Bounds a slab, half of it left to `dense` and `blocks`; ∇φ comes on top.
    reduction_curvature : bool
        Whether ∇²φ takes part.
    """

    def __init__(self, build, name, network, X, y, cost, max_bytes, reduction_curvature):
        object_checks.network(network, Network)
        object_checks.cost(cost, Cost)
        self.network, self.cost, self._build, self._name, self._most = network, cost, build, name, max_bytes
        self._X = samples(X, network.widths[0], network.dtype, bounded=True)
        self._targets = truths(y, len(self._X), network.widths[-1], network.dtype, cost, bounded=True)
        self._slabs = cut(len(self._X), self._bytes, max_bytes)
        passes = TwoPasses(network, self._X, self._targets, cost, None, max_bytes)
        self._losses = np.empty(len(self._X), network.dtype)
        passes.fill(self._losses)
        self._weights = cost.reduce(self._losses)[1]
        self._joined = self._removed = self._added = None
        if reduction_curvature:
            self._take_parts(passes)
        LinearOperator.__init__(self, network.dtype, (network.size, network.size))

    def _take_parts(self, passes):
        """∇²φ: its diagonal for the slabs, and the rest of it, which joins samples."""
        if self.cost.reduction.code < 0:
            curvature_checks.reduction_hessian(self.cost.reduction, self._name)
            self._joined = self.cost.reduction.hessian_product
            return
        parts = reduction_curvature(self.cost.reduction, self._losses, self._weights)
        if parts is not None:
            self._added, scale, r = parts
            self._removed = scale, passes.sum(r, np.empty_like(self._losses)), None

    def _bytes(self, count):
        """Twice what a slab of so many samples takes: as much is left to the products of `dense`."""
        network, n, stack_lines = self.network, self.network.widths[-1], self.network.kernels.layout.stack_lines
        lines = 2 * stack_lines + 3 * sum(network.widths) + curvature_lines(n, -1) + 8 * n
        threads = min(num_threads(), block_count(count))
        room = threads * (2 * BLOCK * (stack_lines + 3 * max(network.widths)) + 2 * lanes(network.dtype)**2)
        numbers = count * lines + room + (levels_of(len(self._X), count) + 4 * threads) * network.size
        return 2 * (int(numbers) * network.dtype.itemsize + count * READ * (network.widths[0] + self._targets.shape[1] + 1))

    def _operators(self):
        """Each slab and the operator of its samples."""
        for slab in self._slabs:
            indices = np.arange(slab.start, slab.stop)
            X, targets, chosen = gathered(self._X, self._targets, indices)
            X, targets = (X[slab], targets[slab]) if len(chosen) else (X, targets)
            y = as_given(targets, self.cost.loss.kind, self.network.widths[-1])
            cost = Cost(self.cost.loss, _built_in("weighted", data=self._weights[slab]))
            added = None if self._added is None else self._added[slab]
            yield slab, self._build(slab.start, added, min(SLAB, self._most // 2), self.network, X, y, cost)

    def _product(self, v):
        return self._products(v[:, None])[:, 0]

    def _products(self, V):
        """One product for each column, the slabs' forward passes made once for all."""
        joined = self._joined_products(V)
        total = SlabSum(V.size, self.dtype, len(self._slabs))
        for slab, operator in self._operators():
            rows = np.empty(V.shape[::-1], self.dtype)
            for k in range(len(rows)):
                if joined is not None:
                    operator._joined = lambda losses, s, r=joined[k, slab]: r
                rows[k] = operator._product(np.ascontiguousarray(V[:, k]))
            total.add(rows.reshape(-1))
        return total.total().reshape(V.shape[::-1]).T

    def _joined_products(self, V):
        """∇²φ J_φ̃ v [m] for every column, of a user's own φ; None where φ is not."""
        if self._joined is None:
            return None
        tangents = np.empty((V.shape[1], len(self._losses)), self.dtype)
        for slab, operator in self._operators():
            for k in range(len(tangents)):
                tangent = operator._jacobian.matvec(np.ascontiguousarray(V[:, k])).reshape(operator._loss_gradients.shape)
                tangents[k, slab] = (operator._loss_gradients * tangent).sum(1)
        return np.stack([curvature_checks.user_product(self._joined(self._losses, s), s.shape, s.dtype) for s in tangents])

    def _matmat(self, V):
        V = np.asarray(V, self.dtype)
        out = self._products(V)
        if self._removed is not None:
            for k in range(V.shape[1]):
                out[:, k] = self._without_removed(np.ascontiguousarray(V[:, k]), out[:, k])
        return out

    _rmatmat = _matmat

    def _diagonal(self):
        total = SlabSum(self.shape[0], self.dtype, len(self._slabs))
        for _, operator in self._operators():
            total.add(operator._diagonal())
        return total.total()

    def _fill(self, pairs):
        for _, operator in self._operators():
            operator._fill(pairs)

    def _gradient_rows(self):
        m = len(self._losses)
        curvature_checks.joined_fits(m, self.shape[0], self.dtype, self._most)
        rows = np.empty((m, self.shape[0]), self.dtype)
        for slab, operator in self._operators():
            rows[slab] = operator._gradient_rows()
        return rows
