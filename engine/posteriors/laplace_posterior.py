"""Laplace's posterior of θ: predictions, class probabilities, draws, and its evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, network_checks
from ..network import Network
from ..typing import Array, DType
from . import checks as posterior_checks
from . import classes
from .evidence import Curvature, Evidence, EvidenceGradient, largest
from .likelihood import Likelihood
from .prior import Prior
from .uncertain import Uncertain


class LaplacePosterior:
    """N(θ, (JᵀHJ + Λ)⁻¹), or with an approximation of JᵀHJ, in float64; made by `laplace`.

    Attributes
    ----------
    prior_precision : float or ndarray [L] or [P]
        Of the prior N(0, Λ⁻¹), as it was given or found.
    noise : float
        σ² of squared_error; 1 with other losses.
    structure : str
        "full", "kron" or "diagonal".
    """

    def __init__(self, network: Network, structure: str, likelihood: Likelihood, uncertain: Uncertain, curvature: Curvature,
                 prior: Prior, noise: float, slab: int) -> None:
        self.network, self.structure, self.noise, self.prior_precision = network, structure, noise, prior.precision
        self._likelihood, self._uncertain, self._curvature, self._prior = likelihood, uncertain, curvature, prior
        self._slab = slab
        self._posterior = curvature.at(prior.diagonal(uncertain.places), noise)
        self._posterior.refuse_singular(self.prior_precision)
        self._evidence = Evidence(likelihood, uncertain, prior, noise, self._posterior)

    def __repr__(self) -> str:
        told, p = self.prior_precision, self._uncertain.size
        parts = [repr(self.network), f"structure = {self.structure!r}"]
        parts += [f"uncertain = {p}"] * (p < self.network.size)
        parts.append(f"prior_precision = {told!r}" if isinstance(told, float) else f"prior_precision = [{len(told)}]")
        parts += [f"noise = {self.noise!r}"] * self._likelihood.has_noise
        cost, scale = self._likelihood.cost, self._likelihood.scale
        parts.append(f"m = {self._likelihood.samples}")
        parts.append(f"{cost.loss!r}, {cost.reduction!r}" + (f" × {scale:g}" if scale != 1 else ""))
        return f"LaplacePosterior({', '.join(parts)})"

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
            J* Σ J*ᵀ: of a^L, without the noise of a new observation. Symmetric, and positive semi-definite to rounding of itself;
            computed in float64 and rounded to the network's dtype once.
        """
        X = self._samples(X)
        return self.network(X), self._joint(X) if joint else self._covariances(X, self.network.dtype)

    def predict_classes(self, X: ArrayLike, method: str = "probit", *, samples: int = 1000, seed: Any = 0) -> Array:
        """The probabilities of classes, with the uncertainty of the logits taken into account.

        Parameters
        ----------
        X : array_like [m′, n_0]
        method : str
            "probit": each logit is divided by √(1 + π v / 8), v its variance, before softmax or the logistic function (MacKay 1992,
            *The evidence framework applied to classification networks*; Gibbs 1997 for several classes). "monte_carlo": the mean of
            probabilities over draws of a sample's logits from their joint normal distribution.
        samples : int
            Draws of "monte_carlo".
        seed : int or numpy.random.Generator
            Of "monte_carlo"; the same draws serve every sample.

        Returns
        -------
        ndarray [m′, n]
            For softmax_cross_entropy each row sums to 1; for binary_cross_entropy each output has a probability of its own.

        Raises
        ------
        ValueError
            Where the loss is another.
        """
        name = posterior_checks.classes(self._likelihood.cost.loss)
        method, X = posterior_checks.class_method(method), self._samples(X)
        mean, covariance = self._uncertain.whole(X.astype(np.float64)), self._covariances(X, np.dtype(np.float64))
        if method == "probit":
            found = classes.probit(name, mean, covariance)
        else:
            draws = checks.generator(seed).standard_normal((checks.whole_number(samples, "samples", 1), mean.shape[1]))
            found = classes.monte_carlo(name, mean, covariance, draws)
        return found.astype(self.network.dtype, copy=False)

    def sample(self, count: int, seed: Any = 0) -> Array:
        """Draws of θ from the posterior.

        Parameters
        ----------
        count : int
            At least 1.
        seed : int or numpy.random.Generator

        Returns
        -------
        ndarray of float64 [count, P]
            Numbers that are certain are the network's own. The same for the same seed and machine.
        """
        theta = np.tile(self._uncertain.whole.parameters, (checks.whole_number(count, "count", 1), 1))
        theta[:, self._uncertain.places] += self._posterior.draws(checks.generator(seed), len(theta))
        return theta

    def sample_functions(self, X: ArrayLike, count: int, seed: Any = 0) -> Array:
        """Predictions of the linearised network, f(x*) + J(x*) (θ′ − θ), at the draws θ′ that `sample` gives.

        Parameters
        ----------
        X : array_like [m′, n_0]
        count : int
            At least 1.
        seed : int or numpy.random.Generator

        Returns
        -------
        ndarray [count, m′, n]
            Draw by draw the values of one function.
        """
        X = self._samples(X)
        draws = self._posterior.draws(checks.generator(seed), checks.whole_number(count, "count", 1))
        moved = self._uncertain.jacobian(self._uncertain.inputs(X)).rows(draws.T).T
        mean = self._uncertain.whole(X.astype(np.float64))
        return (mean + moved.reshape(-1, *mean.shape)).astype(self.network.dtype, copy=False)

    def variances(self) -> Array:
        """The variance of every number of θ by itself, the diagonal of Σ.

        Returns
        -------
        ndarray of float64 [P]
            0 where a number is certain. Sums of squares, or differences that keep their digits: above 0 however much the samples
            say.

        Examples
        --------
        >>> import numpy as np
        >>> from engine import Cost, Network, laplace
        >>> network = Network((1, 1), ("identity",), np.array([1.0, 0.0]))
        >>> laplace(network, [[0.0], [0.0]], [[0.0], [0.0]], Cost("squared_error")).variances().round(12)  # W, b
        array([1.        , 0.33333333])
        """
        out = np.zeros(self.network.size)
        out[self._uncertain.places] = self._posterior.variances()
        return out

    @property
    def effective_parameters(self) -> float:
        """γ = Σ_i (1 − λ_i Σ_ii), the number of uncertain parameters that the samples determine, from 0 to p (MacKay 1992)."""
        return self._evidence.effective_parameters()

    def log_marginal_likelihood(self) -> float:
        """The evidence: log p(y | θ) − ½ θᵀΛθ − ½ log det (JᵀHJ + Λ) + ½ log det Λ, over the numbers of θ that are uncertain.

        With every constant: of squared_error −(m n / 2) log 2πσ², of poisson −Σ log y!. A number whose prior precision is 0 has a
        flat prior of density 1: it adds ½ log 2π, and such values compare where the flat priors are the same.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            Where the loss is not squared_error, softmax_cross_entropy, binary_cross_entropy or poisson, as they are named, or the
            reduction not sum, mean, weighted or weighted_mean.
        """
        posterior_checks.evidence(self._likelihood)
        return self._evidence.value()

    def log_marginal_likelihood_gradient(self) -> EvidenceGradient:
        """The derivatives of the log marginal likelihood in log τ and log σ².

        Returns
        -------
        log_prior_precision : float or ndarray [L] or [P]
            ½ (γ_g − τ_g ‖θ_g‖²) for the numbers that share τ_g, in the form of `prior_precision`.
        log_noise : float or None
            Σ w_k L_k / σ² − (m n − γ) / 2 for squared_error.

        Raises
        ------
        ValueError
            As `log_marginal_likelihood`.
        """
        posterior_checks.evidence(self._likelihood)
        return self._evidence.gradient()

    def optimize(self, *, noise: bool = True) -> LaplacePosterior:
        """The posterior of the prior precision, and for squared_error the noise variance, at which the evidence is largest nearby.

        By SciPy's L-BFGS-B over the logarithms, from the values of this posterior; θ and the curvature stay. A number is one
        variable, [L] numbers are L, and [P] numbers are P of their own (under structure "kron" one for each W^l and each b^l); what
        is 0 stays 0. θ then is no longer the minimum for the prior that was found: train again with it as the penalty, and repeat
        (Immer et al. 2021, arXiv 2104.04975).

        Parameters
        ----------
        noise : bool
            Whether the noise variance is found too.

        Returns
        -------
        LaplacePosterior

        Raises
        ------
        ValueError
            As `log_marginal_likelihood`.

        Examples
        --------
        >>> import numpy as np
        >>> from engine import Cost, Network, laplace
        >>> X, y = np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([[-2.1], [0.1], [1.9], [4.1]])
        >>> network = Network((1, 1), ("identity",), [2.0, 0.0])
        >>> best = laplace(network, X, y, Cost("squared_error", "sum")).optimize()
        >>> round(best.prior_precision, 3), round(best.noise, 4)
        (0.499, 0.02)
        """
        posterior_checks.evidence(self._likelihood)
        vary_noise = network_checks.flag(noise, "noise") and self._likelihood.has_noise
        prior, variance = largest(self._likelihood, self._uncertain, self._curvature, self._prior, self.noise, vary_noise)
        return LaplacePosterior(self.network, self.structure, self._likelihood, self._uncertain, self._curvature, prior, variance,
                                self._slab)

    def _samples(self, X: ArrayLike) -> Array:
        return checks.samples(X, self.network.widths[0], self.network.dtype)

    def _covariances(self, X: Array, dtype: DType) -> Array:
        """J* Σ J*ᵀ of each sample [m′, n, n]."""
        n, whole = self.network.widths[-1], self._uncertain.jacobian(self._uncertain.inputs(X))
        out = np.empty((len(X), n, n), dtype)
        step = max(1, self._slab // self._posterior.bytes_each())
        for first in range(0, len(X), step):
            found = self._posterior.covariance(whole.of_samples(first, first + step), n)
            out[first:first + step] = (found + found.transpose(0, 2, 1)) / 2
        return out

    def _joint(self, X: Array) -> Array:
        """J* Σ J*ᵀ of all samples together [m′ n, m′ n]."""
        rows = len(X) * self.network.widths[-1]
        if rows == 0:
            return np.empty((0, 0), self.network.dtype)
        found, = self._posterior.covariance(self._uncertain.jacobian(self._uncertain.inputs(X)), rows)
        return ((found + found.T) / 2).astype(self.network.dtype, copy=False)
