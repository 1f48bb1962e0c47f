"""The scaling of a run folded into its network: raw features in, raw targets out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network
from .tables.scaling import Scaling

COMPARED = 1000  # training samples at which a folded network is compared with the one that was trained


@dataclass(frozen=True)
class Folding:
    """What a run saves of its network.

    Attributes
    ----------
    network : Network
        Of raw features and raw targets where `folded`, else the one that was trained.
    features, targets : Scaling
        What is left to apply to the features, and to undo on the outputs: nothing where `folded`.
    said : str
        How the scaling was dealt with, in words.
    folded : bool
    difference : float
        The largest difference of the outputs at training samples from those of the network that was trained, with the scaling
        applied, in units of their size.
    """

    network: Network
    features: Scaling
    targets: Scaling
    said: str
    folded: bool
    difference: float


def fold(network: Network, features: Scaling, targets: Scaling, X: NDArray[Any]) -> Folding:
    """Fold the scaling of X into W¹ and b¹, and that of the targets into Wᴸ and bᴸ, where rounding allows it.

    W¹ becomes W¹ diag(1 / s) and b¹ becomes b¹ − W¹ (c / s) for features (x − c) / s; Wᴸ becomes diag(s) Wᴸ and bᴸ becomes
    s bᴸ + c for targets (y − c) / s, whose layer is the identity. The network keeps its dtype. It is not folded where a weight
    would not be finite, or where the outputs at the first training samples of the raw X [m, n_0] would change by more than the
    square root of the dtype's rounding.
    """
    layers = [(network.weight(l).astype(np.float64), network.bias(l).astype(np.float64)) for l in range(1, network.depth + 1)]
    with np.errstate(over="ignore", invalid="ignore"):
        layers[0] = _features_folded(*layers[0], features)
        W, b = layers[-1]
        layers[-1] = targets.spread[:, None] * W, targets.spread * b + targets.center
        theta = np.concatenate([part for W, b in layers for part in (W.ravel(), b)]).astype(network.dtype)
    X = X[:COMPARED]
    largest = np.finfo(network.dtype).max
    if not (np.isfinite(theta).all() and np.abs(X).max(initial=0) <= largest):
        why = f"the weights for raw features and targets leave the range of {network.dtype}"
        return Folding(network, features, targets, _apart(why), False, float("nan"))
    made = network.replace(theta)
    trained, found = network(features.applied(X)).astype(np.float64), targets.applied(made(X))
    difference = float((np.abs(found - trained) / np.maximum(1, np.abs(trained))).max(initial=0))
    if not difference <= float(np.finfo(network.dtype).eps) ** 0.5:
        why = f"rounding in {network.dtype} would change outputs by {difference:.1g} of their size"
        return Folding(network, features, targets, _apart(why), False, difference)
    last, gives = "", ""
    if (targets.spread != 1).any() or targets.center.any():
        last, gives = ", that of the targets into those of the last layer", " and gives raw targets"
    said = (f"folded into the weights and biases of the first layer{last}: network.npz takes raw features{gives}; outputs at "
            f"training samples differ by at most {difference:.1g} of their size from those of trained.npz, the network of scaled "
            "features")
    return Folding(made, Scaling.none(len(features.center)), Scaling.none(len(targets.center)), said, True, difference)


def _features_folded(W: NDArray[np.float64], b: NDArray[np.float64],
                     scaling: Scaling) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    raw = W / scaling.spread
    shift = [float((row.astype(np.longdouble) * scaling.center).sum()) for row in raw]
    return raw, b - np.array(shift)


def _apart(why: str) -> str:
    return f"not folded, since {why}: network.npz takes features scaled as scaling.npz says, and gives scaled targets"
