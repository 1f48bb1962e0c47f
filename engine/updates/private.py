"""Private training: each sample's gradient clipped, noise added to their sum, then any first-order update (Abadi et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks, draw_checks, privacy, privacy_checks
from ..cost import Cost
from ..network import Network
from ..typing import Array, Mask, Number
from .linearised import BatchProblem
from .private_steps import PrivateSteps
from .update import FirstOrder, Update, UpdateState


@dataclass(frozen=True, repr=False)
class Private(Update):
    """Any first-order update along (Σ_k min(1, c / ‖∇_θ L_k‖) ∇_θ L_k + σ c ξ) / B, ξ standard normal: DP-SGD (Abadi et al. 2016).

    Every sample's gradient is clipped to the 2-norm c and noise is added to their sum, so that θ tells little of any one of them:
    `epsilon` says how little. B is the number of samples that a batch is *expected* to hold, for the reduction "mean" (under
    Poisson sampling the probability times the samples, as Opacus has it), and 1 for "sum"; other reductions are refused. With
    `trainable` the norm is that of the trainable numbers. A penalty of the cost knows no sample: its gradient is added after
    clipping, without noise. The gradients of single samples are never formed; their norms come from the factors of one pass forward
    and one back.

    Parameters
    ----------
    update : GradientDescent, Adam, AdamW, RMSprop or a first-order update of one's own
        It is given the noisy gradient alone.
    clip_norm : float
        c > 0.
    noise_multiplier : float
        σ ≥ 0, the noise's standard deviation over c.
    seed : int
        0 … 2¹²⁸ − 1. The noise of each batch step depends on the seed and on how many steps the state has seen, so that a run that
        is resumed, or goes on with ``fit(state=)``, never draws any twice.

    See Also
    --------
    schedulers.orders.poisson_sampling : The batches that the guarantee needs.
    engine.privacy.epsilon : What so many steps reveal.
    engine.per_sample_gradient_norms : By which to choose c.

    Notes
    -----
    A run is reproducible: the same seed gives the same noise on any machine, from NumPy's Philox by Box & Muller's method (1958).
    *Whoever knows the seed can subtract the noise*, and then nothing is private. For data that matter draw it by
    ``secrets.randbits(128)`` for each run, use none twice, and keep it and the `repr` of these settings to yourself; a checkpoint
    holds a hash of it alone. Philox is no generator for cryptography, and floating-point numbers are not real ones: a careful
    adversary can learn more from the last bits of a Gaussian than its density says (Mironov 2012). What is private is θ after the
    run: the costs in the history, the validation cost and a choice among several runs come from the samples without noise. The
    bound rests on nobody knowing which samples a batch held, so that the seed of the schedule is as much a secret as this one.

    A batch step without samples makes a step too, of noise alone: to leave it out would tell that it was empty.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, GradientDescent, Network, Private, fit
    >>> from schedulers import BatchSchedule, orders
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> network = Network.initialize((1, 1), "tanh", seed=0)
    >>> update = Private(GradientDescent(0.2), clip_norm=1.0, noise_multiplier=1.0, seed=0)
    >>> schedule = BatchSchedule(16, order=orders.poisson_sampling(0.25))
    >>> result = fit(network, X, 2 * X, Cost("squared_error"), update, schedule, epochs=30, progress=False)
    >>> bool(result.history[-1]["cost"] < result.history[0]["cost"])
    True
    """

    update: FirstOrder
    clip_norm: float
    noise_multiplier: float
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "update", privacy_checks.first_order(self.update, FirstOrder))
        object.__setattr__(self, "clip_norm", checks.positive(self.clip_norm, "clip_norm"))
        object.__setattr__(self, "noise_multiplier", privacy_checks.noise_multiplier(self.noise_multiplier))
        object.__setattr__(self, "seed", draw_checks.seed(self.seed))

    def begin(self, network: Network) -> UpdateState:
        """The state of `update`, and {"noise_steps": the number of batch steps for which noise was drawn}."""
        state = self.update.begin(network)
        state.arrays["noise_steps"] = np.zeros((), np.int64)
        return state

    def within(self, cost: Cost, schedule: Any, samples: int) -> PrivateSteps:
        """The steps of a fit of so many samples.

        Raises
        ------
        ValueError
            For a reduction other than mean and sum, and for mean where the schedule does not say how many samples a batch is
            expected to hold.
        """
        mean = privacy_checks.reduction(cost) == "mean"
        return PrivateSteps(self, privacy_checks.expected_batch(schedule, samples) if mean else 1.0)

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """Refused: `within` gives what makes steps."""
        privacy_checks.inside_fit()
        return 0.0

    def epsilon(self, schedule: Any, samples: int, *, epochs: int, delta: float, accountant: str = "rdp") -> float:
        """ε of (ε, δ)-differential privacy after so many epochs.

        Parameters
        ----------
        schedule : schedulers.BatchSchedule
            By Poisson sampling; every batch step of it counts.
        samples : int
            Of the data set.
        epochs : int
            In all, those of earlier runs on the same samples included.
        delta, accountant
            As `engine.privacy.epsilon` has them.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            Where an argument is not as stated, or batches are drawn otherwise: the bound does not hold for them.
        ModuleNotFoundError
            Where dp-accounting is missing.

        Examples
        --------
        >>> from engine import Adam, Private
        >>> from schedulers import BatchSchedule, orders
        >>> schedule = BatchSchedule(100, order=orders.poisson_sampling(0.01))
        >>> Private(Adam(), clip_norm=1.0, noise_multiplier=0.0, seed=0).epsilon(schedule, 10_000, epochs=5, delta=1e-5)
        inf
        """
        probability = privacy_checks.sampling_probability(schedule)
        steps = checks.whole_number(epochs, "epochs", 0) * schedule.steps(samples)
        return privacy.epsilon(probability=probability, steps=steps, noise_multiplier=self.noise_multiplier, delta=delta,
                               accountant=accountant)
