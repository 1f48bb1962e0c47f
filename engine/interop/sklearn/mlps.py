"""from_sklearn: a fitted MLP of scikit-learn, or a pipeline that ends in one, as a Network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ...activations import Activation
from ...network import Network
from . import mlp_checks
from .base import DenseEstimator

Layer = tuple[NDArray[Any], NDArray[Any], str | Activation]
Affine = tuple[NDArray[Any], NDArray[Any]]  # x ↦ M x + c, M [k] for a diagonal or [k, n_0]
ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def from_sklearn(estimator: Any, dtype: DTypeLike | None = None) -> Network:
    """A fitted MLP of scikit-learn as a Network.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor, DenseClassifier or DenseRegressor, fitted
        Or a Pipeline that ends in one and begins with any of StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and PCA,
        which become part of the first layer, so that the network takes raw features. Or a TransformedTargetRegressor of one, whose
        scaler of the target becomes part of the last layer. Or a search over any of these, whose best estimator is taken.
    dtype : float32 or float64, optional
        Of the network; by default that of the weights.

    Returns
    -------
    Network
        Its outputs are before the softmax or sigmoid of a classifier, and before the exponential of ``loss="poisson"``, where the
        engine's losses take them: ``loss.inverse_link(network(X))`` is `predict_proba`, or `predict` of a regressor. A classifier
        of two classes has one output, the logit of the second.

    Raises
    ------
    ValueError, TypeError
        Where a step or an estimator is another one, which it names.
    sklearn.exceptions.NotFittedError
        Where it is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neural_network import MLPRegressor
    >>> from engine.interop.sklearn import from_sklearn
    >>> X = np.linspace(-1, 1, 30)[:, None]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> network = from_sklearn(mlp)
    >>> network.widths, bool(np.allclose(network(X)[:, 0], mlp.predict(X)))
    ((1, 8, 1), True)
    """
    layers = _layers(estimator)
    kept = layers[0][0].dtype if dtype is None else dtype
    return Network.from_layers(layers, dtype=kept)


def _layers(estimator: Any) -> list[Layer]:
    """The layers of an estimator, from its raw features to its outputs."""
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
        check_is_fitted(estimator)
        return _layers(mlp_checks.refitted(estimator))
    if isinstance(estimator, Pipeline):
        return _pipeline(estimator)
    if isinstance(estimator, TransformedTargetRegressor):
        return _transformed(estimator)
    mlp_checks.known(estimator, (MLPClassifier, MLPRegressor, DenseEstimator))
    check_is_fitted(estimator)
    if isinstance(estimator, DenseEstimator):
        network = estimator.network_
        return [(network.weight(l), network.bias(l), network.activations[l - 1]) for l in range(1, network.depth + 1)]
    hidden = ACTIVATIONS[estimator.activation]
    names = [hidden] * (len(estimator.coefs_) - 1) + ["identity"]
    return [(coef.T, bias, name) for coef, bias, name in zip(estimator.coefs_, estimator.intercepts_, names)]


def _pipeline(pipeline: Pipeline) -> list[Layer]:
    """The layers of a pipeline's last step, what comes before it put into the first."""
    layers = _layers(pipeline.steps[-1][1])
    for name, step in reversed(pipeline.steps[:-1]):
        if step is not None and step != "passthrough":
            layers[0] = _before(_affine(step, f"the pipeline's step {name!r}"), layers[0])
    return layers


def _before(affine: Affine, layer: Layer) -> Layer:
    """A layer that takes x where `layer` takes M x + c."""
    M, c = affine
    W, b, activation = layer
    W = W.astype(np.float64)
    return (W * M if M.ndim == 1 else W @ M), b + W @ c, activation


def _affine(step: Any, where: str) -> Affine:
    """x ↦ M x + c of a fitted transformer."""
    mlp_checks.transformer(step, (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, PCA), where)
    check_is_fitted(step)
    if isinstance(step, PCA):
        M = step.components_ / np.sqrt(step.explained_variance_)[:, None] if step.whiten else step.components_
        return M, -M @ step.mean_
    if isinstance(step, MinMaxScaler):
        mlp_checks.no_clipping(step, where)
        return step.scale_, step.min_
    if isinstance(step, MaxAbsScaler):
        return 1 / step.scale_, np.zeros_like(step.scale_)
    center = step.center_ if isinstance(step, RobustScaler) else step.mean_ if step.with_mean else None
    features = step.n_features_in_
    scale = np.ones(features) if step.scale_ is None else step.scale_
    return 1 / scale, -(np.zeros(features) if center is None else center) / scale


def _transformed(estimator: TransformedTargetRegressor) -> list[Layer]:
    """The layers of a regressor whose target was scaled, the scaling undone by the last."""
    check_is_fitted(estimator)
    layers, where = _layers(estimator.regressor_), "the transformer of the target"
    mlp_checks.identity_outputs(estimator.regressor_)
    mlp_checks.elementwise(estimator.transformer_, (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), where)
    M, c = _affine(estimator.transformer_, where)
    W, b, activation = layers[-1]
    layers[-1] = W / M[:, None], (b - c) / M, activation
    return layers
