"""Laplace's approximation of the posterior of θ, and what the linearised network predicts under it."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from . import checks
from .network import Network
from .operators.jacobian import Jacobian
from .operators.output_hessian import output_hessians, square_roots

SLAB = 1 << 26  # bytes of rows of J that are held at once


class LaplacePosterior:
    """N(θ, (Jᵀ H J + τ I)⁻¹), by a Cholesky factor of P × P or of m n × m n numbers, whichever is smaller; made by `laplace`."""

    def __init__(self, network, X, y, cost, prior_precision, last_layer):
        X = checks.samples(X, network.widths[0], network.dtype)
        targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
        self.network, self.prior_precision = network, network.dtype.type(checks.positive(prior_precision, "prior_precision"))
        self._top = _last_layer(network) if last_layer else network
        self._last_layer = last_layer
        self._train = self._jacobian(X)
        H, _ = output_hessians(cost, self._train.forward.outputs, targets)
        self._roots = square_roots(H)
        self._primal = self._top.size <= self._train.shape[0]
        self._lower = self._factor(self._precision() if self._primal else self._dual())

    def _jacobian(self, X):
        """J of the parameters that are uncertain."""
        if self._last_layer and self.network.depth > 1:
            X = self.network.forward(X).a(self.network.depth - 1)
        return Jacobian(self._top, X)

    def _factor(self, matrix):
        """Its lower Cholesky factor."""
        try:
            return cholesky(matrix, lower=True)
        except np.linalg.LinAlgError:
            raise np.linalg.LinAlgError(f"at prior_precision {self.prior_precision:g} the posterior's precision is singular to "
                                        f"within rounding of {matrix.dtype}; take a larger prior_precision, or float64") from None

    def _scaled(self, rows, roots):
        """S_kᵀ J_k of some samples [samples n, .]."""
        samples, n, _ = roots.shape
        return (roots.transpose(0, 2, 1) @ rows.reshape(samples, n, -1)).reshape(samples * n, -1)

    def _precision(self):
        """Jᵀ H J + τ I [P, P]."""
        P, n = self._top.size, self.network.widths[-1]
        total = self.prior_precision * np.eye(P, dtype=self.network.dtype)
        for rows, slab in self._train.slabs(max(SLAB, n * P * total.itemsize)):
            scaled = self._scaled(slab, self._roots[rows.start // n:rows.stop // n])
            total += scaled.T @ scaled
        return total

    def _dual(self):
        """Sᵀ J Jᵀ S + τ I [m n, m n]."""
        half = self._scaled(self._train.gram(), self._roots)
        K = self._scaled(half.T.copy(), self._roots)
        return (K + K.T) / 2 + self.prior_precision * np.eye(len(K), dtype=K.dtype)

    def predict(self, X, *, joint=False):
        """The linearised network's predictions f(x*) + J(x*) (θ′ − θ), θ′ from the posterior (Immer et al. 2021, arXiv 2008.08216).

        Parameters
        ----------
        X : array_like [m′, n_0]
        joint : bool
            Whether to give the covariance of all samples together.

        Returns
        -------
        mean : ndarray [m′, n]
            a^L.
        covariance : ndarray [m′, n, n], or [m′ n, m′ n] where `joint`
            J* (Jᵀ H J + τ I)⁻¹ J*ᵀ: of a^L, without the noise of a new observation. Where P > m n it is a difference of kernels,
            and good to rounding of J* J*ᵀ / τ.
        """
        X = checks.samples(X, self.network.widths[0], self.network.dtype)
        J, n = self._jacobian(X), self.network.widths[-1]
        if joint:
            half = self._half(J, None if not self._primal else J.dense())
            return J.forward.outputs, half.T @ half if self._primal else (J.gram() - half.T @ half) / self.prior_precision
        out = np.empty((len(X), n, n), J.dtype)
        for rows, slab in J.slabs(max(SLAB, n * self._top.size * J.dtype.itemsize)):
            some = slice(rows.start // n, rows.stop // n)
            half = self._half(Jacobian(self._top, J._X[some]), slab).T.reshape(-1, n, len(self._lower))
            out[some] = half @ half.transpose(0, 2, 1)
            if not self._primal:
                slab = slab.reshape(-1, n, self._top.size)
                out[some] = (slab @ slab.transpose(0, 2, 1) - out[some]) / self.prior_precision
        return J.forward.outputs, out

    def _half(self, J, rows):
        """R J*ᵀ, or R SᵀJ J*ᵀ in the dual, with R the inverse of the Cholesky factor."""
        right = rows.T if self._primal else self._scaled(self._train.gram(J), self._roots)
        return solve_triangular(self._lower, right, lower=True)


def _last_layer(network):
    """Layer L as a network of its own, from a^{L−1}."""
    L = network.depth
    theta = np.concatenate([network.weight(L).reshape(-1), network.bias(L)])
    return Network(network.widths[-2:], network.activations[-1:], theta)


def laplace(network, X, y, cost, *, prior_precision=1.0, last_layer=False):
    """Laplace's approximation with the GGN: θ′ ~ N(θ, (Jᵀ H J + τ I)⁻¹) (MacKay 1992; Daxberger et al. 2021, arXiv 2106.14806).

    H has the blocks (∇φ)_k ∇²L_k. It is the posterior under a prior N(0, I/τ) where C is the negative log likelihood: the reduction
    "sum" with squared_error (noise of variance 1; `weighted` by 1/σ² otherwise), softmax_cross_entropy, binary_cross_entropy or
    poisson, and θ minimises C + τ/2 ‖θ‖². Another reduction scales the likelihood as it says: "mean" by 1/m.

    Parameters
    ----------
    network : Network
    X, y : array_like
        The m training samples, as `value_and_gradient` takes them.
    cost : Cost
    prior_precision : float
        τ > 0.
    last_layer : bool
        Whether only W^L and b^L are uncertain.

    Returns
    -------
    LaplacePosterior
        Its `.predict(X, joint=False)` gives mean and covariance of a^L.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other; where a user's own loss has no Hessian.
    numpy.linalg.LinAlgError
        Where τ is so small that the precision is singular to within rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, laplace
    >>> network = Network((1, 1), ("identity",), np.array([1.0, 0.0]))
    >>> posterior = laplace(network, [[0.0], [0.0], [0.0]], [[0.0], [0.0], [0.0]], Cost("squared_error", "sum"))
    >>> mean, covariance = posterior.predict([[2.0]])
    >>> mean, covariance.round(12)
    (array([[2.]]), array([[[4.25]]]))
    """
    return LaplacePosterior(network, X, y, cost, prior_precision, bool(last_layer))
