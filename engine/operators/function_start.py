"""An ensemble of functions at the start of training, where it is not that of the linearised network's own δ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..network import Network
from ..typing import Array
from . import checks as operator_checks
from .gaussian_posterior import in_float64
from .jacobian import Jacobian
from .tangent_flow import tangent_flow


class FunctionStart(NamedTuple):
    """The outputs at the start, of training and then of test samples: their mean and a root of their covariance, in float64."""

    mean: Array  # μ [(m + m′) n]
    root: Array  # R [(m + m′) n, r], the covariance is R Rᵀ


def root_of(covariance: Array) -> Array:
    """R with R Rᵀ the covariance; what is 0 or less to rounding of its eigenvalues is left out."""
    if not covariance.size:
        return covariance
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    kept = values > operator_checks.least_eigenvalue(values)
    return vectors[:, kept] * np.sqrt(values[kept])


def start_of(start: ArrayLike | Sequence[Network], network: Network, X: Array) -> FunctionStart:
    """That of a covariance, of mean 0, or of networks, at all samples X [m + m′, n_0]."""
    members: Any = operator_checks.members(start, network, Network)
    if members is None:
        covariance = operator_checks.start_covariance(start, len(X) * network.widths[-1])
        return FunctionStart(np.zeros(len(covariance)), root_of(covariance))
    outputs = np.stack([in_float64(member)(X).reshape(-1) for member in members])
    mean = outputs.mean(0)
    return FunctionStart(mean, (outputs - mean).T / np.sqrt(len(outputs)))


def predict_from(start: FunctionStart, train: Jacobian, test: Jacobian, targets: Array, noise: float, times: Array,
                 joint: bool) -> tuple[Array, Array]:
    """The mean [T, m′ n] of the outputs of test samples, and their variance [T, m′ n] or covariance [T, m′ n, m′ n].

    A member that starts as f₀ and trains on its own noisy targets has f₀(X*) + Q (y + σ ξ − f₀(X)) with Q = J* q(H) Jᵀ of
    `tangent_flow`, so that with R and R* the root at X and X* its covariance is (R* − Q R)(R* − Q R)ᵀ + σ² Q Qᵀ: sums of squares.
    """
    rows = train.shape[0]
    flow = tangent_flow(train, np.column_stack([targets - start.mean[:rows], start.root[:rows]]), noise)
    operator_checks.noise_held(noise, flow.least)
    along, gains = flow.reach(test, times)
    mean = start.mean[rows:] + (gains * flow.columns[:, 0]) @ along.T
    spreads = []
    for gain in gains:
        reached = along * gain
        left = start.root[rows:] - reached @ flow.columns[:, 1:]
        if joint:
            spreads.append(left @ left.T + noise * (reached @ reached.T))
        else:
            spreads.append(np.sum(left**2, axis=1) + noise * np.sum(reached**2, axis=1))
    return mean, np.stack(spreads)
