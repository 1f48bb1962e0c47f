"""The order in which scikit-learn's MLPs take samples: one permutation after another of the order before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from schedulers import BatchStep

from ...typing import Indices


class SklearnOrder:
    """A schedule of batches of `batch_size` samples, drawn from a RandomState as `MLPClassifier` draws them.

    Parameters
    ----------
    samples : int
    batch_size : int
    generator : numpy.random.RandomState or None
        None for the samples in their own order.
    """

    def __init__(self, samples: int, batch_size: int, generator: np.random.RandomState | None) -> None:
        self._generator, self._indices = generator, np.arange(samples)
        self._offsets = np.append(np.arange(0, samples, batch_size), samples)

    def joined(self, samples: int, e: int) -> tuple[Indices, Indices]:
        """The batch steps of the next epoch, one after another: indices and offsets."""
        if self._generator is not None:
            permutation = np.arange(samples)
            self._generator.shuffle(permutation)
            self._indices = self._indices[permutation]
        return self._indices, self._offsets

    def epoch(self, samples: int, e: int) -> Iterator[BatchStep]:
        """The batch steps of the next epoch."""
        indices, offsets = self.joined(samples, e)
        for i, (first, stop) in enumerate(zip(offsets, offsets[1:])):
            yield BatchStep(e * (len(offsets) - 1) + i, e, indices[first:stop])
