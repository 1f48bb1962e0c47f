"""J = D_θ A, kept in rank-one factors (eq. 7–10 and 19)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, object_checks
from ..backward import streamed_transposed_product, transposed_product
from ..forward import ForwardPass, lanes, panel_count
from ..kernels.gram import gram, gram_size
from ..kernels.jacobian import dense, dense_size, input_jacobian, read_chain
from ..kernels.layout import GROUP
from ..kernels.narrow import narrow_dense, narrow_size
from ..kernels.row_norms import row_norms
from ..kernels.tangents import product, streamed_product
from ..network import NO_INDICES, Network
from ..pool import over
from ..rows import Rows, samples
from ..typing import Array
from ..workspace import thread_workspaces
from . import checks as operator_checks
from .dense_preparation import prepare_dense
from .kept_passes import SMALL, KeptPasses
from .real_operator import RealOperator

STREAMED = 1 << 25  # bytes of J from which on it is written past the cache: 17970 x 6570 f64, three times as fast
NARROW = {8: 16, 4: 12}  # by bytes of a number, the widest layer up to which rows are made column by column: 2-2-1 63 to 10 ns
PIECE = 2 * SMALL  # bytes of J whose samples go forward at once


class Jacobian(RealOperator):
    """D_θ A of m samples, of shape (m n, P), rows sample by sample, columns in θ's order (paper §3 and §5, eq. 7–10, 19).

    A sample's rows are given by the pairs (B^l, a^{l−1}), Σ_l (n n_l + n_{l−1}) numbers in place of n P; products,
    norms and Gram matrices are computed from those. A real SciPy LinearOperator: `svds`, `lsmr` and `J.H` work.
    The first product with a vector goes forward by itself and keeps nothing; the second, or whatever else asks for `forward`,
    makes the pass that is kept.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0], or an object that gives rows, as `value_and_gradient` takes it
        m may be 0. Rows are read, and many samples go forward, where something asks for it: leave X as it is until then.

    See Also
    --------
    engine.operators.ntk : J Jᵀ as an operator.
    engine.operators.LossJacobian : The derivatives of the m losses.
    engine.operators.ggn : Jᵀ H J.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> network = Network((2, 1), ("identity",), np.array([1.0, 2.0, 0.5]))
    >>> J = network.jacobian(np.array([[3.0, 4.0]]))
    >>> J.dense()
    array([[3., 4., 1.]])
    >>> J @ np.ones(3)
    array([8.])
    """

    def __init__(self, network: Network, X: ArrayLike) -> None:
        object_checks.network(network, Network)
        self._begin(network, samples(X, network.widths[0], network.dtype))
        self._passes.own_samples()

    @classmethod
    def _of(cls, network: Network, X: Array) -> Jacobian:
        """The Jacobian of X that was checked before."""
        made = cls.__new__(cls)
        made._begin(network, X)
        return made

    def _begin(self, network: Network, X: Array | Rows) -> None:
        self.network, self._passes = network, KeptPasses(network, X)
        super().__init__(network.dtype, (len(X) * network.widths[-1], network.size))

    def __repr__(self) -> str:
        n = self.network.widths[-1]
        return f"Jacobian(m = {self.shape[0] // n}, n = {n}, P = {self.shape[1]}, {self.dtype})"

    @property
    def X(self) -> Array | Rows:
        """The samples [m, n_0], an array or Rows."""
        return self._passes.X

    @property
    def forward(self) -> ForwardPass:
        """The ForwardPass of all samples. For many samples it is made when something first needs it, which `dense` and `slabs` do
        not."""
        return self._passes.forward

    @property
    def factors(self) -> tuple[Array, Array]:
        """The forward pass's stack and the chains B^l of all samples, as kernels read them."""
        return self._passes.forward.stack, self._passes.chains

    @property
    def _kernel_arguments(self) -> tuple[Any, ...]:
        kernels = self.network.kernels
        return kernels.theta, kernels.plan, self.forward.stack

    @property
    def _chain_arguments(self) -> tuple[Any, ...]:
        kernels = self.network.kernels
        return kernels.theta, kernels.backward_weights, kernels.plan, self.forward.stack

    def _over(self, work: float, function: Callable[..., Any], *arguments: Any) -> None:
        over(panel_count(self.forward.samples, self.dtype), work, function, *arguments)

    def chain(self, l: int) -> Array:
        """B^l = ∂a^L/∂b^l [m, n, n_l], l = 1 … L (paper §3.1, eq. 7)."""
        network, m, n = self.network, self.forward.samples, self.network.widths[-1]
        l = checks.layer_index(l, 1, network.depth)
        kernels = network.kernels
        out = np.zeros((m, n, network.widths[l]), self.dtype)
        if l == network.depth:
            out[:, range(n), range(n)] = self.forward.gamma(l)  # eq. 7, l = L
        else:
            over(panel_count(m, self.dtype), out.size, read_chain, kernels.theta, kernels.plan, l, self._passes.chains,
                 out.reshape(m * n, network.widths[l]))
        return out

    def wrt_weight(self, l: int) -> Array:
        """∂a^L/∂W^l = B^l ⊗ a^{l−1} [m n, n_l, n_{l−1}], l = 1 … L (eq. 8 and 19)."""
        l = checks.layer_index(l, 1, self.network.depth)
        tensor = self.chain(l)[:, :, :, None] * self.forward.a(l - 1)[:, None, None, :]  # eq. 8
        return tensor.reshape(self.shape[0], *tensor.shape[2:])

    def wrt_bias(self, l: int) -> Array:
        """∂a^L/∂b^l = B^l [m n, n_l], l = 1 … L (eq. 7 and 19)."""
        l = checks.layer_index(l, 1, self.network.depth)
        return self.chain(l).reshape(self.shape[0], self.network.widths[l])

    def wrt_input(self) -> Array:
        """∂a^L/∂x = B^1 W^1 [m, n, n_0]."""
        m, n, inputs = self.forward.samples, self.network.widths[-1], self.network.widths[0]
        out = np.empty((m, n, inputs), self.dtype)
        self._over(out.size * self.network.widths[1], input_jacobian, *self._kernel_arguments, self._passes.chains,
                   out.reshape(m * n, inputs))
        return out

    def dense(self, out: NDArray[Any] | None = None) -> Array:
        """J [m n, P], every number of it.

        Parameters
        ----------
        out : ndarray or numpy.memmap [m n, P], optional
            Filled and returned; C-contiguous, of the network's dtype. Fresh memory costs about as much as the work itself. Many
            samples go forward piece by piece, so that a memmap is filled in bounded memory.

        Raises
        ------
        MemoryError
            Where J does not fit in the memory available; it says how many bytes are wanted, before anything is allocated.
        """
        fresh = out is None
        out, rows = operator_checks.output_array(out, self.shape, self.dtype, self.X, self.network.kernels.theta)
        prepare_dense(self.network, len(self.X), self._narrow)
        # fresh pages lie in the cache where the system zeroed them: past it 0.75 of a fill of fresh memory, into it 0.9
        self._fill_in_pieces(rows, not fresh and rows.nbytes > STREAMED)
        return out

    def _fill_in_pieces(self, rows: Array, streaming: bool) -> None:
        """Fill rows [m n, P] with J piece by piece. Each piece's forward pass is dropped afterwards, unless that of all samples
        exists."""
        n, m = self.network.widths[-1], len(self.X)
        piece = max(1, PIECE // (n * self.network.size * self.dtype.itemsize))
        if self._passes.small or self._passes.forward_made or piece >= m:
            self._fill(rows, streaming)
            return
        for first in range(0, m, piece):
            X = self.X[first:first + piece]
            Jacobian._of(self.network, X)._fill(rows[first * n:(first + len(X)) * n], streaming)

    @property
    def _narrow(self) -> bool:
        """Whether rows are made column by column."""
        return max(self.network.widths) <= NARROW[self.dtype.itemsize]

    def _fill(self, rows: Array, streaming: bool) -> None:
        plan = self.network.kernels.plan
        if self._narrow:
            workspaces = thread_workspaces(narrow_size(plan, lanes(self.dtype), self.dtype.itemsize), self.dtype)
            self._over(rows.size, narrow_dense, *self._chain_arguments, rows, workspaces)
            return
        numbers = dense_size(plan, lanes(self.dtype))
        self._over(rows.size, dense, *self._chain_arguments, rows, thread_workspaces(numbers, self.dtype), streaming)

    def slabs(self, max_bytes: int) -> Iterator[tuple[slice, Array]]:
        """J in slabs of whole samples, each of at most `max_bytes` bytes.

        Yields
        ------
        rows : slice of 0 … m n
        slab : ndarray [rows, P], new each time

        Raises
        ------
        MemoryError
            Where `max_bytes` is less than one sample's rows, n P numbers.
        """
        n = self.network.widths[-1]
        step = operator_checks.samples_in(max_bytes, n * self.network.size * self.dtype.itemsize)
        return self._slabs(n, step)

    def _slabs(self, n: int, step: int) -> Iterator[tuple[slice, Array]]:
        for first in range(0, len(self.X), step):
            X = self.X[first:first + step]
            yield slice(first * n, (first + len(X)) * n), Jacobian._of(self.network, X).dense()

    def gram(self, other: Jacobian | None = None, out: NDArray[Any] | None = None) -> Array:
        """J J′ᵀ [m n, m′ n], the empirical neural tangent kernel (Jacot et al. 2018), from the factors.

        Parameters
        ----------
        other : Jacobian, optional
            J′, of the same widths and dtype; its θ may differ. J itself where None; the result is then exactly symmetric.
        out : ndarray [m n, m′ n], optional
            Filled and returned; C-contiguous, of the network's dtype. Fresh memory costs about as much as the work itself.

        Raises
        ------
        MemoryError
            Where the result is larger than the memory available, before any of it is allocated.
        """
        other = self if other is None else operator_checks.same_widths(self, other)
        inputs = (self.X, self.network.kernels.theta, other.X, other.network.kernels.theta)
        out, rows = operator_checks.output_array(out, (self.shape[0], other.shape[0]), self.dtype, *inputs)
        lines, plan = sum(self.network.widths), self.network.kernels.plan
        over(panel_count(self.forward.samples, self.dtype), out.size * lines, gram, plan,
             *self.factors, *other.factors, rows, other is self,
             thread_workspaces(gram_size(plan, lanes(self.dtype)), self.dtype))
        return out

    def row_norms(self) -> Array:
        """The Euclidean norm of every row of J, [m, n]."""
        out = np.empty((self.forward.samples, self.network.widths[-1]), self.dtype)
        self._over(self.shape[0] * self.network.size, row_norms, *self._chain_arguments, out)
        return out

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        network, kernels, m = self.network, self.network.kernels, len(self.X)
        out = np.empty((m, network.widths[-1]), self.dtype)
        if self._passes.take_one_shot():
            wide = lanes(self.dtype)
            workspaces = thread_workspaces(GROUP * wide * kernels.layout.stack_lines + wide**2, self.dtype)
            over(panel_count(m, self.dtype), 3 * m * network.size, streamed_product, kernels.theta, kernels.plan,
                 self.X, NO_INDICES, v, out, workspaces)
        else:
            self._over(2 * m * network.size, product, *self._kernel_arguments, v, out)
        return out.reshape(-1)

    def _rmatvec(self, u: Array) -> Array:
        u = checks.direction(u, self.shape[0], self.dtype, "u").reshape(len(self.X), self.network.widths[-1])
        if self._passes.take_one_shot():
            return streamed_transposed_product(self.network, self.X[:], u)
        return transposed_product(self.network, self.forward.stack, u)

    def _matmat(self, V: Array) -> Array:
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1, out=self._columns(0, V))

    def _rmatmat(self, U: Array) -> Array:
        return np.stack([self._rmatvec(U[:, k]) for k in range(U.shape[1])], axis=1, out=self._columns(1, U))

    def _columns(self, side: int, V: Array) -> Array:
        return np.empty((self.shape[side], V.shape[1]), self.dtype)


def jacobian_of_checked(network: Network, X: Array) -> Jacobian:
    """The Jacobian of X that was checked before, without a copy of it; whoever asks for its forward pass at once needs none."""
    return Jacobian._of(network, X)
