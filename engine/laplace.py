"""Laplace's approximation of the posterior of θ, and what the linearised network predicts under it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import checks, object_checks
from .cost import Cost
from .network import Network
from .operators.gaussian_posterior import GaussianPosterior, in_float64
from .operators.jacobian import Jacobian
from .operators.output_hessian import curvature_factor
from .typing import Array


class LaplacePosterior:
    """N(θ, (Jᵀ H J + τ I)⁻¹), from factors of P × P or of m n × m n numbers, in float64; made by `laplace`."""

    def __init__(self, network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, prior_precision: float, last_layer: bool) -> None:
        object_checks.network(network, Network)
        object_checks.cost(cost, Cost)
        X = checks.samples(X, network.widths[0], network.dtype)
        targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
        self.network, self.prior_precision = network, checks.positive(prior_precision, "prior_precision")
        self._whole = in_float64(network)
        self._top = _last_layer(self._whole) if last_layer else self._whole
        train = self._jacobian(X)
        roots, _ = curvature_factor(cost, train.forward.outputs, targets.astype(np.float64))
        self._posterior = GaussianPosterior(train, roots, self.prior_precision, None, network.dtype)
        if self.prior_precision < self._posterior.least:
            raise np.linalg.LinAlgError(f"at prior_precision {self.prior_precision:g} the posterior's precision is singular to "
                                        f"within rounding; take a larger prior_precision, at least {self._posterior.least:.1e}")

    def __repr__(self) -> str:
        return f"LaplacePosterior({self.network!r}, prior_precision = {self.prior_precision!r})"

    def _jacobian(self, X: Array) -> Jacobian:
        """J of the parameters that are uncertain, in float64."""
        X = X.astype(np.float64, copy=False)
        if self._top is not self._whole and self._whole.depth > 1:
            X = self._whole.forward(X).a(self._whole.depth - 1)
        return Jacobian(self._top, X)

    def predict(self, X: ArrayLike, *, joint: bool = False) -> tuple[Array, Array]:
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
            J* (Jᵀ H J + τ I)⁻¹ J*ᵀ: of a^L, without the noise of a new observation. Symmetric, and positive semi-definite to
            rounding of itself; computed in float64 and rounded to the network's dtype once.
        """
        X = checks.samples(X, self.network.widths[0], self.network.dtype)
        J = self._jacobian(X)
        return self.network(X), self._posterior.joint_covariance(J) if joint else self._posterior.covariances(J)


def _last_layer(network: Network) -> Network:
    """Layer L as a network of its own, from a^{L−1}."""
    L = network.depth
    theta = np.concatenate([network.weight(L).reshape(-1), network.bias(L)])
    return Network(network.widths[-2:], network.activations[-1:], theta)


def laplace(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, prior_precision: float = 1.0,
            last_layer: bool = False) -> LaplacePosterior:
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
        Where τ is so small that the precision is singular to within rounding of float64; it names the least τ.

    See Also
    --------
    engine.operators.ggn : The curvature that it adds to the prior.
    engine.operators.ntk_predict : A Gaussian process with the tangent kernel.
    influence_on_predictions : Which training samples moved a prediction.

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
