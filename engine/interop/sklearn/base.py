"""What DenseClassifier and DenseRegressor have in common: parameters, and a fit in scikit-learn's manner."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from schedulers import share

from ...backward import gradient_work
from ...endings import FitResult
from ...errors import Interrupted
from ...history import History
from ...losses import Loss
from ...network import Network
from ...reductions import Reduction
from ...training import fit
from ...typing import Array
from ...updates import FirstOrder, Update, UpdateState
from . import estimator_checks
from .estimator_checks import Settings
from .order import SklearnOrder
from .start import cost_of, first_network
from .watch import Watch

BATCH = 200  # samples of a batch of first-order updates, as scikit-learn has it
WORTH_CORES = 1e7  # multiply-adds of a batch, about 1 ms: below, a second thread's waiting costs more CPU time than it saves
Given = tuple[NDArray[Any], ...]


class DenseEstimator(BaseEstimator):
    """The parameters and the training of a dense network behind scikit-learn's interface."""

    network_: Network

    def __init__(self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, loss: str | Loss = "auto",
                 reduction: str | Reduction = "mean", update: Update | None = None, alpha: Any = "auto", batch_size: Any = "auto",
                 learning_rate_init: float = 1e-3, max_iter: int = 200, shuffle: bool = True, random_state: Any = None,
                 tol: float = 1e-4, n_iter_no_change: float = 10, early_stopping: bool = False, validation_fraction: float = 0.1,
                 warm_start: bool = False, verbose: bool = False, dtype: DTypeLike | None = None) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.reduction = reduction
        self.update = update
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.verbose = verbose
        self.dtype = dtype

    def _targets(self, y: NDArray[Any], fresh: bool, classes: Any) -> tuple[NDArray[Any], int, Loss]:
        """y as the loss takes it, the number of outputs and the loss."""
        raise NotImplementedError

    def _score(self, A: Array, targets: NDArray[Any], weights: NDArray[Any] | None) -> float:
        """The score of outputs A [m, n]."""
        raise NotImplementedError

    def _stratified_by(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """What a held-out set is stratified by."""
        return None

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any = None) -> Any:
        settings = estimator_checks.settings(self)
        estimator_checks.whole_fit(incremental, self.early_stopping)
        fresh = not hasattr(self, "network_") or not (incremental or self.warm_start)
        kept = settings.dtype if fresh else self.network_.dtype
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32] if kept is None else kept, order="C", multi_output=True,
                             reset=fresh)
        targets, outputs, loss = self._targets(y, fresh, classes)
        given: Given = (X, targets)
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            given = X, targets, weights
            if not weights.all() and weights.any():  # what weighs nothing is left out
                given = tuple(part[weights > 0] for part in given)
        if fresh or not incremental or not hasattr(self, "_generator"):
            self._generator = check_random_state(self.random_state)
        widths = (X.shape[1], *settings.hidden, outputs)
        if fresh:
            network = first_network(widths, (*settings.activations, "identity"), self._generator, X.dtype)
            self.loss_curve_: list[float] = []
            self._state: UpdateState | None = None
        else:
            estimator_checks.same_widths(widths, self.network_.widths)
            network = self.network_
        self._loss, self.n_outputs_ = loss, outputs
        return self._trained(network, given, settings, incremental)

    def _trained(self, network: Network, given: Given, settings: Settings, incremental: bool) -> Any:
        """Train `network` on (X, targets) or (X, targets, weights), and keep what came of it."""
        watch = Watch(settings.tol, settings.patience, None, bool(self.verbose))
        if self.early_stopping:
            given, watch = self._held_out(given, settings)
        X, targets, *weights = given
        whole = min(BATCH, len(X)) if isinstance(settings.update, FirstOrder) else len(X)
        batch_size = whole if settings.batch_size is None else min(settings.batch_size, len(X))
        cost = cost_of(self._loss, self.reduction, settings.alpha, weights[0] if weights else None, batch_size)
        order = SklearnOrder(len(X), batch_size, self._generator if self.shuffle else None)
        state = self._state if incremental else None
        try:
            with share.at_most(1 if gradient_work(network, batch_size) < WORTH_CORES else share.cores()):
                result = fit(network, X, targets, cost, _later(settings.update, state), order,
                             epochs=1 if incremental else settings.max_iter, callbacks=(watch,), progress=False, state=state)
        except Interrupted as stop:
            result = stop.result or FitResult(network, History(), state)
            warnings.warn("Training interrupted by user.", stacklevel=3)
        self._keep(result, watch, len(X))
        self._training = None if incremental else given
        if self.n_iter_ == settings.max_iter and not (incremental or watch.stopped):
            warnings.warn(f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the optimization hasn't "
                          "converged yet.", ConvergenceWarning, stacklevel=3)
        return self

    def _keep(self, result: FitResult, watch: Watch, samples: int) -> None:
        """The fitted attributes."""
        self.network_ = result.network if watch.best_network is None else watch.best_network
        self.history_, self._state = result.history, result.state
        self.n_iter_, self.n_layers_ = len(result.history), self.network_.depth + 1
        self.t_ = self.n_iter_ * samples
        self.loss_curve_ = self.loss_curve_ + watch.losses
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        early = self.early_stopping
        self.best_loss_ = None if early else min(self.loss_curve_, default=float("nan"))
        self.validation_scores_ = watch.scores if early else None
        self.best_validation_score_ = watch.best_score if early else None
        self._posterior: Any = None

    def _held_out(self, given: Given, settings: Settings) -> tuple[Given, Watch]:
        """The samples to train on, and a Watch that scores the others after each epoch."""
        parts = train_test_split(*given, random_state=self._generator, test_size=settings.validation_fraction,
                                 stratify=self._stratified_by(given[1]))
        X, targets, *weights = parts[1::2]
        estimator_checks.held_out(len(X))

        def score(network: Network) -> float:
            return self._score(network(X), targets, weights[0] if weights else None)

        return tuple(parts[::2]), Watch(settings.tol, settings.patience, score, bool(self.verbose))

    def _outputs(self, X: ArrayLike) -> Array:
        """The network's outputs A [m, n] at samples in scikit-learn's manner."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=self.network_.dtype, order="C", reset=False)
        return self.network_(X)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, [n_{l−1}, n_l] as scikit-learn has them."""
        check_is_fitted(self)
        return [self.network_.weight(l).T for l in range(1, self.network_.depth + 1)]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer."""
        check_is_fitted(self)
        return [self.network_.bias(l) for l in range(1, self.network_.depth + 1)]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class _Later:
    """A rate that goes on after the batch steps of runs before."""

    def __init__(self, rate: Any, steps: int) -> None:
        self.rate, self.steps = rate, steps

    def __call__(self, time: int) -> Any:
        return self.rate(time + self.steps)


def _later(update: Update, state: UpdateState | None) -> Update:
    """An update whose rate, where it is a function of the batch time step, goes on after the steps that `state` has seen."""
    rate, arrays = getattr(update, "rate", None), {} if state is None else state.arrays
    if not callable(rate) or "steps" not in arrays or not dataclasses.is_dataclass(update):
        return update
    return dataclasses.replace(update, rate=_Later(rate, int(arrays["steps"])))


def weighted_average(values: NDArray[Any], weights: NDArray[Any] | None) -> float:
    """The mean of values [m]."""
    return float(np.average(values, weights=weights))
