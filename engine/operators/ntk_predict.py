"""Regression with the neural tangent kernel: the posterior of the linearised network."""

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from .. import checks, cost_checks
from . import checks as operator_checks
from .jacobian import Jacobian


def whitening(K, noise):
    """V ↦ R V for an R with RᵀR = (K + noise I)⁻¹; a pseudo-inverse where it is singular to within rounding."""
    shifted = K + K.dtype.type(noise) * np.eye(len(K), dtype=K.dtype)
    if noise > 0:
        try:
            lower = cholesky(shifted, lower=True)
            return lambda V: solve_triangular(lower, V, lower=True)
        except np.linalg.LinAlgError:
            pass
    values, vectors = np.linalg.eigh(shifted)
    kept = values > values[-1] * len(K) * np.finfo(K.dtype).eps
    rows = (vectors[:, kept] / np.sqrt(values[kept])).T
    return lambda V: rows @ V


def ntk_predict(network, X, y, X_test, *, noise=0.0):
    """Predictions of the network linearised about its θ, fitted to (X, y): their posterior mean and variance.

    The model is f(x) + J(x) δ, f the network as it is, with δ ~ N(0, I) on all of θ, and y that plus noise of variance σ² on each
    output: a Gaussian process with the kernel K of `ntk`. Its posterior at x* has

    mean f(x*) + K* (K + σ² I)⁻¹ (y − f(X)) and variance diag(K** − K* (K + σ² I)⁻¹ K*ᵀ), without the noise of a new observation.

    At σ² = 0 with a pseudo-inverse the mean is the limit of gradient flow on the linearised network's squared error from δ = 0
    (Lee et al. 2019, arXiv 1902.06720). Holds [m n, m n] and [m′ n, m n] numbers.

    Parameters
    ----------
    network : Network
    X : array_like [m, n_0]
        m ≥ 1.
    y : array_like [m, n]
        [m] where n = 1.
    X_test : array_like [m′, n_0]
    noise : float
        σ² ≥ 0.

    Returns
    -------
    mean : ndarray [m′, n]
    variance : ndarray [m′, n]
        At least 0.

    Raises
    ------
    ValueError, TypeError
        Where X, y and X_test do not fit the network or each other.

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
    dtype, n = network.dtype, network.widths[-1]
    X, X_test = (checks.samples(values, network.widths[0], dtype, name) for values, name in ((X, "X"), (X_test, "X_test")))
    targets = cost_checks.targets(y, (len(X), n), dtype, "values")
    noise = operator_checks.noise(noise)
    train, test = Jacobian(network, X), Jacobian(network, X_test)
    white = whitening(train.gram(), noise)
    across = white(train.gram(test))
    mean = test.forward.outputs + (across.T @ white((targets - train.forward.outputs).reshape(-1))).reshape(-1, n)
    variance = test.row_norms()**2 - np.sum(across**2, axis=0).reshape(-1, n)
    return mean, np.maximum(variance, 0)
