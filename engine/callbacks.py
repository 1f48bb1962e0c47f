"""What listens to a run of `fit`, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import callback_checks, checks
from .typing import Row

if TYPE_CHECKING:
    from .network import Network


class Callback:
    """A callback of `fit` that hears of more than each epoch's row: when a run begins, and what each batch step cost.

    Any callable is a callback. A subclass of this one is besides told by the methods below, which do nothing here.

    Examples
    --------
    >>> from engine.callbacks import Callback
    >>> class Largest(Callback):
    ...     def batches(self, sizes, costs):
    ...         self.largest = costs.max()
    ...     def __call__(self, row, network):
    ...         row["largest_batch_cost"] = float(self.largest)
    """

    def begin(self, rows: Iterable[Row]) -> None:
        """Called before the first epoch of a run, with the rows of the epochs that a resumed run has made already."""

    def batches(self, sizes: NDArray[np.int64], costs: NDArray[np.float64]) -> None:
        """Called after each epoch, before the call with its row: the samples of each batch step, and its cost before its update,
        NaN where it holds no sample."""

    def __call__(self, row: Row, network: Network) -> object:
        """Look at an epoch's row; True ends the run."""
        raise NotImplementedError


@dataclass
class EarlyStopping(Callback):
    """End a run once a column of its history has not fallen for `patience` epochs (Prechelt 1998), the best weights restored.

    `fit` tells it of a new run, so that one object serves any number of runs, one after another.

    Parameters
    ----------
    patience : int
        Epochs in a row without a fall after which the run ends, at least 1.
    tolerance : float
        An epoch counts as a fall where the column is below its least value so far by more than this, at least 0.
    monitor : str
        The column of the history: "validation_cost", for which `fit` needs ``validation``, "cost", or what another callback put
        into the row. NaN counts as no fall.
    restore_best : bool
        Whether `fit` gives the network, and the update's state, of the last epoch that counted as a fall, also where the run ends
        for another reason than this. The history keeps every row. Where ``False``, it gives those of the last epoch.

    Attributes
    ----------
    best : float
        The value of the last epoch that counted as a fall; infinite before the first.
    best_epoch : int
        That epoch; -1 before the first.
    stopped : bool
        Whether it ended the run.

    Notes
    -----
    A run that is resumed from a checkpoint goes on counting as if it had never stopped. With `restore_best` that is refused, for a
    checkpoint holds the weights of the last epoch, not of the best one.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Adam, Cost, Network, fit
    >>> from engine.callbacks import EarlyStopping
    >>> from schedulers import BatchSchedule
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> line, stopping = Network((1, 1), ("identity",), np.zeros(2)), EarlyStopping(patience=3)
    >>> result = fit(line, X, 2 * X, Cost("squared_error"), Adam(0.1), BatchSchedule(8), epochs=1000, validation=(X, 2 * X),
    ...              callbacks=[stopping], progress=False)
    >>> stopping.stopped, len(result.history) == stopping.best_epoch + 4
    (True, True)
    """

    patience: int = 10
    tolerance: float = 0.0
    monitor: str = "validation_cost"
    restore_best: bool = True
    best: float = field(default=math.inf, init=False, repr=False, compare=False)
    best_epoch: int = field(default=-1, init=False, repr=False, compare=False)
    stopped: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.patience = checks.whole_number(self.patience, "patience", 1)
        self.tolerance = callback_checks.tolerance(self.tolerance)
        self.monitor = callback_checks.monitor(self.monitor)
        self.restore_best = bool(self.restore_best)

    def begin(self, rows: Iterable[Row] = ()) -> None:
        """Forget the run before, and look at the epochs that a resumed run has made already."""
        self.best, self.best_epoch, self.stopped = math.inf, -1, False
        for row in rows:
            self._see(row)

    def __call__(self, row: Row, network: Network) -> bool:
        """Look at an epoch's row; True where the run is to end."""
        return self._see(row)

    def _see(self, row: Row) -> bool:
        value = callback_checks.monitored(row, self.monitor)
        if value < self.best - self.tolerance:
            self.best, self.best_epoch = value, row["epoch"]
        self.stopped = row["epoch"] - self.best_epoch >= self.patience
        return self.stopped


def restoring(callbacks: Iterable[object]) -> EarlyStopping | None:
    """The one among callbacks whose best epoch a run gives, or None."""
    return next((callback for callback in callbacks if isinstance(callback, EarlyStopping) and callback.restore_best), None)
