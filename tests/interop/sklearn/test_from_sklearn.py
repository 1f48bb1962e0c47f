"""from_sklearn: networks of fitted MLPs and of pipelines, whose outputs are theirs."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import (  # noqa: E402
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from engine import losses  # noqa: E402
from engine.interop.sklearn import DenseRegressor, from_sklearn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
G = np.random.default_rng(0)
X = 20 + 3 * G.standard_normal((60, 4))
Y = np.column_stack([100 + 20 * np.sin(X[:, 0]), X[:, 1]])
C = G.integers(0, 3, 60)
CLOSE = dict(rtol=1e-9, atol=1e-9)


def mlp(kind=MLPRegressor, **settings):
    return kind(**{"hidden_layer_sizes": (5, 4), "max_iter": 20, "random_state": 0, **settings})


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_outputs_are_the_mlps(activation):
    for y in (Y, Y[:, 0]):
        fitted = mlp(activation=activation).fit(X, y)
        np.testing.assert_allclose(from_sklearn(fitted)(X).reshape(np.shape(y)), fitted.predict(X), **CLOSE)
    fitted = mlp(MLPClassifier, activation=activation).fit(X, C)
    network = from_sklearn(fitted)
    np.testing.assert_allclose(losses.softmax_cross_entropy.inverse_link(network(X)), fitted.predict_proba(X), **CLOSE)
    fitted = mlp(MLPClassifier, activation=activation).fit(X, C > 0)
    p = losses.binary_cross_entropy.inverse_link(from_sklearn(fitted)(X))
    np.testing.assert_allclose(p[:, 0], fitted.predict_proba(X)[:, 1], **CLOSE)


def test_the_dtype_is_that_of_the_weights():
    fitted = mlp().fit(X.astype(np.float32), Y)
    assert from_sklearn(fitted).dtype == np.float32 and from_sklearn(fitted, np.float64).dtype == np.float64
    np.testing.assert_allclose(from_sklearn(fitted)(X), fitted.predict(X.astype(np.float32)), rtol=1e-3, atol=1e-3)


def test_several_labels_and_rates():
    fitted = mlp(MLPClassifier).fit(X, np.column_stack([C > 0, C > 1]).astype(int))
    np.testing.assert_allclose(losses.binary_cross_entropy.inverse_link(from_sklearn(fitted)(X)), fitted.predict_proba(X), **CLOSE)
    try:
        fitted = mlp(loss="poisson").fit(X / 20, C)
    except TypeError:
        return  # of a scikit-learn before 1.7
    np.testing.assert_allclose(losses.poisson.inverse_link(from_sklearn(fitted)(X / 20))[:, 0], fitted.predict(X / 20), **CLOSE)


@pytest.mark.parametrize("before", [(StandardScaler(),), (StandardScaler(with_mean=False),), (StandardScaler(with_std=False),),
                                    (MinMaxScaler((-1, 2)),), (MaxAbsScaler(),), (RobustScaler(),), (PCA(3),),
                                    (PCA(2, whiten=True),), (RobustScaler(), PCA(4), "passthrough", MinMaxScaler())], ids=str)
def test_scalers_before_it_become_part_of_the_first_layer(before):
    pipeline = make_pipeline(*before, mlp(activation="tanh")).fit(X, Y)
    network = from_sklearn(pipeline)
    assert network.widths == (4, 5, 4, 2)
    np.testing.assert_allclose(network(X), pipeline.predict(X), **CLOSE)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()], ids=str)
def test_a_scaler_of_the_target_becomes_part_of_the_last_layer(scaler):
    for y in (Y, Y[:, 0]):
        fitted = TransformedTargetRegressor(make_pipeline(StandardScaler(), mlp()), transformer=scaler).fit(X, y)
        np.testing.assert_allclose(from_sklearn(fitted)(X).reshape(np.shape(y)), fitted.predict(X), **CLOSE)


def test_a_search_gives_its_best():
    search = GridSearchCV(make_pipeline(StandardScaler(), mlp()), {"mlpregressor__alpha": [0.1, 1.0]}, cv=2).fit(X, Y)
    np.testing.assert_allclose(from_sklearn(search)(X), search.predict(X), **CLOSE)
    with pytest.raises(ValueError, match="GridSearchCV must keep its best estimator"):
        from_sklearn(GridSearchCV(mlp(), {"alpha": [0.1]}, cv=2, refit=False).fit(X, Y))


@pytest.mark.compiled
def test_an_estimator_of_ours_gives_its_network():
    fitted = make_pipeline(StandardScaler(), DenseRegressor((3,), max_iter=2, random_state=0)).fit(X, Y)
    np.testing.assert_allclose(from_sklearn(fitted)(X), fitted.predict(X), **CLOSE)


@pytest.mark.parametrize("made, error, message", [
    (lambda: LinearRegression().fit(X, Y), TypeError, "but is LinearRegression.*from_layers"), (lambda: mlp, TypeError, "function"),
    (lambda: MLPRegressor, TypeError, "the class MLPRegressor"), (lambda: mlp(), NotFittedError, "not fitted"),
    (lambda: make_pipeline(PolynomialFeatures(2), mlp()).fit(X, Y), ValueError,
     "'polynomialfeatures' must be .*PolynomialFeatures"),
    (lambda: make_pipeline(ColumnTransformer([("s", StandardScaler(), [0])]), mlp()).fit(X, Y), ValueError, "ColumnTransformer"),
    (lambda: make_pipeline(MinMaxScaler(clip=True), mlp()).fit(X, Y), ValueError, "must not clip"),
    (lambda: make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y), TypeError, "LinearRegression"),
    (lambda: TransformedTargetRegressor(mlp(), transformer=QuantileTransformer(n_quantiles=10)).fit(X, Y), ValueError,
     "the transformer of the target must be one of .*QuantileTransformer"),
    (lambda: TransformedTargetRegressor(mlp(), func=np.log, inverse_func=np.exp).fit(X, Y), ValueError, "FunctionTransformer")])
def test_anything_else_is_refused_by_name(made, error, message):
    with pytest.raises(error, match=message):
        from_sklearn(made())
