"""Checks of what users hand to Kronecker-factored operators and to inverses."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from .. import checks
from ..losses import Loss

BIASES, CURVATURES, FORMS, METHODS = ("joint", "separate"), ("ggn", "empirical", "sampled"), ("exact", "factored"), (
    "cg", "kfac", "neumann")


def draws(samples: Any, curvature: str, loss: Loss, known: Collection[str]) -> int:
    """Number of targets drawn per sample: 1 where None."""
    if curvature != "sampled":
        if samples is not None:
            raise ValueError(f"samples is for curvature='sampled', but curvature is {curvature!r}, which draws nothing; leave "
                             "samples out")
        return 1
    if loss.name not in known or loss.weighted:
        raise ValueError(f"curvature='sampled' needs a loss that implies a model of the targets, {', '.join(known)}, but the "
                         f"cost's is {loss if loss.weighted else loss.name}; take curvature='ggn' or 'empirical'")
    return 1 if samples is None else checks.whole_number(samples, "samples", 1)


def neurons_times_inputs(whole: bool, l: int, biases: str) -> None:
    """Refuse a mask of layer l that is no set of neurons times a set of inputs: no Kronecker product is left of it."""
    if not whole:
        together = "W and b" if biases == "joint" else "W"
        others = "biases='separate', or " if biases == "joint" else ""
        raise ValueError(f"trainable must take from {together} of layer {l} a set of neurons (rows) times a set of inputs "
                         f"(columns{', the bias one of them' if biases == 'joint' else ''}), but cuts through it otherwise; take "
                         f"whole layers, network.mask(weights, biases, layers), {others}ggn(..., trainable=)")


def something_trainable(size: int) -> None:
    """Refuse a mask of nothing."""
    if size == 0:
        raise ValueError("trainable must leave at least one number of θ, but all of it is False")


def form(value: Any, factors: bool) -> str:
    """How to damp; only Kronecker products can be damped factor by factor."""
    value = checks.one_of(value, "form", FORMS)
    if value == "factored" and not factors:
        raise ValueError("form='factored' damps the two factors of a Kronecker product, which an ekfac has not; take "
                         "form='exact', or kfac")
    return value


def only_with(value: Any, name: str, method: str, wanted: str) -> None:
    """Refuse a setting of another method."""
    if value is not None and method != wanted:
        raise ValueError(f"{name} is for method={wanted!r}, but method is {method!r}; leave {name} out")


def solves(operator: Any) -> None:
    """Refuse method="kfac" of what has no solve of its own."""
    if not hasattr(operator, "solve"):
        raise ValueError("method='kfac' needs an operator with a solve of its own, such as kfac(...) or ekfac(...), but is given a "
                         f"{type(operator).__name__}; take inverse(kfac(network, X, y, cost), ..., method='kfac'), or method='cg' "
                         "with preconditioner=kfac(network, X, y, cost)")


def same_size(shape: tuple[int, ...], size: int) -> None:
    """Refuse a preconditioner of another size."""
    if shape != (size, size):
        raise ValueError(f"preconditioner must have the operator's shape [{size}, {size}], but has shape {list(shape)}")


def converges(term: Any, least: float, scale: float) -> None:
    """Refuse a Neumann series whose terms grow, or are not finite."""
    norm = float(np.linalg.norm(term))
    if not norm <= least:
        raise np.linalg.LinAlgError(f"the Neumann series does not converge at scale {scale:g}: it needs 0 < scale < 2 / (largest "
                                    "eigenvalue + damping), and no eigenvalue below −damping; take a smaller scale, or None")
