"""What an estimator looks at after each epoch: when it ends the run, and which network was the best."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...callbacks import Callback
from ...network import Network
from ...typing import Row


class Watch(Callback):
    """A callback of `fit` that ends a run as scikit-learn's MLPs do: once the training loss, or the score of held-out samples, has
    not improved by more than `tol` for more than `patience` epochs.

    Parameters
    ----------
    tol : float
    patience : float
        Infinite for never.
    score : callable, optional
        score(network), of held-out samples.
    verbose : bool
        Whether to print each epoch's loss.

    Attributes
    ----------
    losses, scores : list of float
    best_network : Network or None
        Of the best score.
    """

    def __init__(self, tol: float, patience: float, score: Callable[[Network], float] | None, verbose: bool) -> None:
        self._tol, self._patience, self._score, self._verbose = tol, patience, score, verbose
        self._without, self._loss = 0, math.nan
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss, self.best_score = math.inf, -math.inf
        self.best_network: Network | None = None
        self.stopped = False

    def batches(self, sizes: NDArray[np.int64], costs: NDArray[np.float64]) -> None:
        """The loss of an epoch, a mean over samples: that over batch steps has the noise of a last batch of few samples."""
        self._loss = float(sizes @ costs / sizes.sum())

    def __call__(self, row: Row, network: Network) -> bool:
        """Look at an epoch; True where the run is to end."""
        loss = self._loss
        self.losses.append(loss)
        said = f"Iteration {row['epoch'] + 1}, loss = {loss:.8f}"
        if self._score is None:
            improved = loss <= self.best_loss - self._tol
            self.best_loss = min(loss, self.best_loss)
        else:
            score = row["validation_score"] = self._score(network)
            self.scores.append(score)
            said += f"\nValidation score: {score:f}"
            improved = score >= self.best_score + self._tol
            if score > self.best_score:
                self.best_score, self.best_network = score, network
        if self._verbose:
            print(said)
        self._without = 0 if improved else self._without + 1
        self.stopped = self._without > self._patience
        return self.stopped
