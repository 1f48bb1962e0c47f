"""What a private run reveals: ε for a δ, by the accountants of dp-accounting."""

from __future__ import annotations

import math
from typing import Any

from . import extras, privacy_checks


def epsilon(*, probability: float, steps: int, noise_multiplier: float, delta: float, accountant: str = "rdp") -> float:
    """ε of (ε, δ)-differential privacy after `steps` batch steps of clipped, noisy gradients on Poisson batches.

    Of two data sets that differ in one sample, no set of outcomes of the run is more than e^ε times as likely on one as on the
    other, up to a probability of δ (Abadi et al. 2016). The bound is that of the package dp-accounting, for samples added or
    removed: Rényi differential privacy (Mironov et al. 2019), as Opacus has it, or privacy loss distributions, which are tighter
    and take longer. What is bounded is the run's θ alone: see `engine.Private` for what it takes besides.

    Parameters
    ----------
    probability : float
        With which a batch step takes each sample, in (0, 1].
    steps : int
        Batch steps in all, those without samples included.
    noise_multiplier : float
        The noise's standard deviation over `clip_norm`; 0 gives infinity.
    delta : float
        δ in (0, 1); well below one over the number of samples.
    accountant : str
        "rdp" or "pld".

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated.
    ModuleNotFoundError
        Where dp-accounting is missing: it is in the extra `private`.

    See Also
    --------
    engine.Private : The update, whose `epsilon` takes a schedule.

    Examples
    --------
    >>> from engine import privacy
    >>> privacy.epsilon(probability=0.01, steps=1000, noise_multiplier=0.0, delta=1e-5)
    inf
    """
    probability, steps = privacy_checks.probability(probability), privacy_checks.steps(steps)
    sigma, delta = privacy_checks.noise_multiplier(noise_multiplier), privacy_checks.delta(delta)
    accountant = privacy_checks.accountant(accountant)
    if steps == 0:
        return 0.0
    if sigma == 0:
        return math.inf
    accounting: Any = extras.imported("dp_accounting", "the privacy of a run")
    made = accounting.rdp.RdpAccountant() if accountant == "rdp" else accounting.pld.PLDAccountant()
    made.compose(accounting.PoissonSampledDpEvent(probability, accounting.GaussianDpEvent(sigma)), steps)
    return float(made.get_epsilon(delta))
