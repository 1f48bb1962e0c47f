"""The empirical neural tangent kernel J J′ᵀ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, object_checks
from ..forward import panel_count
from ..kernels.ntk import output_kernels
from ..kernels.sums import tree_sum
from ..network import Network
from ..pool import over
from ..typing import Array
from . import checks as operator_checks
from . import kernel_slabs, layered_kernel
from .real_operator import RealOperator
from .scaled_jacobian import jacobian_in_scale


class NeuralTangentKernel(RealOperator):
    """J S² J′ᵀ of shape (m n, m′ n), rows and columns sample by sample; S the identity where there is no scale. Made by `ntk`."""

    def __init__(self, network: Network, X: ArrayLike, X2: ArrayLike | None = None, scale: Array | None = None) -> None:
        self.network, self._scale = network, scale
        self._left = self._right = jacobian_in_scale(network, X, scale)
        if X2 is not None:
            self._right = jacobian_in_scale(network, checks.samples(X2, network.widths[0], network.dtype, "X2"), scale)
        super().__init__(network.dtype, (self._left.shape[0], self._right.shape[0]))

    def __repr__(self) -> str:
        n = self.network.widths[-1]
        return f"NeuralTangentKernel(m = {self.shape[0] // n}, m′ = {self.shape[1] // n}, n = {n}, {self.dtype})"

    def _matvec(self, v: Array) -> Array:
        return self._left._matvec(self._right._rmatvec(v))

    def _rmatvec(self, u: Array) -> Array:
        return self._right._matvec(self._left._rmatvec(u))

    def _matmat(self, V: Array) -> Array:
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1)

    def _rmatmat(self, U: Array) -> Array:
        return np.stack([self._rmatvec(U[:, k]) for k in range(U.shape[1])], axis=1)

    def dense(self, *, max_bytes: int | None = None, out: NDArray[Any] | None = None) -> Array:
        """Every entry [m n, m′ n]. Exactly symmetric where there is one X.

        Parameters
        ----------
        max_bytes : int, optional
            The most memory for what is computed on the way, beside the kernel itself: it is then filled block by block, from the
            factors of two slabs of samples at a time, with the same bits. Where None, the factors of all samples are kept.
        out : ndarray or numpy.memmap [m n, m′ n], optional
            Filled and returned; C-contiguous, of the network's dtype.

        Raises
        ------
        MemoryError
            Where the kernel is larger than the memory available, or `max_bytes` does not hold the smallest slabs; it says what
            does.
        """
        if max_bytes is None:
            return self._left.gram(self._right, out)
        return kernel_slabs.dense_in_slabs(self._left, self._right, max_bytes, out)

    def sample_blocks(self) -> Array:
        """[m, n, n]: the kernel of each sample with itself, dense()[k n + i, k n + i′], of a kernel of one X, and nothing else."""
        operator_checks.square_kernel(self._left is self._right)
        return kernel_slabs.sample_blocks(self._left)

    def per_output(self) -> Array:
        """[n, m, m′]: the kernel of each output with itself, dense()[k n + i, k′ n + i]."""
        return self._tables(self.network.widths[-1])

    def contracted(self) -> Array:
        """[m, m′]: the sum over outputs i of dense()[k n + i, k′ n + i], not divided by n."""
        return self._tables(1)[0]

    def _tables(self, tables: int) -> Array:
        if self._scale is not None:
            return layered_kernel.tables(self._left, self._right, tables)
        network, m, others = self.network, self._left.forward.samples, self._right.forward.samples
        out = np.empty((tables, m, others), self.dtype)
        work = m * others * network.widths[-1] * sum(network.widths)
        over(panel_count(m, self.dtype), work, output_kernels, network.kernels.plan, *self._left.factors,
             *self._right.factors, out, self._right is self._left)
        return out

    def diagonal(self) -> Array:
        """The diagonal [m n], of a kernel of one X."""
        operator_checks.square_kernel(self._left is self._right)
        return self._left.row_norms().reshape(-1)**2

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number: that of all squares of J."""
        return tree_sum(self.diagonal())


def ntk(network: Network, X: ArrayLike, X2: ArrayLike | None = None, *, scale: ArrayLike | None = None) -> NeuralTangentKernel:
    """The empirical neural tangent kernel D_θ A · D_θ A′ᵀ (Jacot et al. 2018, arXiv 1806.07572), from the factors of J.

    Entry (k n + i, k′ n + i′) is the inner product of the gradients of output i at x_k and of output i′ at x′_{k′}, over all of θ,
    biases included; nothing divides it, neither n nor the widths. Its eigenvalues are the squared singular values of J.

    With a scale S for each parameter it is J S² J′ᵀ, the kernel of the network as a function of ω, θ = S ω: `ntk_scale` gives that
    of the NTK parametrisation. A scale of 0 leaves a parameter out.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
    X2 : array_like [m′, n_0], optional
        X where None.
    scale : array_like [P], optional
        S, in θ's order; ones where None. One number for the weights and one for the biases of each layer is computed from factors;
        any other scale forms J for what is dense.

    Returns
    -------
    NeuralTangentKernel
        A LinearOperator (m n, m′ n): products never form it. `.dense()` [m n, m′ n], in bounded memory with `max_bytes`;
        `.per_output()` [n, m, m′], `.contracted()` [m, m′]; of one X also `.sample_blocks()` [m, n, n], `.diagonal()` and
        `.trace()`.

    Raises
    ------
    ValueError, TypeError
        Where X, X2 or the scale do not fit the network.

    See Also
    --------
    ntk_predict : Predictions of the linearised network.
    ntk_scale : The scale of the NTK parametrisation.
    engine.Jacobian.gram : The same of two networks.
    leading_eigenvalues : The largest eigenvalues.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> from engine.operators import ntk
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> ntk(network, np.array([[1.0], [3.0]])).dense()
    array([[ 2.,  4.],
           [ 4., 10.]])
    """
    object_checks.network(network, Network)
    return NeuralTangentKernel(network, X, X2, operator_checks.parameter_scale(scale, network.size, network.dtype))
