"""The parameters of losses that are options of their own: smoothed labels, and weights of classes and of answers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import loss_option_checks
from .options import OneLine
from .tables.targets import Targets

BALANCED = "balanced"
LOSS_OF = {"label_smoothing": "softmax_cross_entropy", "class_weights": "softmax_cross_entropy",
           "pos_weight": "binary_cross_entropy"}


def add_loss_options(command: OneLine) -> None:
    """The options of `train`."""
    command.add_argument("--label-smoothing", type=float, metavar="SHARE",
                         help="of softmax_cross_entropy: the share of each target, from 0 to 1, that is spread over all classes")
    command.add_argument("--class-weights", nargs="+", metavar="LABEL=NUMBER",
                         help="of softmax_cross_entropy: what a sample of the class counts for, 1 for a class that is not named; "
                              f"or {BALANCED}, which makes all classes count alike")
    command.add_argument("--pos-weight", type=float, nargs="+", metavar="NUMBER",
                         help="of binary_cross_entropy: what the second class, or an answer of 1, counts for, where the other "
                              "counts for 1; one number, or one for each target")


def loss_settings(options: argparse.Namespace, targets: Targets, train: NDArray[np.int64]) -> dict[str, Any]:
    """The parameters that were given, as the loss of `targets` takes them; `train` are the samples to train on."""
    found = {name: getattr(options, name) for name in LOSS_OF if getattr(options, name) is not None}
    loss_option_checks.of_loss(found, LOSS_OF, targets.loss)
    if "class_weights" in found:
        found["class_weights"] = _class_weights(found["class_weights"], targets, train)
    if "pos_weight" in found:
        found["pos_weight"] = loss_option_checks.each_target(found["pos_weight"], targets.names)
    return found


def _class_weights(words: Sequence[str], targets: Targets, train: NDArray[np.int64]) -> list[float]:
    """A weight for each class; balanced, m / (n m_i) for m_i of m samples to train on in class i of n."""
    n = len(targets.labels)
    if list(words) == [BALANCED]:
        counts = np.bincount(targets.y[train], minlength=n)
        return [float(weight) for weight in len(train) / (n * np.maximum(counts, 1))]
    weights = [1.0] * n
    for k, weight in loss_option_checks.class_weights(words, targets.labels, BALANCED).items():
        weights[k] = weight
    return weights
