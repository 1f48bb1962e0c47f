"""Regression with the neural tangent kernel: the posterior of the linearised network, and ensembles in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, cost_checks, network_checks, object_checks
from ..network import Network
from ..typing import Array
from . import checks as operator_checks
from .function_start import FunctionStart, predict_from, start_of
from .gaussian_posterior import PRIMAL, GaussianPosterior, in_float64, slabs_of, triangular_factor
from .jacobian import Jacobian
from .scaled_jacobian import jacobian_in_scale
from .tangent_flow import tangent_flow


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


def ntk_predict(network: Network, X: ArrayLike, y: ArrayLike, X_test: ArrayLike, *, noise: float = 0.0,
                time: ArrayLike | None = None, scale: ArrayLike | None = None,
                start: ArrayLike | Sequence[Network] | None = None, joint: bool = False) -> tuple[Array, Array]:
    """Predictions of the network linearised about its θ, fitted to (X, y): their mean and variance, at the end or at a time.

    The model is f(x) + J(x) δ, f the network as it is, with δ ~ N(0, I) on all of θ, and y that plus noise of variance σ² on each
    output: a Gaussian process with the kernel K of `ntk`. Its posterior at x* has

    mean f(x*) + K* (K + σ² I)⁻¹ (y − f(X)) and variance diag(K** − K* (K + σ² I)⁻¹ K*ᵀ), without the noise of a new observation.

    At σ² = 0 with a pseudo-inverse the mean is the limit of gradient flow on the linearised network's squared error from δ = 0
    (Lee et al. 2019, arXiv 1902.06720).

    At a time t they are those of gradient flow on C = ½ Σ_k ‖f(x_k) + J(x_k) δ − y_k‖², a sum over samples and outputs:
    dδ/dt = −∇C, for an ensemble of starts δ(0) ~ N(0, I). With σ² = 0

    mean f(x*) + K* K⁻¹ (I − e^{−K t}) (y − f(X)) and variance diag(J* e^{−2 JᵀJ t} J*ᵀ).

    The mean is also the one member that starts at the network itself, δ(0) = 0; at t = 0 it is the network's own prediction. With
    noise each member has its own noisy targets and a pull of strength σ² to its own start, whose limit is the posterior (Matthews
    et al. 2017): e^{−(K + σ² I) t} and (K + σ² I)⁻¹ in the mean.

    With `start` the ensemble begins as other functions f₀, which need not be linear in δ, and learns by the same kernel. With
    Q = K* K⁻¹ (I − e^{−K t}), or e^{−(K + σ² I) t} and (K + σ² I)⁻¹ in it, and f₀ of mean μ and covariance 𝒦 at X and at x*,

    mean μ* + Q (y − μ) and variance diag(𝒦** + Q 𝒦 Qᵀ − Q 𝒦*ᵀ − 𝒦* Qᵀ + σ² Q Qᵀ)

    (Lee et al. 2019, section 2.3, where μ = 0, 𝒦 is the covariance of wide networks' outputs and σ² = 0). It is what separately
    initialised networks predict that are so wide that all of them train by one kernel.

    After s steps of gradient descent of a small rate η, t is η s for `Cost("squared_error", "sum")` and η s / m for
    `Cost("squared_error")`, whose gradient is divided by m. neural-tangents' time is divided by the number of entries of y: theirs
    t with a learning rate η is η t / (m n) here.

    All is computed in float64 and rounded to the network's dtype once, so that a float32 network's kernel holds a noise as small as
    a float64 one's does; variances are sums of squares, or differences that keep their digits. Holds [P, P] numbers where there are
    at most 1000 parameters or m n, else [m n, m n]; at a time also [m n, m′ n].

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
    time : float or array_like [T], optional
        t ≥ 0, infinity allowed; the end of training where None. Several times share one decomposition.
    scale : array_like [P], optional
        S: δ ~ N(0, S²) with the kernel J S² Jᵀ, and gradient flow in ω, θ = S ω, as `ntk` takes it.
    start : array_like [(m + m′) n, (m + m′) n] or list of Network, optional
        What the ensemble is before training. An array is the covariance of its outputs at X and then at X_test, sample by sample as
        `ntk` orders them, and its mean is 0. Of a list, networks with as many inputs and outputs, the mean and the covariance are
        those over its members, divided by their number. Where None, f(x) + J(x) δ(0) with δ(0) ~ N(0, S²).
    joint : bool
        Whether to give the covariance of all test outputs in place of their variances.

    Returns
    -------
    mean : ndarray [m′, n], or [T, m′, n] where `time` is [T]
    variance : ndarray, of the mean's shape, or the covariance [m′ n, m′ n] or [T, m′ n, m′ n] where `joint`
        At least 0; without `start` above 0 where σ² is, unless a row of J is 0.

    Raises
    ------
    ValueError, TypeError
        Where X, y and X_test do not fit the network or each other; where σ² is above 0 but below rounding of K, with the least
        that is not; where a time is below 0 or the scale does not fit; where `start` has another shape or other inputs and
        outputs, or is no covariance.

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
    >>> means, variances = ntk_predict(network, [[0.0], [1.0]], [1.0, 3.0], [[2.0]], time=[0.0, 1.0, np.inf])
    >>> means.ravel().round(3), variances.ravel().round(3)
    (array([0.   , 3.793, 5.   ]), array([5.   , 0.663, 0.   ]))

    Two members that begin apart:

    >>> others = [network.replace([0.0, 1.0]), network.replace([0.0, -1.0])]
    >>> means, variances = ntk_predict(network, [[0.0], [1.0]], [1.0, 3.0], [[2.0]], time=[0.0, 1.0, np.inf], start=others)
    >>> means.ravel().round(3), variances.ravel().round(3)
    (array([0.   , 3.793, 5.   ]), array([1.   , 0.092, 0.   ]))
    """
    object_checks.network(network, Network)
    dtype, n = network.dtype, network.widths[-1]
    X, X_test = (checks.samples(values, network.widths[0], dtype, name) for values, name in ((X, "X"), (X_test, "X_test")))
    targets = cost_checks.targets(y, (len(X), n), dtype, "values")
    noise, joint = operator_checks.noise(noise), network_checks.flag(joint, "joint")
    times = None if time is None else operator_checks.times(time)
    scale = operator_checks.parameter_scale(scale, network.size, np.dtype(np.float64))
    whole = in_float64(network)
    train, test = (jacobian_in_scale(whole, values.astype(np.float64, copy=False), scale) for values in (X, X_test))
    targets = targets.astype(np.float64).reshape(-1)
    if times is None and scale is None and start is None and not joint:
        shift, spread = _at_the_end(train, test, targets - train.forward.outputs.reshape(-1), noise)
        mean, spread = test.forward.outputs + shift.reshape(len(X_test), n), spread.reshape(len(X_test), n)
    else:
        functions = None if start is None else start_of(start, network, np.concatenate([train.X, test.X]))
        mean, spread = _at_times(train, test, targets, noise, np.asarray(np.inf) if times is None else times, functions, joint)
    return mean.astype(dtype, copy=False), spread.astype(dtype, copy=False)


def _at_the_end(train: Jacobian, test: Jacobian, residual: Array, noise: float) -> tuple[Array, Array]:
    """The mean of J* δ [m′ n] and its variance [m′ n] of the posterior."""
    if noise == 0:
        shift, remainder = least_norm(train, residual)
        variance = np.empty(test.shape[0])
        for rows, slab in slabs_of(test):
            variance[rows] = np.sum(remainder(slab)**2, axis=1)
    else:
        posterior = GaussianPosterior(train, None, noise, residual, np.dtype(np.float64))
        operator_checks.noise_held(noise, posterior.least)
        shift = posterior.shift()
        variance = (noise * np.diagonal(posterior.covariances(test), axis1=1, axis2=2)).reshape(-1)
    return test @ shift, variance


def _at_times(train: Jacobian, test: Jacobian, targets: Array, noise: float, times: Array, start: FunctionStart | None,
              joint: bool) -> tuple[Array, Array]:
    """The mean [..., m′, n] of predictions at times [...], and their variance [..., m′, n] or covariance [..., m′ n, m′ n]."""
    every = times.reshape(-1)
    if start is None:
        flow = tangent_flow(train, (targets - train.forward.outputs.reshape(-1))[:, None], noise)
        operator_checks.noise_held(noise, flow.least)
        mean, spread = flow.predict(test, every, joint)
        mean = test.forward.outputs.reshape(-1) + mean
    else:
        mean, spread = predict_from(start, train, test, targets, noise, every, joint)
    if joint:
        spread = (spread + spread.transpose(0, 2, 1)) / 2
    outputs = len(test.X), test.network.widths[-1]
    return mean.reshape(*times.shape, *outputs), spread.reshape(*times.shape, *(spread.shape[1:] if joint else outputs))
