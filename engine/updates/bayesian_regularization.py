"""Bayesian regularisation: Levenberg–Marquardt whose penalty and noise follow the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import penalty_checks
from ..network import Network
from ..penalties import Ridge
from ..typing import Array, Mask, Number, Row
from . import checks as update_checks
from .determined import Determined, determined
from .levenberg_marquardt import LevenbergMarquardt, note
from .linearised import BatchProblem, Linearised
from .output_hessians import output_hessian
from .penalised import PenalisedLinearised
from .update import UpdateState

WEAK = 1e-3  # times the mean diagonal of Jᵀ H J: the strength to begin with


@dataclass(frozen=True, repr=False)
class BayesianRegularization(LevenbergMarquardt):
    """Levenberg–Marquardt on β Σ_k L_k + (α / 2) |θ|², whose α and β maximise the evidence (MacKay 1992; Foresee & Hagan 1997).

    MATLAB calls it ``trainbr``. The training samples themselves say how strong the penalty should be, so none need be held out, and
    a network may have more parameters than there are samples. With A the sum of the samples' Jᵀ H J, one estimate is

        γ = P − α tr (β A + α I)⁻¹,   α = γ / |θ|²,   β = (m n − γ) / (2 Σ_k L_k).

    γ is the effective number of parameters: how many the samples determine. 1/β is the variance of the noise. ``trainbr`` has
    E_D = Σ e² and E_W = Σ θ² without ½, and so half of our α and β. Steps are made on the cost as it is given, with the penalty
    ``ridge(strength, biases)`` besides; its strength is α / β, and for a mean α / (β m). The cost in the history has no penalty.

    For losses other than squared_error β is 1: exp(−L) is the likelihood as it stands, up to a factor without θ. So it is for
    the cross-entropies, with smoothed labels too, poisson, gaussian_nll, huber, log_cosh and cosine; a loss of your own must be
    made so. A loss that weighs classes or answers is the negative logarithm of no model and is refused: weigh the samples by the
    reduction.

    The penalty is weak at first. An estimate is made where the step before lowered the penalised cost by at most `settled` of it
    (MacKay), or, with ``settled=1``, at every step (Foresee & Hagan). Far from a minimum all misfit looks like noise, and the
    penalty that goes with it leaves the network nothing to fit with: four draws of a noisy sine by 1-20-1, from two starts each,
    ended as a straight line with γ = 1.9 of 61 by ``settled=1`` and 0.01, and near the sine with γ from 11 to 13 by 10⁻³ and 10⁻⁴.

    Parameters
    ----------
    damping, solver, geodesic, attempts, gradient_tolerance, step_tolerance, cost_tolerance
        As `LevenbergMarquardt` has them, of the penalised cost; the run ends where one of them is met and α, β and γ stay.
    biases : bool
        Whether biases are penalised too, as in ``trainbr``. Where they are not, γ counts those that the samples determine.
    settled : float
        From 0 to 1, as above.
    evidence_tolerance : float
        The run ends where an estimate changes γ, α and β by at most this part of each.

    See Also
    --------
    LevenbergMarquardt : With a penalty of your own, ``Cost(..., penalty=engine.penalties.ridge(strength))``.
    laplace : The posterior of θ, and the marginal likelihood.

    Notes
    -----
    The reduction must be mean, sum, weighted or weighted_mean. With squared_error a sample's weight divides the variance of its
    noise; with other losses it says how often the sample counts. Weights of weighted_mean are scaled to the mean 1, and samples of
    weight 0 do not count. Take all samples as one batch: a part of them has an evidence of its own. Each estimate takes the
    eigenvalues of A, [P, P], or of its dual, [m n, m n], whichever is smaller: of 1-20-20-1, m 2000, a step with an estimate takes
    some 2.1 times as long as one without in float64 and 2.9 times in float32, of 1-20-1, m 41, 1.5 times.

    ``result.state.arrays`` has "effective_parameters" (γ), "alpha", "beta" and "strength", with which the last step was made, and
    "log_evidence", besides what `LevenbergMarquardt` has; "stopped" may be "evidence". The history has γ of each epoch,
    "effective_parameters". Frozen numbers of θ count neither in γ nor in |θ|².

    The penalty does not make up for a network that is too large, or for a start that ends as a straight line: the evidence tells.
    Of several networks and starts take the one with the largest "log_evidence", log ∫ exp(−β Σ L) N(θ; 0, I / α) dθ by Laplace's
    approximation, for the same samples and with biases penalised.

    References
    ----------
    D. J. C. MacKay, *Bayesian interpolation*, Neural Computation 4, 1992. F. D. Foresee & M. T. Hagan, *Gauss–Newton approximation
    to Bayesian learning*, ICNN 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import BayesianRegularization, Cost, Network, fit
    >>> from schedulers import BatchSchedule
    >>> X = np.array([[-1.0], [-0.5], [0.5], [1.0]])
    >>> y = 2 * X + np.array([[0.1], [-0.1], [-0.1], [0.1]])
    >>> run = fit(Network.initialize((1, 1), "tanh"), X, y, Cost("squared_error"), BayesianRegularization(), BatchSchedule(4),
    ...           epochs=20, progress=False)
    >>> gamma = float(run.state.arrays["effective_parameters"])  # of 2
    >>> 0 < gamma < 2
    True
    """

    biases: bool = True
    settled: float = 1e-4
    evidence_tolerance: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "biases", penalty_checks.truth(self.biases, "biases"))
        object.__setattr__(self, "settled", update_checks.share(self.settled, "settled"))
        object.__setattr__(self, "evidence_tolerance", update_checks.not_negative(self.evidence_tolerance, "evidence_tolerance"))

    def begin(self, network: Network) -> UpdateState:
        """That of `LevenbergMarquardt`, and no estimate yet: α 0, β 1, γ = P."""
        state = super().begin(network)
        state.arrays.update(alpha=np.array(0.0), beta=np.array(1.0), effective_parameters=np.array(float(network.size)),
                            strength=np.array(0.0), before=np.array(0.0), log_evidence=np.array(0.0))
        return state

    def recorded(self, state: UpdateState) -> Row:
        """γ of an epoch."""
        return {"effective_parameters": float(state.arrays["effective_parameters"])}

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """An estimate of α and β where the steps before have settled, and one batch step of `LevenbergMarquardt` beside them."""
        update_checks.evidence(problem.cost)
        samples, arrays = problem.linearised(theta, trainable, output_hessian), state.arrays
        if np.isfinite(samples.value):
            change = self._estimate(samples, arrays)
            here = self._penalised(samples, arrays)
            arrays["before"][...] = here.value
            met = self._moved(here, theta, arrays)
            note(arrays, (met or "evidence") if change <= self.evidence_tolerance else "")
        return samples.value

    def _penalised(self, samples: Linearised, arrays: dict[str, NDArray[Any]]) -> PenalisedLinearised:
        """The batch's cost near θ beside the penalty of the state."""
        return PenalisedLinearised(samples, Ridge(float(arrays["strength"]), self.biases))

    def _estimate(self, samples: Linearised, arrays: dict[str, NDArray[Any]]) -> float:
        """Estimate γ, α, β and the strength anew where the last step has settled. Gives the largest part by which one of them
        changed, infinite where there was no estimate."""
        network, cost, n = samples.network, samples.cost, samples.shape[1]
        w = cost.reduction.data
        m = int(np.count_nonzero(w > 0)) if w.size else samples.shape[0]
        count = m if cost.reduction.name in ("mean", "weighted_mean") else 1  # Σ L_k = count · C
        if arrays["strength"] == 0:
            arrays["strength"][...] = WEAK * float(samples.diagonal().mean(dtype=np.float64)) if samples.size else 1.0
            arrays["alpha"][...] = count * arrays["strength"]
            return np.inf
        decrease = float(arrays["before"]) - float(self._penalised(samples, arrays).value)
        if decrease > self.settled * abs(float(arrays["before"])):
            return np.inf
        penalised = network.mask(biases=self.biases)[samples.free]
        found = determined(samples, penalised)
        square = float(np.square(samples.theta[samples.free][penalised], dtype=np.float64).sum())
        if found is None or not square > 0:
            return np.inf
        old = {name: float(arrays[name]) for name in ("effective_parameters", "alpha", "beta")}
        of_penalised = found.penalised(float(arrays["strength"]))
        numbers, misfit = m * n, 2 * count * float(samples.value)
        new = {"effective_parameters": of_penalised + found.others, "alpha": of_penalised / square, "beta": old["beta"]}
        noisy = cost.loss.name == "squared_error"
        if noisy and misfit > 0:
            eps = float(np.finfo(network.dtype).eps)
            new["beta"] = max(numbers - new["effective_parameters"], eps * numbers) / misfit
        strength = new["alpha"] / (count * new["beta"])
        if not (np.isfinite(list(new.values())).all() and 0 < strength < np.inf):
            return np.inf
        for name, value in new.items():
            arrays[name][...] = value
        arrays["strength"][...] = strength
        arrays["log_evidence"][...] = self._log_evidence(found, new, strength, misfit, square, numbers if noisy else 0)
        return max(abs(new[name] / old[name] - 1) for name in new)

    @staticmethod
    def _log_evidence(found: Determined, new: dict[str, float], strength: float, misfit: float, square: float,
                      numbers: int) -> float:
        """−β Σ L − (α / 2) |θ|² − ½ log det (A β / α + I) + (m n / 2) log (β / 2 π), the last for squares."""
        noise = 0.5 * numbers * np.log(new["beta"] / (2 * np.pi))
        return float(noise - 0.5 * (new["beta"] * misfit + new["alpha"] * square + np.log1p(found.values / strength).sum()))
