"""Kronecker-factored curvature: two small matrices per layer in place of one of P_l × P_l."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag

from .. import checks, object_checks
from ..blocks import cut
from ..cost import Cost
from ..network import Network
from ..reductions import weighted_by
from ..rows import gathered, read_targets, samples
from ..two_passes import READ, losses_in_slabs
from ..typing import Array
from . import checks as operator_checks
from .docstrings import documented
from .jacobian import Jacobian
from .output_hessian import curvature_factor
from .real_operator import RealOperator

SLAB = 1 << 26  # bytes of the chains of a layer that are multiplied at once


class _Part(NamedTuple):
    """Of all samples or a slab: J, S [samples, n, n] with S Sᵀ = (∇φ)_k ∇²L_k, and (∇φ)_k / Σ ∇φ."""

    jacobian: Jacobian
    factor: Array
    shares: Array

    def inputs(self, l: int) -> Array:
        """ā^{l−1} = (a^{l−1}, 1) [samples, n_{l−1} + 1]."""
        a = self.jacobian.forward.a(l - 1)
        return np.concatenate([a, np.ones((len(a), 1), a.dtype)], axis=1)

    def chains(self, l: int) -> Iterator[tuple[slice, Array]]:
        """Sᵀ B^l [., n, n_l], from the chain B^l of eq. 7, a few samples at a time: their slice, and theirs."""
        m, n = self.factor.shape[:2]
        step = max(1, SLAB // (n * self.jacobian.network.widths[l] * self.factor.itemsize))
        chain = self.jacobian.chain(l)
        for first in range(0, m, step):
            chunk = slice(first, min(m, first + step))
            yield chunk, self.factor[chunk].transpose(0, 2, 1) @ chain[chunk]


def _shares(weights: Array, total: Any) -> Array:
    return weights / total if total > 0 else weights


class KroneckerFactored(RealOperator):
    """The block-diagonal operator with B_l ⊗ A_l at layer l. Made by `kfac`.

    Attributes
    ----------
    input_factors : list of ndarray [n_{l−1} + 1, n_{l−1} + 1]
        A_l, l = 1 … L.
    output_factors : list of ndarray [n_l, n_l]
        B_l, l = 1 … L.
    """

    def __init__(self, network: Network, X: Any, y: Any, cost: Cost, max_bytes: int | None = None) -> None:
        self.network, self._cost = object_checks.network(network, Network), object_checks.cost(cost, Cost)
        max_bytes = checks.max_bytes(max_bytes)
        self._X = samples(X, network.widths[0], network.dtype, bounded=max_bytes is not None)
        self._targets = read_targets(y, len(self._X), network.widths[-1], network.dtype, cost, bounded=max_bytes is not None)
        self._slabs: list[slice] | None = None
        self._kept: _Part | None = None
        if max_bytes is not None:
            self._slabs = cut(len(self._X), self._bytes, max_bytes)
            self._weights = np.maximum(cost.reduce(losses_in_slabs(network, self._X, self._targets, cost, max_bytes))[1], 0)
        widths = network.widths
        self.input_factors = [np.zeros((n + 1, n + 1), network.dtype) for n in widths[:-1]]
        self.output_factors = [np.zeros((n, n), network.dtype) for n in widths[1:]]
        for part in self._parts():
            for l in range(1, network.depth + 1):
                inputs = part.inputs(l)
                self.input_factors[l - 1] += inputs.T @ (part.shares[:, None] * inputs)
                for _, chain in part.chains(l):
                    rows = chain.reshape(-1, widths[l])
                    self.output_factors[l - 1] += rows.T @ rows
        self.output_factors = [(B + B.T) / 2 for B in self.output_factors]
        self._eigen: list[tuple[Array, Array, Array]] | None = None
        super().__init__(network.dtype, (network.size, network.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(P = {self.shape[0]}, {self.dtype}, {self._cost!r})"

    def _bytes(self, count: int) -> int:
        """Bytes that a slab of `count` samples takes."""
        network, n, layout = self.network, self.network.widths[-1], self.network.kernels.layout
        each = layout.stack_lines + n * (2 * layout.chain_lines + 4 * n) + 4 * sum(network.widths)
        return count * (each * network.dtype.itemsize + READ * (network.widths[0] + self._targets.shape[1] + 1))

    def _parts(self) -> Iterator[_Part]:
        """The samples, all at once or slab by slab."""
        if self._slabs is None:
            if self._kept is None:
                X, targets, _ = gathered(self._X, self._targets, np.arange(len(self._X)))
                J = Jacobian(self.network, X)
                factor, weights = curvature_factor(self._cost, J.forward.outputs, targets)
                self._kept = _Part(J, factor, _shares(weights, weights.sum()))
            yield self._kept
            return
        for slab in self._slabs:
            J = Jacobian(self.network, self._X[slab])
            cost = Cost(self._cost.loss, weighted_by(self._weights[slab]))
            factor, weights = curvature_factor(cost, J.forward.outputs, self._targets[slab])
            yield _Part(J, factor, _shares(weights, self._weights.sum()))

    def _spectrum(self) -> list[tuple[Array, Array, Array]]:
        """(U, V, s) for every layer: the eigenvectors of B_l and A_l, and the eigenvalues s [n_l, n_{l−1} + 1] of B_l ⊗ A_l."""
        if self._eigen is None:
            pairs = [(np.linalg.eigh(B), np.linalg.eigh(A)) for A, B in zip(self.input_factors, self.output_factors)]
            self._eigen = [(U, V, np.maximum(b, 0)[:, None] * np.maximum(a, 0)) for (b, U), (a, V) in pairs]
        return self._eigen

    def _split(self, v: Array) -> Iterator[Array]:
        """(W^l, b^l) of a vector of θ's layout side by side, [n_l, n_{l−1} + 1] for every layer."""
        layout = self.network.kernels.layout
        for l in range(1, self.network.depth + 1):
            W = v[layout.weight_slice(l)].reshape(self.network.widths[l], -1)
            yield np.concatenate([W, v[layout.bias_slice(l), None]], axis=1)

    def _join(self, parts: Iterable[Array]) -> Array:
        """The vector of θ's layout."""
        return np.concatenate([piece for part in parts for piece in (part[:, :-1].reshape(-1), part[:, -1])])

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        return self._join(B @ part @ A for part, A, B in zip(self._split(v), self.input_factors, self.output_factors))

    _rmatvec = _matvec

    def _adjoint(self) -> KroneckerFactored:
        return self

    _transpose = _adjoint

    def solve(self, v: ArrayLike, *, damping: float = 0.0) -> Array:
        """(K + λ I)⁻¹ v [P], exactly, from the eigenvectors of the factors.

        Parameters
        ----------
        v : array_like [P] or [P, r]
        damping : float
            λ ≥ 0. Where it is 0, directions in which K is 0 to within rounding are left out: a pseudo-inverse.
        """
        V = checks.real_array(v, "v")
        damping = operator_checks.damping(damping)
        if V.ndim == 2:
            return np.stack([self.solve(V[:, i], damping=damping) for i in range(V.shape[1])], axis=1)
        v = checks.vector(V, self.shape[0], self.dtype, "v", "one number for each of θ")
        parts = []
        for part, (U, V, s) in zip(self._split(v), self._spectrum()):
            shifted = s + self.dtype.type(damping)
            least = 0 if damping > 0 else s.max() * max(s.shape) * np.finfo(s.dtype).eps
            inverse = np.divide(1, shifted, out=np.zeros_like(s), where=shifted > least)
            parts.append(U @ (inverse * (U.T @ part @ V)) @ V.T)
        return self._join(parts)

    def diagonal(self) -> Array:
        """The diagonal [P]."""
        return self._join(np.outer(np.diag(B), np.diag(A)) for A, B in zip(self.input_factors, self.output_factors))

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number."""
        return self.dtype.type(sum(np.trace(A) * np.trace(B) for A, B in zip(self.input_factors, self.output_factors)))

    def blocks(self) -> list[Array]:
        """The block of (W^l, b^l) for l = 1 … L: a list of arrays [P_l, P_l], P_l = n_l (n_{l−1} + 1), in θ's order."""
        return [self._block(l) for l in range(self.network.depth)]

    def _block(self, l: int) -> Array:
        return in_order(np.kron(self.output_factors[l], self.input_factors[l]), self.network.widths[l + 1])

    def dense(self) -> Array:
        """Every entry [P, P], zeros between layers included.

        Raises
        ------
        MemoryError
            Where it does not fit in the memory available.
        """
        operator_checks.fits_in_memory(self.shape, self.dtype)
        return block_diag(*self.blocks())


def in_order(block: Array, width: int) -> Array:
    """A block over (W_1, b_1), (W_2, b_2), … of `width` neurons, as one over (W, b)."""
    places = np.arange(len(block)).reshape(width, -1)
    order = np.concatenate([places[:, :-1].reshape(-1), places[:, -1]])
    return block[np.ix_(order, order)]


@documented
def kfac(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, max_bytes: int | None = None) -> KroneckerFactored:
    """Kronecker-factored curvature (Martens & Grosse 2015, arXiv 1503.05671): B_l ⊗ A_l for the block of (W^l, b^l) of the GGN.

    A_l = Σ_k (w_k / Σ w) ā_k ā_kᵀ and B_l = Σ_k w_k B^lᵀ_k ∇²L_k B^l_k, with w = ∇φ, ā = (a^{l−1}, 1) and the chain B^l of eq. 7;
    the sum over outputs is exact, nothing is drawn. The scale is the GGN's, which is the reduction's: all of it stands in B_l, so
    that "mean" divides by m and "sum" does not, and squared_error has ∇²L = I (libraries whose loss is ‖u − y‖² or averages over
    outputs differ by 2 or n). For losses of exponential families (squared_error, softmax_cross_entropy, binary_cross_entropy,
    poisson) the GGN is the Fisher matrix too. The blocks equal the GGN's for one sample, and for networks of identity activations
    under squared_error at any m and any weights. Negative weights and negative curvature count as 0.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction; a loss with a Hessian.
    {max_bytes_of_factors}

    Returns
    -------
    KroneckerFactored
    {factored_operator}

    Raises
    ------
    {no_loss_hessian}
    {no_block}

    See Also
    --------
    ekfac : With eigenvalues that fit better.
    ggn : What it approximates.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import kfac
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> K = kfac(network, np.array([[1.0], [3.0]]), np.zeros((2, 1)), Cost("squared_error", "sum"))
    >>> K.dense()
    array([[10.,  4.],
           [ 4.,  2.]])
    >>> K.solve(np.array([15.0, 7.0]), damping=1.0).round(12)
    array([1., 1.])
    """
    return KroneckerFactored(network, X, y, cost, max_bytes)
