"""Class probabilities under a normal distribution of the logits."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from ..typing import Array


def probit(name: str, mean: Array, covariance: Array) -> Array:
    """Probabilities [m, n] of logits N(mean, covariance), each divided by √(1 + π v / 8), v its variance (MacKay 1992)."""
    logits = mean / np.sqrt(1 + np.pi / 8 * np.diagonal(covariance, axis1=1, axis2=2))
    return np.asarray(softmax(logits, axis=1) if name == "softmax_cross_entropy" else expit(logits))


def monte_carlo(name: str, mean: Array, covariance: Array, normal: Array) -> Array:
    """The mean probabilities [m, n] of logits N(mean, covariance) at standard normal draws [count, n], the same for each sample."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    out = np.zeros_like(mean)
    for draw in normal:
        logits = mean + root @ draw
        out += softmax(logits, axis=1) if name == "softmax_cross_entropy" else expit(logits)
    return out / len(normal)
