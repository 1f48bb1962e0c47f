"""Checks of what users hand to Laplace's approximation, and refusals of what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, network_checks
from ..typing import Array, Mask
from .likelihood import ADDITIVE, KNOWN, Likelihood

STRUCTURES = "full", "kron", "diagonal"
METHODS = "probit", "monte_carlo"
PRIOR = "prior_precision must be a number above 0, [{0}] numbers of at least 0, one for each layer, or [{1}], one for each of θ"


def structure(value: Any) -> str:
    """A structure's name."""
    return checks.one_of(value, "structure", STRUCTURES)


def mask(network: Any, trainable: Any, last_layer: Any) -> Mask:
    """Which numbers of θ are uncertain, [P]."""
    last_layer = network_checks.flag(last_layer, "last_layer")
    if last_layer and trainable is not None:
        raise ValueError("trainable must be None where last_layer is True; "
                         f"trainable=network.mask(layers=[{network.depth}]) is the last layer, and may leave out more")
    if last_layer:
        return np.asarray(network.mask(layers=[network.depth]))
    found = network_checks.trainable(trainable, network.size)
    if found.size == 0:
        return np.ones(network.size, np.bool_)
    if not found.any():
        raise ValueError("trainable must leave a number of θ uncertain, but is False throughout")
    return found


def prior_precision(value: Any, layers: int, size: int) -> float | Array:
    """A number above 0, or [L] or [P] numbers of at least 0."""
    if np.ndim(value) == 0:
        return checks.positive(value, "prior_precision")
    array = checks.real_array(value, "prior_precision")
    if array.shape not in ((layers,), (size,)):
        raise ValueError(f"{PRIOR.format(layers, size)}, but has shape {list(array.shape)}")
    found = checks.cast(array, np.dtype(np.float64), "prior_precision")
    if (found < 0).any():
        raise ValueError(f"{PRIOR.format(layers, size)}, but has {found.min()}")
    return found.copy()


def one_prior(penalised: bool) -> None:
    """Refuse a prior beside the one that a penalty is."""
    if penalised:
        raise ValueError("prior_precision must be None where the cost has a penalty, which is the prior already; leave one of the "
                         "two out")


def same_in_parts(same: bool) -> None:
    """Refuse a vector of precisions that Kronecker factors cannot hold."""
    if not same:
        raise ValueError("prior_precision must be the same for all uncertain numbers of each W^l and of each b^l under structure "
                         "'kron'; take structure='diagonal' or 'full', or give a number or one for each layer")


def whole_parts(whole: bool) -> None:
    """Refuse a mask that cuts a layer's factors."""
    if not whole:
        raise ValueError("trainable must take all of W^l or none, and all of b^l or none, of each layer under structure 'kron'; "
                         "network.mask(...) makes such masks, and structure='diagonal' or 'full' takes any")


def proper(zeros: int, structure: str) -> None:
    """Refuse numbers without a prior precision where the posterior's form divides by it."""
    if zeros:
        why = "structure 'kron'" if structure == "kron" else "structure 'full' with more parameters than outputs of samples"
        raise ValueError(f"{why} needs a prior precision above 0 of every uncertain number, but that of {zeros} is 0; give "
                         "prior_precision, or a penalty of the biases too, ridge(strength, biases=True), or leave the biases out "
                         "with trainable=network.mask(biases=False), or take structure='diagonal'")


def noise(value: Any, likelihood: Likelihood) -> float:
    """σ² > 0, of squared errors alone."""
    found = checks.positive(value, "noise")
    if found != 1 and not likelihood.has_noise:
        raise ValueError(f"noise must be 1 where the loss is not squared_error, but is {found} with {likelihood.cost.loss!r}, "
                         "which has no noise variance; leave it out")
    return found


def evidence(likelihood: Likelihood) -> None:
    """Refuse a cost that is no log likelihood."""
    cost = likelihood.cost
    if cost.loss not in KNOWN:
        raise ValueError(f"the log marginal likelihood needs a loss that is a negative log likelihood, "
                         f"{', '.join(loss.name for loss in KNOWN)}, but the cost's is {cost.loss!r}; predict and sample need none")
    if cost.reduction.name not in ADDITIVE:
        raise ValueError(f"the log marginal likelihood needs a reduction that adds up the samples' losses, {', '.join(ADDITIVE)}, "
                         f"but the cost's is {cost.reduction!r}; predict and sample take any")


def classes(loss: Any) -> str:
    """The name of a loss of classes."""
    if loss.name not in ("softmax_cross_entropy", "binary_cross_entropy"):
        raise ValueError("predict_classes needs the loss softmax_cross_entropy or binary_cross_entropy, but the cost's is "
                         f"{loss!r}; predict gives the mean and the covariance of the outputs")
    return str(loss.name)


def class_method(value: Any) -> str:
    """How class probabilities are found."""
    return checks.one_of(value, "method", METHODS)


def fits(least: dict[str, int], structure: str, max_bytes: int | None, others: Sequence[str]) -> None:
    """Refuse bounds below what a structure holds."""
    if max_bytes is not None and least[structure] > max_bytes:
        fitting = [f"structure={name!r} ({least[name]} bytes)" for name in others if least[name] <= max_bytes]
        rest = ", or ".join([*fitting, "fewer uncertain numbers with last_layer=True or trainable=mask"])
        raise MemoryError(f"max_bytes is {max_bytes}, but structure {structure!r} takes {least[structure]} bytes at least; allow "
                          f"that, or take {rest}")


def not_singular(excess: float, precision: Any) -> None:
    """Refuse a posterior whose precision is singular to within rounding: the prior's is `excess` > 1 times too small."""
    if excess > 1:
        if np.ndim(precision) == 0:
            raise np.linalg.LinAlgError(f"at prior_precision {precision:g} the posterior's precision is singular to within "
                                        f"rounding; take a larger prior_precision, at least {excess * precision:.1e}")
        raise np.linalg.LinAlgError("at this prior_precision the posterior's precision is singular to within rounding; take a "
                                    f"larger prior_precision, at least {excess:.1e} times this")


def determined(flat: int) -> None:
    """Refuse numbers of θ that neither the prior nor the samples hold."""
    if flat:
        raise np.linalg.LinAlgError("the posterior's precision is singular to within rounding: prior_precision is 0 for numbers of "
                                    f"θ that the samples do not determine either ({flat} at least); give them a prior_precision "
                                    "above 0, or leave them out with trainable=mask")
