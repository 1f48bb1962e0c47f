"""The Fisher information matrix, exact, by draws, and from the targets themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, object_checks
from ..cost import Cost
from ..kernels.sums import BLOCK
from ..network import Network
from ..typing import Array
from . import curvature_checks
from .curvature_operator import CurvatureOperator
from .docstrings import documented
from .ggn import gauss_newton
from .loss_hessian import probabilities
from .output_hessian import OutputHessian, Softmax
from .trainable_curvature import TrainableCurvature

LIKELIHOODS = ("squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson", "gaussian_nll")


@documented
def fisher(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, samples: int | None = None, seed: int = 0,
           max_bytes: int | None = None,
           trainable: ArrayLike | None = None) -> CurvatureOperator | TrainableCurvature:
    """The Fisher information matrix Σ_k (∇φ)_k E[D_θ L_kᵀ D_θ L_k], targets drawn from the model that the loss implies.

    After Amari (1998).

    The models p(y | a^L) with −log p = L up to what does not depend on a^L: squared_error, normal with mean a^L and variance 1;
    softmax_cross_entropy, categorical with logits a^L; binary_cross_entropy, independent Bernoulli with logits a^L; poisson,
    independent Poisson with log rates a^L; gaussian_nll, independent normal with means and log variances a^L. In the first four a^L
    is the natural parameter, so the exact Fisher matrix equals the GGN, and of gaussian_nll `ggn` takes it; y enters through ∇φ
    alone. Smoothed labels are probabilities like others; weights of classes or answers leave no model. The scale is the
    reduction's, as in `ggn`.

    A penalty of the cost adds the precision of the prior that it stands for, a diagonal: under "sum" ridge(τ) is a normal prior of
    variance 1/τ for each weight, and what results is the precision of the posterior.

    Parameters
    ----------
    {samples}
    cost : Cost
        With one of these five losses; any reduction; with or without a penalty.
    samples : int, optional
        Draws of each sample's targets for a Monte-Carlo estimate, whose mean is the exact matrix and which has rank m · samples at
        most; exact where None.
    seed : int or numpy.random.Generator
        Of the draws; those of a block of samples depend on it and the block's number alone.
    {max_bytes}
    {trainable}

    Returns
    -------
    {operator}

    Raises
    ------
    ValueError
        Where the loss implies no model.
    {no_block}

    See Also
    --------
    empirical_fisher : At the targets that were seen.
    ggn : The same matrix for these five losses, and of any other loss.
    engine.NaturalGradient : An update by it.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import fisher
    >>> network = Network((1, 1), ("identity",), np.zeros(2))
    >>> fisher(network, np.array([[2.0]]), np.array([[1.0]]), Cost("binary_cross_entropy")).dense()
    array([[1.  , 0.5 ],
           [0.5 , 0.25]])
    """
    curvature_checks.likelihood(object_checks.cost(cost, Cost, penalised=True).loss, LIKELIHOODS)
    samples = curvature_checks.draws(samples)
    entropy = int(checks.generator(seed).integers(1 << 63))

    def output_hessian(cost: Cost, A: Array, targets: Array, weights: Array, gradients: Array, first: int) -> OutputHessian:
        if samples is None:
            if cost.loss.name == "softmax_cross_entropy":
                return OutputHessian(A.shape, A.dtype, softmax=Softmax.of(A, weights, np.ones_like(weights)))
            return OutputHessian.of_loss(cost.loss, A, targets, weights, "fisher", check_finite=True)
        share = weights / A.dtype.type(samples)
        drawn = gradients_at_draws(cost, A, samples, (entropy, first // BLOCK))
        if samples < A.shape[1]:
            return OutputHessian(A.shape, A.dtype, terms=[(x, share) for x in drawn])
        entries = sum((share[:, None] * x)[:, :, None] * x[:, None, :] for x in drawn)
        return OutputHessian(A.shape, A.dtype, entries=entries)

    return gauss_newton(network, X, y, cost, "fisher", output_hessian, max_bytes=max_bytes, trainable=trainable)


def gradients_at_draws(cost: Cost, A: Array, draws: int, start: tuple[int, int]) -> Array:
    """∇L [draws, m, n] at targets drawn from the model, each block by a generator of its own, numbered from `start`."""
    entropy, block = start
    out = np.empty((draws, *A.shape), A.dtype)
    for first in range(0, len(A), BLOCK):
        generator = np.random.default_rng([entropy, block + first // BLOCK])
        rows = slice(first, first + BLOCK)
        for r in range(draws):
            out[r, rows] = _gradient_at_a_draw(cost, A[rows], generator)
    return out


def _gradient_at_a_draw(cost: Cost, A: Array, generator: np.random.Generator) -> Array:
    """∇L [m, n] at targets drawn from the model."""
    name = cost.loss.name
    if name == "squared_error":
        return generator.standard_normal(A.shape).astype(A.dtype)
    if name == "gaussian_nll":
        log_variance = A[:, A.shape[1] // 2:]
        z = generator.standard_normal(log_variance.shape).astype(A.dtype)
        return np.concatenate([-z * np.exp(-log_variance / 2), (1 - z**2) / 2], axis=1)
    if name == "softmax_cross_entropy":
        p = probabilities(A)[0]
        drawn = (np.cumsum(p, axis=1) < generator.random((len(A), 1)) * p.sum(1, keepdims=True)).sum(1)
        return cost.losses_and_gradients(A, np.eye(A.shape[1], dtype=A.dtype)[drawn])[1]
    mean = cost.losses_and_gradients(A, np.zeros_like(A))[1]
    drawn = generator.random(A.shape) < mean if name == "binary_cross_entropy" else generator.poisson(mean)
    return cost.losses_and_gradients(A, drawn.astype(A.dtype))[1]


@documented
def empirical_fisher(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, max_bytes: int | None = None,
                     trainable: ArrayLike | None = None) -> CurvatureOperator | TrainableCurvature:
    """The empirical Fisher matrix, Σ_k (∇φ)_k g_k g_kᵀ, of the gradients g_k = D_θ L_k [P] of each sample's own loss at its target.

    Neither the Fisher matrix nor an approximation of the Hessian away from a minimum (Kunstner et al. 2019). The scale is the
    reduction's: "mean" gives the mean of the outer products, "sum" their sum. Any loss.

    A penalty of the cost is no sample's and takes no part in g_k; its second derivatives are added, the precision of the prior that
    it stands for, as in `fisher`.

    Parameters
    ----------
    {samples}
    cost : Cost
        With or without a penalty.
    {max_bytes}
    {trainable}

    Returns
    -------
    {operator}

    Raises
    ------
    {no_block}

    See Also
    --------
    fisher : Targets drawn from the model.
    LossJacobian : Its factor.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import empirical_fisher
    >>> network = Network((1, 1), ("identity",), np.array([1.0, 0.0]))
    >>> empirical_fisher(network, np.array([[2.0]]), np.array([[1.0]]), Cost("squared_error")).dense()
    array([[4., 2.],
           [2., 1.]])
    """
    def output_hessian(cost: Cost, A: Array, targets: Array, weights: Array, gradients: Array, first: int) -> OutputHessian:
        return OutputHessian(A.shape, A.dtype, terms=[(gradients, weights)])

    return gauss_newton(network, X, y, cost, "empirical_fisher", output_hessian, max_bytes=max_bytes, trainable=trainable)
