"""D_θ φ̃, the gradients of single samples' losses as rows, kept in rank-one factors (eq. 8, 13 and 17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..backward import transposed_product
from ..cost import Cost
from ..forward import ForwardPass, lanes, panel_count
from ..kernels.per_sample import gradient_gram, gradient_norms, gradient_rows, sample_deltas
from ..kernels.tangents import product
from ..network import Network
from ..pool import over
from ..typing import Array
from . import checks as operator_checks
from .curvature_checks import samples_and_targets
from .real_operator import RealOperator


class LossJacobian(RealOperator):
    """D_θ φ̃ = D_A φ̃ · D_θ A of shape (m, P): row k is ∇_θ L_k, the gradient of sample k's own loss (paper §4–5, eq. 13 and 17).

    No row is scaled: not by ∇φ, not by 1/m, whatever the cost's reduction; ∇φ · D_θ φ̃ is D_θ C (eq. 20). A row is given by
    the pairs (δ^l, a^{l−1}), δ^l = ∇L(a^L) B^l, Σ_l (n_l + n_{l−1}) numbers in place of P; products, norms, Gram matrices and
    clipped sums are computed from those, by one pass forward and one back. A SciPy LinearOperator: `svds`, `lsmr` work.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like
        As the loss wants it.
    cost : Cost
        Its loss; the reduction plays no part, except that its per-sample data must fit m, and neither does a penalty, which is
        no sample's: D_θ C has its gradient on top.

    Attributes
    ----------
    losses : ndarray [m]
        φ̃(A).

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other.

    See Also
    --------
    engine.per_sample_gradients : Its rows as an array.
    engine.Jacobian : The derivatives of the outputs.
    empirical_fisher : Σ_k (∇φ)_k of the outer products of its rows.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import LossJacobian
    >>> network = Network((1, 1), ("identity",), np.array([2.0, 0.0]))
    >>> G = LossJacobian(network, np.array([[1.0], [2.0]]), np.zeros((2, 1)), Cost("squared_error"))
    >>> G.dense()
    array([[2., 2.],
           [8., 4.]])
    >>> G.T @ np.ones(2)
    array([10.,  6.])
    """

    def __init__(self, network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> None:
        X, targets = samples_and_targets(network, X, y, cost)
        self.network = network
        self.forward = ForwardPass(network, X)
        self.losses, self._output_gradients = cost.losses_and_gradients(self.forward.outputs, targets)
        self._kept: Array | None = None
        super().__init__(network.dtype, (len(X), network.size))

    def _over(self, work: float, function: Callable[..., Any], *arguments: Any) -> None:
        over(panel_count(self.shape[0], self.dtype), work, function, *arguments)

    def _deltas(self) -> Array:
        """δ^l of every sample, panel by panel."""
        if self._kept is None:
            network, kernels, wide, m = self.network, self.network.kernels, lanes(self.dtype), self.shape[0]
            delta = np.empty(panel_count(m, self.dtype) * wide * sum(network.widths[1:]) + wide * wide, self.dtype)
            self._over(m * kernels.layout.sample_work, sample_deltas, kernels.theta, kernels.backward_weights,
                       kernels.plan, self.forward.stack, self._output_gradients, delta)
            self._kept = delta
        return self._kept

    @property
    def _factors(self) -> tuple[Any, ...]:
        return self.network.kernels.plan, self.forward.stack, self._deltas()

    def dense(self, out: NDArray[Any] | None = None) -> Array:
        """D_θ φ̃ [m, P], every number of it.

        Parameters
        ----------
        out : ndarray or numpy.memmap [m, P], optional
            Filled and returned; C-contiguous, of the network's dtype.

        Raises
        ------
        MemoryError
            Where it does not fit in the memory available, before anything is allocated.
        """
        out, rows = operator_checks.output_array(out, self.shape, self.dtype, self.forward.X, self.network.kernels.theta)
        self._over(rows.size, gradient_rows, *self._factors, rows)
        return out

    def row_norms(self) -> Array:
        """‖∇_θ L_k‖ [m], ‖·‖² = Σ_l ‖δ^l‖² (‖a^{l−1}‖² + 1) (Goodfellow 2015, arXiv 1510.01799)."""
        norms = np.empty(self.shape[0], self.dtype)
        self._over(2 * norms.size * sum(self.network.widths), gradient_norms, *self._factors, norms)
        return norms

    def gram(self, other: LossJacobian | None = None) -> Array:
        """G G′ᵀ [m, m′], the inner products of samples' gradients, from the factors.

        Parameters
        ----------
        other : LossJacobian, optional
            G′, of the same widths and dtype, whose θ and loss may differ; G itself where None. G Gᵀ is exactly symmetric.

        Returns
        -------
        ndarray [m, m′]
            The Gramian from which multi-objective methods find weights w [m] (Quinton & Rey 2024, arXiv 2406.16232; Désidéri 2012);
            the direction Gᵀ w that they mean is ``G.T @ w``.
        """
        other = self if other is None else operator_checks.same_widths(self, other)
        out = np.empty((self.shape[0], other.shape[0]), self.dtype)
        self._over(2 * out.size * sum(self.network.widths), gradient_gram, *self._factors, *other._factors[1:], out, other is self)
        return out

    def clipped_sum(self, clip_norm: float, weights: ArrayLike | None = None) -> Array:
        """Σ_k w_k min(1, c / ‖∇_θ L_k‖) ∇_θ L_k [P], no sample's gradient longer than c (Abadi et al. 2016), without the rows.

        Parameters
        ----------
        clip_norm : float
            c > 0; infinity leaves every gradient as it is.
        weights : array_like [m], optional
            w, ones where None; the mean's are 1/m.
        """
        clip_norm = operator_checks.clip_norm(clip_norm)
        m = self.shape[0]
        weights = np.ones(m, self.dtype) if weights is None else checks.vector(weights, m, self.dtype, "weights",
                                                                             "one number for each sample")
        norms = self.row_norms()
        far = norms > clip_norm
        factors = weights.copy()
        factors[far] *= (clip_norm / norms[far]).astype(self.dtype)
        return self.T @ factors

    def _matvec(self, v: Array) -> Array:
        v, kernels = checks.direction(v, self.shape[1], self.dtype), self.network.kernels
        tangents = np.empty_like(self._output_gradients)
        self._over(2 * self.shape[0] * self.shape[1], product, kernels.theta, kernels.plan, self.forward.stack, v,
                   tangents)
        total = np.zeros(self.shape[0], self.dtype)
        for i in range(tangents.shape[1]):
            total += self._output_gradients[:, i] * tangents[:, i]  # eq. 17
        return total

    def _rmatvec(self, u: Array) -> Array:
        u = checks.direction(u, self.shape[0], self.dtype, "u")
        return transposed_product(self.network, self.forward.stack, u[:, None] * self._output_gradients)  # eq. 20

    def _matmat(self, V: Array) -> Array:
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1)

    def _rmatmat(self, U: Array) -> Array:
        return np.stack([self._rmatvec(U[:, k]) for k in range(U.shape[1])], axis=1)
