"""The log marginal likelihood of Laplace's approximation, its gradient, and where it is largest (MacKay 1992)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from scipy.optimize import minimize

from ..operators.partial_jacobian import PartialJacobian
from ..typing import Array, Indices
from .likelihood import Likelihood
from .prior import Precision, Prior
from .uncertain import Uncertain

REACH = 25.0  # how far a logarithm goes from where it starts: a factor of 7e10


class Posterior(Protocol):
    """N(θ, Σ) with Σ⁻¹ = H + Λ of one of the structures."""

    def covariance(self, jacobian: PartialJacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]."""

    def bytes_each(self) -> int:
        """Of a sample that covariances are wanted of."""

    def log_ratio(self) -> float:
        """log det Σ⁻¹ − log det Λ; of Λ without its zeros."""

    def determined(self, groups: Indices, count: int) -> Array:
        """The sum of 1 − λ_i Σ_ii over each group [count], of numbers whose `groups` [p] is not −1."""

    def variances(self) -> Array:
        """The diagonal of Σ [p]."""

    def draws(self, generator: np.random.Generator, count: int) -> Array:
        """Draws of N(0, Σ) [count, p]."""

    def refuse_singular(self, told: Precision) -> None:
        """Refuse a precision that is singular to within rounding, in the words of the prior precision as the user gave it."""


class Curvature(Protocol):
    """H for noise of variance 1, of one of the structures."""

    def at(self, precision: Array, noise: float) -> Posterior:
        """The posterior under Λ = diag(λ) [p] and noise of variance σ²."""


class EvidenceGradient(NamedTuple):
    """The derivatives of the log marginal likelihood in log τ, of the form of the prior precision, and in log σ².

    The second is None where the loss is not squared_error.
    """

    log_prior_precision: Precision
    log_noise: float | None


class Evidence:
    """log p(y) and its gradient, at one prior and noise.

    log p(y | θ) − ½ θᵀ Λ θ − ½ log det (H + Λ) + ½ log det Λ over the numbers that are uncertain; one whose λ is 0 has a flat prior
    of density 1, and adds ½ log 2π.
    """

    def __init__(self, likelihood: Likelihood, uncertain: Uncertain, prior: Prior, noise: float, posterior: Posterior) -> None:
        self._likelihood, self._prior, self._noise, self._posterior = likelihood, prior, noise, posterior
        self._groups = prior.groups[uncertain.places]
        self._squares = prior.diagonal(uncertain.places) * uncertain.theta**2
        self._places = uncertain.places

    @property
    def _flat(self) -> int:
        return int((self._groups < 0).sum())

    def value(self) -> float:
        """log p(y)."""
        penalty = float(self._squares.sum()) + self._posterior.log_ratio()
        return self._likelihood.log_density(self._noise) - penalty / 2 + self._flat / 2 * float(np.log(2 * np.pi))

    def effective_parameters(self) -> float:
        """γ = Σ (1 − λ_i Σ_ii)."""
        return float(self._determined().sum()) + self._flat

    def _determined(self) -> Array:
        """γ_g of each group [G]."""
        return self._posterior.determined(self._groups, len(self._prior.values))

    def slopes(self) -> tuple[Array, float]:
        """The derivatives in log λ_g, (γ_g − Σ λ_i θ_i²) / 2 [G], and in log σ², E / σ² − (m n − γ) / 2, E = Σ w_k L_k."""
        inside, determined = self._groups >= 0, self._determined()
        squares = np.bincount(self._groups[inside], self._squares[inside], len(determined))
        left = self._likelihood.numbers - float(determined.sum()) - self._flat
        return (determined - squares) / 2, self._likelihood.energy / self._noise - left / 2

    def gradient(self) -> EvidenceGradient:
        """The derivatives in the form of the prior precision."""
        log_noise = self.slopes()[1] if self._likelihood.has_noise else None
        if self._prior.form != "vector":
            return EvidenceGradient(self._prior.in_form(self.slopes()[0]), log_noise)
        own, whole = np.where(self._groups < 0, -1, np.arange(len(self._groups))), np.zeros(len(self._prior.groups))
        whole[self._places] = (self._posterior.determined(own, len(own)) - self._squares) / 2
        return EvidenceGradient(whole, log_noise)


def largest(likelihood: Likelihood, uncertain: Uncertain, curvature: Curvature, prior: Prior, noise: float,
            vary_noise: bool) -> tuple[Prior, float]:
    """The prior and the noise near these at which the evidence is largest, by L-BFGS-B over their logarithms."""
    def at(logs: Array) -> tuple[Prior, float]:
        return prior.at(np.exp(logs[:len(prior.values)])), float(np.exp(logs[-1])) if vary_noise else noise

    def negative(logs: Array) -> tuple[float, Array]:
        trial, variance = at(logs)
        try:
            found = Evidence(likelihood, uncertain, trial, variance, curvature.at(trial.diagonal(uncertain.places), variance))
            value, (slopes, slope) = found.value(), found.slopes()
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(len(logs))
        return -value, -np.append(slopes, slope)[:len(logs)]

    start = np.log(np.append(prior.values, noise)[:len(prior.values) + vary_noise])
    bounds = [(first - REACH, first + REACH) for first in start]
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-8})
    return at(found.x if found.fun <= negative(start)[0] else start)
