"""J = D_θ A, held in rank-one factors (eq. 7–10 and 19)."""

from typing import Any

import numpy as np

from .. import checks, object_checks
from ..backward import by_rows, streamed_transposed_product, transposed_product
from ..forward import ForwardPass, lanes, panel_count
from ..kernels.chain import chains, chains_numbers
from ..kernels.gram import gram, gram_numbers
from ..kernels.jacobian import dense, dense_numbers, input_jacobian, read_chain, row_norms
from ..kernels.layout import GROUP
from ..kernels.narrow import narrow_dense, narrow_numbers
from ..kernels.tangents import product, streamed_product
from ..network import NO_INDICES, Network
from ..recycled import recycled
from ..rows import samples
from ..runtime import over, workspace
from . import checks as operator_checks
from .real_operator import RealOperator

STREAMED = 1 << 25  # bytes of J from which on it is written past the cache: 17970 x 6570 f64, three times as fast
NARROW = {8: 16, 4: 12}  # by bytes of a number, the widest layer up to which rows are made column by column: 2-2-1 63 to 10 ns
CHAINS_STREAMED, ROOM = 12 << 20, 32 << 10  # and of all chains, where those of some panels fit ROOM: 30 MB f64, 2.7 down to 1.9 us

KEPT = 1 << 26  # bytes of a forward pass that is made when J is
PIECE = 2 * KEPT  # bytes of J whose samples are forward at a time


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

    _X: Any
    _passed: ForwardPass | None
    _chain: np.ndarray | None
    _small: bool

    def __init__(self, network, X):
        object_checks.network(network, Network)
        self._begin(network, samples(X, network.widths[0], network.dtype))
        if self._small and self._passed is None:  # the caller's, who may write to it
            self._X = self._X.copy()

    @classmethod
    def _of(cls, network, X):
        """The same of checked X."""
        made = cls.__new__(cls)
        made._begin(network, X)
        return made

    def _begin(self, network, X):
        self.network, self._X, self._passed, self._chain = network, X, None, None
        super().__init__(network.dtype, (len(X) * network.widths[-1], network.size))
        in_memory = isinstance(X, np.ndarray)
        self._small = in_memory and len(X) * network.kernels.layout.stack_lines * self.dtype.itemsize <= KEPT
        self._streaming = in_memory and len(X) > 0 and network.kernels.built_in and not by_rows(network, len(X))
        if self._small and not self._streaming:
            self._passed = ForwardPass._of(network, X)

    def _take_first(self):
        """Whether a product is to go forward by itself and keep nothing: the first, where nothing else has needed the stacks."""
        first, self._streaming = self._streaming and self._passed is None, False
        return first

    @property
    def forward(self):
        """The ForwardPass of all samples; of many it is made when something first needs it, which `dense` and `slabs` do not."""
        if self._passed is None:
            self._passed = ForwardPass._of(self.network, self._X[:])
        return self._passed

    @property
    def _kernel_arguments(self):
        kernels = self.network.kernels
        return kernels.theta, kernels.plan, self.forward._stack

    @property
    def _chain_arguments(self):
        kernels = self.network.kernels
        return kernels.theta, kernels.backward_weights, kernels.plan, self.forward._stack

    def _over(self, work, function, *arguments):
        over(panel_count(self.forward.samples, self.dtype), work, function, *arguments)

    def _chains(self):
        if self._chain is None:
            m, n, layout = self.forward.samples, self.network.widths[-1], self.network.kernels.layout
            lines = panel_count(m, self.dtype) * n * layout.chain_lines
            chain = recycled(lines * lanes(self.dtype), self.dtype)
            room = chains_numbers(layout.plan, lanes(self.dtype), self.dtype.itemsize)
            streaming = chain.nbytes > CHAINS_STREAMED and room * self.dtype.itemsize <= ROOM
            self._over(m * n * self.network.size, chains, *self._chain_arguments, chain,
                       workspace(room if streaming else 0, self.dtype), streaming)
            self._chain = chain
        return self._chain

    def chain(self, l):
        """B^l = ∂a^L/∂b^l [m, n, n_l], l = 1 … L (paper §3.1, eq. 7)."""
        network, m, n = self.network, self.forward.samples, self.network.widths[-1]
        l = checks.layer_index(l, 1, network.depth)
        kernels = network.kernels
        out = np.zeros((m, n, network.widths[l]), self.dtype)
        if l == network.depth:
            out[:, range(n), range(n)] = self.forward.gamma(l)  # eq. 7, l = L
        else:
            over(panel_count(m, self.dtype), out.size, read_chain, kernels.theta, kernels.plan, l, self._chains(),
                 out.reshape(m * n, network.widths[l]))
        return out

    def wrt_weight(self, l):
        """∂a^L/∂W^l = B^l ⊗ a^{l−1} [m n, n_l, n_{l−1}], l = 1 … L (eq. 8 and 19)."""
        l = checks.layer_index(l, 1, self.network.depth)
        tensor = self.chain(l)[:, :, :, None] * self.forward.a(l - 1)[:, None, None, :]  # eq. 8
        return tensor.reshape(self.shape[0], *tensor.shape[2:])

    def wrt_bias(self, l):
        """∂a^L/∂b^l = B^l [m n, n_l], l = 1 … L (eq. 7 and 19)."""
        l = checks.layer_index(l, 1, self.network.depth)
        return self.chain(l).reshape(self.shape[0], self.network.widths[l])

    def wrt_input(self):
        """∂a^L/∂x = B^1 W^1 [m, n, n_0]."""
        m, n, inputs = self.forward.samples, self.network.widths[-1], self.network.widths[0]
        out = np.empty((m, n, inputs), self.dtype)
        self._over(out.size * self.network.widths[1], input_jacobian, *self._kernel_arguments, self._chains(),
                   out.reshape(m * n, inputs))
        return out

    def dense(self, out=None):
        """J [m n, P], every number of it.

        Parameters
        ----------
        out : ndarray or numpy.memmap [m n, P], optional
            Filled and returned; C-contiguous, of the network's dtype. Fresh memory costs about as much as the work itself. Of many
            samples some are forward at a time, so that a memmap is filled in bounded memory.

        Raises
        ------
        MemoryError
            Where J does not fit in the memory available; it says how many bytes are wanted, before anything is allocated.
        """
        fresh = out is None
        out, rows = operator_checks.output_array(out, self.shape, self.dtype, self._X, self.network.kernels.theta)
        # fresh pages lie in the cache where the system zeroed them: past it 0.75 of a fill of fresh memory, into it 0.9
        self._fill_in_pieces(rows, not fresh and rows.nbytes > STREAMED)
        return out

    def _fill_in_pieces(self, rows, streaming):
        """J into rows [m n, P], each piece's forward pass made and dropped, unless all of it is there or one piece is enough."""
        n, m = self.network.widths[-1], len(self._X)
        piece = max(1, PIECE // (n * self.network.size * self.dtype.itemsize))
        if self._small or self._passed is not None or piece >= m:
            self._fill(rows, streaming)
            return
        for first in range(0, m, piece):
            X = self._X[first:first + piece]
            Jacobian._of(self.network, X)._fill(rows[first * n:(first + len(X)) * n], streaming)

    def _fill(self, rows, streaming):
        plan = self.network.kernels.plan
        if max(self.network.widths) <= NARROW[self.dtype.itemsize]:
            room = workspace(narrow_numbers(plan, lanes(self.dtype), self.dtype.itemsize), self.dtype)
            self._over(rows.size, narrow_dense, *self._chain_arguments, rows, room)
            return
        numbers = dense_numbers(plan, lanes(self.dtype))
        self._over(rows.size, dense, *self._chain_arguments, rows, workspace(numbers, self.dtype), streaming)

    def slabs(self, max_bytes):
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

    def _slabs(self, n, step):
        for first in range(0, len(self._X), step):
            X = self._X[first:first + step]
            yield slice(first * n, (first + len(X)) * n), Jacobian._of(self.network, X).dense()

    def gram(self, other=None, out=None):
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
        inputs = (self._X, self.network.kernels.theta, other._X, other.network.kernels.theta)
        out, rows = operator_checks.output_array(out, (self.shape[0], other.shape[0]), self.dtype, *inputs)
        lines, plan = sum(self.network.widths), self.network.kernels.plan
        over(panel_count(self.forward.samples, self.dtype), out.size * lines, gram, plan,
             self.forward._stack, self._chains(), other.forward._stack, other._chains(), rows, other is self,
             workspace(gram_numbers(plan, lanes(self.dtype)), self.dtype))
        return out

    def row_norms(self):
        """The Euclidean norm of every row of J, [m, n]."""
        out = np.empty((self.forward.samples, self.network.widths[-1]), self.dtype)
        self._over(self.shape[0] * self.network.size, row_norms, *self._chain_arguments, out)
        return out

    def _matvec(self, v):
        v = checks.direction(v, self.shape[1], self.dtype)
        network, kernels, m = self.network, self.network.kernels, len(self._X)
        out = np.empty((m, network.widths[-1]), self.dtype)
        if self._take_first():
            room = workspace(GROUP * lanes(self.dtype) * kernels.layout.stack_lines + lanes(self.dtype)**2, self.dtype)
            over(panel_count(m, self.dtype), 3 * m * network.size, streamed_product, kernels.theta, kernels.plan,
                 self._X, NO_INDICES, v, out, room)
        else:
            self._over(2 * m * network.size, product, *self._kernel_arguments, v, out)
        return out.reshape(-1)

    def _rmatvec(self, u):
        u = checks.direction(u, self.shape[0], self.dtype, "u").reshape(len(self._X), self.network.widths[-1])
        if self._take_first():
            return streamed_transposed_product(self.network, self._X, u)
        return transposed_product(self.network, self.forward._stack, u)

    def _matmat(self, V):
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1, out=self._columns(0, V))

    def _rmatmat(self, U):
        return np.stack([self._rmatvec(U[:, k]) for k in range(U.shape[1])], axis=1, out=self._columns(1, U))

    def _columns(self, side, V):
        return np.empty((self.shape[side], V.shape[1]), self.dtype)
