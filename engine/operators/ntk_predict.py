"""Regression with the neural tangent kernel: the posterior of the linearised network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, cost_checks, object_checks
from ..network import Network
from ..typing import Array
from . import checks as operator_checks
from .gaussian_posterior import PRIMAL, GaussianPosterior, in_float64, slabs_of, triangular_factor
from .jacobian import Jacobian


def least_norm(train: Jacobian, residual: Array) -> tuple[Array, Callable[[Array], Array]]:
    """J⁺ e [P], and a function that gives what (I − J⁺J) leaves of each row of a dense [., P]."""
    eps, P = np.finfo(np.float64).eps, train.shape[1]
    if P <= max(train.shape[0], PRIMAL):
        R = triangular_factor(train, None, residual, 0)
        left, values, right = np.linalg.svd(R[:, :P], full_matrices=False)
        kept = values > values[0] * max(train.shape) * eps
        right = right[kept]
        shift = right.T @ (left[:, kept].T @ R[:, P] / values[kept])

        def reached(rows: Array) -> Array:
            return (rows @ right.T) @ right
    else:
        values, vectors = np.linalg.eigh(train.gram())
        kept = values > values[-1] * len(values) * eps
        values, vectors = values[kept], vectors[:, kept]

        def solve(E: Array) -> Array:
            return vectors @ ((vectors.T @ E).T / values).T

        shift = train.T @ solve(residual)

        def reached(rows: Array) -> Array:
            return (train.T @ solve(train @ rows.T)).T

    def remainder(rows: Array) -> Array:
        for _ in range(2):
            rows = rows - reached(rows)
        return rows
    return shift, remainder


def ntk_predict(network: Network, X: ArrayLike, y: ArrayLike, X_test: ArrayLike, *, noise: float = 0.0) -> tuple[Array, Array]:
    """Predictions of the network linearised about its θ, fitted to (X, y): their posterior mean and variance.

    The model is f(x) + J(x) δ, f the network as it is, with δ ~ N(0, I) on all of θ, and y that plus noise of variance σ² on each
    output: a Gaussian process with the kernel K of `ntk`. Its posterior at x* has

    mean f(x*) + K* (K + σ² I)⁻¹ (y − f(X)) and variance diag(K** − K* (K + σ² I)⁻¹ K*ᵀ), without the noise of a new observation.

    At σ² = 0 with a pseudo-inverse the mean is the limit of gradient flow on the linearised network's squared error from δ = 0
    (Lee et al. 2019, arXiv 1902.06720). All is computed in float64 and rounded to the network's dtype once, so that a float32
    network's kernel holds a noise as small as a float64 one's does; variances are sums of squares, or differences that keep their
    digits. Holds [P, P] numbers where there are at most 1000 parameters or m n, else [m n, m n].

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like [m, n]
        [m] where n = 1.
    X_test : array_like [m′, n_0]
    noise : float
        σ² ≥ 0; 0 is the limit, and what is so small that the kernel cannot hold it is refused.

    Returns
    -------
    mean : ndarray [m′, n]
    variance : ndarray [m′, n]
        At least 0; above 0 where σ² is, unless a row of J is 0.

    Raises
    ------
    ValueError, TypeError
        Where X, y and X_test do not fit the network or each other; where σ² is above 0 but below rounding of K, with the least
        that is not.

    See Also
    --------
    ntk : The kernel.
    engine.laplace : The posterior of any loss, with a prior on θ.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> from engine.operators import ntk_predict
    >>> network = Network((1, 1), ("identity",), np.array([0.0, 0.0]))
    >>> mean, variance = ntk_predict(network, [[0.0], [1.0]], [1.0, 3.0], [[2.0]])
    >>> mean.round(6), variance.round(6)
    (array([[5.]]), array([[0.]]))
    """
    object_checks.network(network, Network)
    dtype, n = network.dtype, network.widths[-1]
    X, X_test = (checks.samples(values, network.widths[0], dtype, name) for values, name in ((X, "X"), (X_test, "X_test")))
    targets = cost_checks.targets(y, (len(X), n), dtype, "values")
    noise = operator_checks.noise(noise)
    whole = in_float64(network)
    train, test = (Jacobian(whole, values.astype(np.float64, copy=False)) for values in (X, X_test))
    residual = targets.astype(np.float64).reshape(-1) - train.forward.outputs.reshape(-1)
    if noise == 0:
        shift, remainder = least_norm(train, residual)
        variance = np.empty(test.shape[0])
        for rows, slab in slabs_of(test):
            variance[rows] = np.sum(remainder(slab)**2, axis=1)
        variance = variance.reshape(-1, n)
    else:
        posterior = GaussianPosterior(train, None, noise, residual, np.dtype(np.float64))
        operator_checks.noise_held(noise, posterior.least)
        shift = posterior.shift()
        variance = noise * np.diagonal(posterior.covariances(test), axis1=1, axis2=2)
    mean = test.forward.outputs + (test @ shift).reshape(-1, n)
    return mean.astype(dtype, copy=False), variance.astype(dtype, copy=False)
