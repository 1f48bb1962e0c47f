"""Laplace's approximation of the posterior of θ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import checks, object_checks
from .cost import Cost
from .losses import Form
from .network import Network
from .operators.gaussian_posterior import SLAB
from .operators.output_hessian import curvature_factor
from .posteriors import checks as posterior_checks
from .posteriors import diagonal, full, kron
from .posteriors.evidence import Curvature
from .posteriors.laplace_posterior import LaplacePosterior
from .posteriors.likelihood import Likelihood
from .posteriors.prior import Prior
from .posteriors.uncertain import Uncertain
from .rows import as_given
from .typing import Array, DType


def _prior(network: Network, given: Any, likelihood: Likelihood, uncertain: Uncertain, structure: str) -> Prior:
    """The prior that was given, or that the cost's penalty is, or N(0, I)."""
    penalty = likelihood.cost.penalty
    posterior_checks.one_prior(given is not None and penalty is not None)
    if penalty is not None:
        return Prior.of_penalty(penalty.curvature(uncertain.whole), likelihood.scale, network)
    return Prior.of(1.0 if given is None else given, network, uncertain.places, structure == "kron")


def _curvature(structure: str, uncertain: Uncertain, X: Array, targets: Array, likelihood: Likelihood, outputs: Array, dtype: DType,
               max_bytes: int | None) -> Curvature:
    """The curvature of the negative log likelihood, for noise of variance 1."""
    m, n = outputs.shape
    least = {"full": full.least_bytes(uncertain.size, m * n, m, uncertain), "kron": kron.least_bytes(uncertain),
             "diagonal": diagonal.least_bytes(uncertain)}
    posterior_checks.fits(least, structure, max_bytes, ("kron", "diagonal"))
    cost, inputs = likelihood.weighted_cost, uncertain.inputs(X)
    roots = None
    if structure == "full" or cost.loss.form is Form.ENTRIES:
        roots = curvature_factor(cost, outputs, targets)[0]
    if structure == "full":
        assert roots is not None
        return full.FullCurvature(uncertain, inputs, roots, dtype, max_bytes)
    y = as_given(targets, cost.loss.kind, n)
    if structure == "kron":
        return kron.KronCurvature(uncertain, inputs, y, cost, max_bytes)
    return diagonal.DiagonalCurvature(uncertain, inputs, y, cost, roots, max_bytes)


def laplace(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, prior_precision: ArrayLike | None = None,
            noise: float = 1.0, structure: str = "full", last_layer: bool = False, trainable: ArrayLike | None = None,
            max_bytes: int | None = None) -> LaplacePosterior:
    """Laplace's approximation of the posterior of θ: N(θ, (H + Λ)⁻¹) (MacKay 1992; Daxberger et al. 2021, arXiv 2106.14806).

    H = Σ_k w_k J_kᵀ ∇²L_k J_k / σ² is the generalised Gauss–Newton matrix of the negative log likelihood of all m samples, or an
    approximation of it, and Λ the precision of a prior N(0, Λ⁻¹). The cost says what the likelihood is: w_k is 1 for "sum" and for
    "mean" (which is the mean of the m samples' negative log likelihoods, and stands for their sum), the sample's weight for
    `weighted`, and for `weighted_mean` the same times m₊ / Σ w for the m₊ samples of weights above 0: only ratios count. With
    squared_error, outputs have noise of variance σ² / w_k. Any other reduction gives w = ∇φ. θ is taken for the
    minimum of the negative log likelihood plus ½ θᵀΛθ.

    Parameters
    ----------
    network : Network
    X, y : array_like
        The m training samples, as `value_and_gradient` takes them.
    cost : Cost
        A loss with a Hessian. A penalty is the prior: its strength, times m under "mean" and m₊ under `weighted_mean`, is the
        prior precision of what it penalises, and that of the rest is 0.
    prior_precision : float or array_like [L] or [P], optional
        The diagonal of Λ: a number above 0, or one for each layer, or one for each of θ, of at least 0. 1 where None and the cost
        has no penalty; both a penalty and this are refused. Under structure "kron" [P] numbers must be the same throughout each W^l
        and each b^l. Where it is 0, the samples must determine the number; "kron", and "full" where P × P is not factored, refuse
        it.
    noise : float
        σ² of squared_error.
    structure : str
        "full": every entry, from factors of P × P numbers where there are at most 1000 or m n of them, else m n × m n. "kron": the
        factors of `engine.operators.kfac`, layer by layer. "diagonal": the diagonal of H.
    last_layer : bool
        Whether only W^L and b^L are uncertain.
    trainable : array_like of bool [P], optional
        Which numbers of θ are uncertain; all where None. Under "kron" it takes each W^l, and each b^l, whole or not at all. Layers
        before the first of them cost one pass forward.
    max_bytes : int, optional
        The most bytes that the factors and what makes them take at once, besides X, y, the outputs and S [m, n, n] with
        S Sᵀ = w ∇²L; also of what `predict` holds of J at a time.

    Returns
    -------
    LaplacePosterior
        `.predict(X, joint=False)`: mean and covariance of a^L; `.predict_classes(X)`: probabilities; `.sample(count, seed)` and
        `.sample_functions(X, count, seed)`: draws; `.log_marginal_likelihood()`, its gradient, and `.optimize()`.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other; where a user's own loss has no Hessian; where the structure
        cannot have such a prior or mask.
    MemoryError
        Where the structure does not fit in `max_bytes`; it names what would.
    numpy.linalg.LinAlgError
        Where the prior precision is so small that H + Λ is singular to within rounding of float64; it names the least.

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
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost, penalised=True)
    structure = posterior_checks.structure(structure)
    X, bound = checks.samples(X, network.widths[0], network.dtype), checks.max_bytes(max_bytes)
    targets = cost.targets(y, len(X), network.widths[-1], network.dtype).astype(np.float64)
    uncertain = Uncertain(network, posterior_checks.mask(network, trainable, last_layer))
    outputs = uncertain.whole(X.astype(np.float64))
    likelihood = Likelihood(cost, outputs, targets)
    noise = posterior_checks.noise(noise, likelihood)
    prior = _prior(network, prior_precision, likelihood, uncertain, structure)
    curvature = _curvature(structure, uncertain, X, targets, likelihood, outputs, network.dtype, bound)
    return LaplacePosterior(network, structure, likelihood, uncertain, curvature, prior, noise,
                            SLAB if bound is None else min(SLAB, bound // 4))
