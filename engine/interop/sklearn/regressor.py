"""DenseRegressor: a dense network as a scikit-learn regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ...cost import Cost
from ...laplace import laplace
from ...losses import Loss
from ...network import Network
from ...reductions import weighted
from ...typing import Array
from . import estimator_checks
from .base import DenseEstimator


class DenseRegressor(RegressorMixin, DenseEstimator):
    """A dense network as a scikit-learn regressor, with the parameters of `MLPRegressor` where they mean the same.

    The first weights, the order of the samples and what is descended are those of `MLPRegressor` for the same ``random_state``.

    Parameters
    ----------
    hidden_layer_sizes, activation, reduction, update, alpha, batch_size, learning_rate_init, max_iter, shuffle, random_state
        As `DenseClassifier` takes them.
    loss : str or Loss
        Any of `engine.losses` whose targets are numbers; "auto" is squared_error, halved and summed over outputs. Of poisson the
        outputs are logarithms of rates, and predictions the rates; of gaussian_nll predictions are the means; of quantile_loss with
        several q and one column y, one quantile a column.
    tol, n_iter_no_change, early_stopping, validation_fraction, warm_start, verbose, dtype
        As `DenseClassifier` takes them; the held-out score is R².

    Attributes
    ----------
    network_ : Network
        Its outputs are the predictions, before the inverse link of the loss.
    history_, n_features_in_, feature_names_in_, n_iter_, n_layers_, n_outputs_, t_, loss_, best_loss_, loss_curve_
        As `DenseClassifier` has them.
    validation_scores_, best_validation_score_, coefs_, intercepts_
        As `DenseClassifier` has them.

    See Also
    --------
    DenseClassifier
    from_sklearn : A fitted `MLPRegressor` as a Network.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import LevenbergMarquardt
    >>> from engine.interop.sklearn import DenseRegressor
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> model = DenseRegressor((5,), "tanh", update=LevenbergMarquardt(), max_iter=30, random_state=0)
    >>> bool(model.fit(X, np.sin(2 * X[:, 0])).score(X, np.sin(2 * X[:, 0])) > 0.999)
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> DenseRegressor:
        """Train the network.

        Parameters
        ----------
        X : array_like or frame [m, n_0]
        y : array_like [m] or [m, n]
        sample_weight : array_like [m], optional
            At least 0; each batch's cost is the weighted mean of its losses. Samples of weight 0 are left out.

        Returns
        -------
        DenseRegressor
        """
        fitted: DenseRegressor = self._fit(X, y, sample_weight, incremental=False)
        return fitted

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> DenseRegressor:
        """Make one epoch on these samples, with the update's running means and rate as the calls before left them."""
        fitted: DenseRegressor = self._fit(X, y, sample_weight, incremental=True)
        return fitted

    def _targets(self, y: NDArray[Any], fresh: bool, classes: Any) -> tuple[NDArray[Any], int, Loss]:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        loss = estimator_checks.loss_for(self.loss, "squared_error")
        estimator_checks.of_numbers(loss)
        self._flat = y.ndim == 1
        targets = np.asarray(y, np.float64)
        targets = targets[:, None] if self._flat else targets
        return targets, loss.outputs_for(targets.shape[1]), loss

    def _predicted(self, A: Array) -> Array:
        """What outputs A predict: by the inverse link of the loss, of means and variances the means."""
        found = self._loss.inverse_link(A)
        return found[:, :A.shape[1] // 2] if self._loss.name == "gaussian_nll" else found

    def _score(self, A: Array, targets: NDArray[Any], weights: NDArray[Any] | None) -> float:
        """R², the mean over outputs."""
        residual = np.average((targets - self._predicted(A))**2, axis=0, weights=weights)
        spread = np.average((targets - np.average(targets, axis=0, weights=weights))**2, axis=0, weights=weights)
        part = np.divide(residual, spread, out=np.where(residual > 0, 1.0, 0.0), where=spread > 0)
        return float(np.mean(1 - part))

    def predict(self, X: ArrayLike, return_std: bool = False, *, prior_precision: float = 1.0) -> Any:
        """Predictions, by the inverse link of the loss; and how sure they are.

        Parameters
        ----------
        X : array_like or frame [m, n_0]
        return_std : bool
            Whether to give the standard deviation of a new observation too: of gaussian_nll the network's own, of squared_error
            σ √(J* (JᵀJ + τ I)⁻¹ J*ᵀ + 1) under Laplace's approximation of the posterior of θ (`engine.laplace`). σ² is the mean
            squared residual of the training samples, for each output; J and J* are the Jacobians at them and at X of the network
            whose last layer is divided by σ. It takes the training samples, which `fit` keeps, and the memory of P² or (m n)²
            numbers.
        prior_precision : float
            τ, of the prior N(0, 1/τ) of every weight and bias, those of the last layer divided by σ.

        Returns
        -------
        y : ndarray [m], or [m, n] of several targets or quantiles
        std : ndarray of the same shape
            Where `return_std`.
        """
        A = self._outputs(X)
        y = self._predicted(A)
        one = self._flat and y.shape[1] == 1
        y = y[:, 0] if one else y
        if not return_std:
            return y
        if self._loss.name == "gaussian_nll":
            std = np.sqrt(self._loss.inverse_link(A)[:, A.shape[1] // 2:])
        else:
            std = self._spread(X, prior_precision)
        return y, std[:, 0] if one else std

    def _spread(self, X: ArrayLike, prior_precision: float) -> Array:
        """The standard deviation of new observations [m, n]."""
        check_is_fitted(self)
        estimator_checks.with_spread(self._loss, self._training)
        X = validate_data(self, X, dtype=self.network_.dtype, order="C", reset=False)
        if self._posterior is None or self._posterior[0] != prior_precision:
            self._posterior = prior_precision, *self._posterior_of(prior_precision)
        _, sigma, posterior = self._posterior
        variance = np.diagonal(posterior.predict(X)[1], axis1=1, axis2=2)
        return np.asarray(sigma * np.sqrt(variance + 1), self.network_.dtype)

    def _posterior_of(self, prior_precision: float) -> Any:
        """σ of each output [n], and the posterior of θ of the network whose outputs are divided by it."""
        assert self._training is not None  # checked by with_spread
        X, targets, *weights = self._training
        w = weights[0] / weights[0].mean() if weights else np.ones(len(X))
        square = np.average((targets - self.network_(X))**2, axis=0, weights=w)
        least = np.finfo(self.network_.dtype).eps * np.average(targets**2, axis=0, weights=w)  # of a perfect fit
        sigma = np.sqrt(np.maximum(square, np.where(least > 0, least, 1.0)))
        layers = [(self.network_.weight(l), self.network_.bias(l), self.network_.activations[l - 1])
                  for l in range(1, self.network_.depth + 1)]
        weight, bias, activation = layers[-1]
        layers[-1] = weight / sigma[:, None], bias / sigma, activation
        scaled = Network.from_layers(layers, dtype=self.network_.dtype)
        cost = Cost("squared_error", weighted(w))
        return sigma, laplace(scaled, X, targets / sigma, cost, prior_precision=prior_precision)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
