"""∂r/∂θ, the Jacobian of residuals of a network's derivatives in its inputs (eq. 22–25)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks, object_checks
from ..cost import Cost
from ..jets.point_sets import point_sets
from ..jets.residual_pass import ResidualPass
from ..jets.unknowns import with_unknowns
from ..network import Network
from ..row_squares import mirrored, square_of_rows
from ..rows import samples_and_targets
from ..typing import Array
from . import checks as operator_checks
from .curvature_checks import residual_loss
from .real_operator import RealOperator


class ResidualJacobian(RealOperator):
    """J = ∂r/∂θ of shape (m q, P): row k q + e is the derivative of residual e of point k, from one pass forward and one back.

    ∂r/∂W^l = Σ_k z̄^l_k ⊗ a^{l−1}_k and ∂r/∂b^l = z̄^l_0 over the components k of the network's jet (eq. 25). No row is scaled, not
    even by the weight of its set: M = √∇φ J is what Gauss–Newton steps are made of. Where the residuals of a set are fewer than q,
    its points have rows of zeros. Nothing of J is kept: a product goes forward and back once more. A SciPy LinearOperator.

    Parameters
    ----------
    network : Network
        Of built-in activations that have the derivatives which the residuals read.
    X : array_like [m, n_0]
        Points, m ≥ 1.
    y : array_like
        The number of each point's set [m], as `engine.collocation` gives it, or the targets of `losses.sobolev`.
    cost : Cost
        Of residuals; its reduction and its penalty play no part.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network or each other, where the cost is none of residuals, or where an activation has not the
        derivatives that they read.

    See Also
    --------
    engine.collocation : Makes X, y and the cost.
    engine.objective : The same as a function of θ, weighted, for `scipy.optimize.least_squares`.
    engine.Jacobian : The derivatives of the outputs themselves.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network, Residual, collocation
    >>> from engine.operators import ResidualJacobian
    >>> decay = Residual(lambda x, u: u.d(0) + u.value)
    >>> X, y, cost = collocation((np.array([[0.0], [1.0]]), decay))
    >>> J = ResidualJacobian(Network((1, 1), ("identity",), np.array([2.0, 1.0])), X, y, cost)
    >>> J.residuals
    array([[3.],
           [5.]])
    >>> J.dense()
    array([[1., 1.],
           [2., 1.]])
    """

    def __init__(self, network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> None:
        object_checks.network(network, Network, unknowns=True)
        residual_loss(object_checks.cost(cost, Cost, penalised=True, residuals=True).loss)
        network = with_unknowns(network, cost)
        X, targets = samples_and_targets(X, y, network.widths, network.dtype, Cost(cost.loss), bounded=False)
        self.network = network
        self._pass = ResidualPass(network, point_sets(cost, X, targets, network))
        super().__init__(network.dtype, self._pass.shape)

    @property
    def residuals(self) -> Array:
        """r [m, q]."""
        return self._pass.residuals

    def dense(self, out: NDArray[np.floating] | None = None) -> Array:
        """J [m q, P], every number of it.

        Parameters
        ----------
        out : ndarray or numpy.memmap [m q, P], optional
            Filled and returned; C-contiguous, of the network's dtype.

        Raises
        ------
        MemoryError
            Where it does not fit in the memory available, before anything is allocated.
        """
        out, rows = operator_checks.output_array(out, self.shape, self.dtype, self.network.kernels.theta)
        self._pass.dense(rows)
        return out

    def gram(self) -> Array:
        """J Jᵀ [m q, m q], exactly symmetric, from the rows of J."""
        return mirrored(square_of_rows(self.dense()))

    def row_norms(self) -> Array:
        """The norm of each row [m, q], from rows of a slab of points at a time."""
        (m, q), at_once = self.residuals.shape, self._pass.at_once
        norms = np.empty((m, q), self.dtype)
        for first in range(0, m, at_once):
            rows = self._pass.restricted(first, min(at_once, m - first)).dense()
            norms[first:first + at_once] = np.sqrt(np.einsum("ij,ij->i", rows, rows)).reshape(-1, q)
        return norms

    def _matvec(self, v: Array) -> Array:
        return self._pass.product(checks.direction(v, self.shape[1], self.dtype)).reshape(-1)

    def _rmatvec(self, u: Array) -> Array:
        u = checks.direction(u, self.shape[0], self.dtype, "u")
        return self._pass.transposed_product(u.reshape(self.residuals.shape))

    def _matmat(self, V: Array) -> Array:
        return np.stack([self._matvec(V[:, k]) for k in range(V.shape[1])], axis=1)

    def _rmatmat(self, U: Array) -> Array:
        return np.stack([self._rmatvec(U[:, k]) for k in range(U.shape[1])], axis=1)
