"""Which samples are held out to test on: by chance, in equal shares of each class, or whole groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import option_checks

Indices = NDArray[np.int64]


def by_chance(m: int, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """The samples to train on and those to test on, round(m · fraction) of them."""
    tested, order = option_checks.split_sizes(m, fraction), np.random.default_rng(seed).permutation(m)
    return order[tested:], order[:tested]


def stratified(classes: NDArray[np.integer], fraction: float, seed: int) -> tuple[Indices, Indices]:
    """The same number of samples, so that each class has its share among them and at least one sample to train on.

    Shares are rounded down, and what is left goes to the classes with the largest remainders.
    """
    m = len(classes)
    tested, order = option_checks.split_sizes(m, fraction), np.random.default_rng(seed).permutation(m)
    counts = np.bincount(classes)
    share = tested * counts / m
    quota = np.minimum(np.floor(share).astype(np.int64), np.maximum(counts - 1, 0))
    for k in np.argsort(quota - share, kind="stable"):
        if quota.sum() < tested and quota[k] < counts[k] - 1:
            quota[k] += 1
    ordered, rank = classes[order], np.empty(m, np.int64)
    for k in range(len(counts)):
        rank[ordered == k] = np.arange(counts[k])
    held_out = rank < quota[ordered]
    if not held_out.any():
        return order[tested:], order[:tested]
    return order[~held_out], order[held_out]


def by_groups(groups: NDArray[np.integer], fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Whole groups in an order by chance, held out until their samples come nearest to m · fraction; at least one on each side."""
    option_checks.split_sizes(len(groups), fraction)
    counts = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(counts))
    total = np.cumsum(counts[order])
    tested = 1 + int(np.argmin(np.abs(total[:-1] - fraction * len(groups))))
    held_out = np.isin(groups, order[:tested])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
