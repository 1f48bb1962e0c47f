"""The estimators in the company of scikit-learn's tools, and frames of pandas and polars."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.compose import TransformedTargetRegressor  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from engine import Adam, LevenbergMarquardt, losses, reductions  # noqa: E402
from engine.interop.sklearn import DenseClassifier, DenseRegressor  # noqa: E402

pytestmark = [pytest.mark.compiled, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
G = np.random.default_rng(0)
X = 5 + 3 * G.standard_normal((90, 3))
Y = (X[:, 0] - 5) * (X[:, 1] - 5)
TEXT = np.where(X[:, 0] + X[:, 1] > 10, "above", "below")
QUICK = dict(hidden_layer_sizes=(6,), max_iter=30, random_state=0, learning_rate_init=0.02)


def test_in_a_pipeline_and_a_search_of_two_processes():
    pipeline = make_pipeline(StandardScaler(), DenseClassifier(**QUICK))
    assert cross_val_score(pipeline, X, TEXT, cv=3).mean() > 0.85
    grid = {"denseclassifier__update": [Adam(0.02), Adam(1e-5)], "denseclassifier__reduction": ["mean", reductions.cvar(0.5)]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, TEXT)
    assert search.best_score_ > 0.85 and search.best_params_["denseclassifier__update"] == Adam(0.02)
    assert search.predict(X[:3]).tolist() == search.best_estimator_.predict(X[:3]).tolist()


def test_a_clone_has_the_parameters_and_no_network():
    model = DenseRegressor(7, loss=losses.huber(2.0), reduction=reductions.cvar(0.3), update=LevenbergMarquardt(),
                           max_iter=5).fit(X, Y)
    again = clone(model)
    assert again.get_params() == model.get_params() and not hasattr(again, "network_")
    assert again.set_params(hidden_layer_sizes=(3,), alpha=0.0).fit(X, Y).network_.widths == (3, 3, 1)
    assert "huber(2.0)" in repr(model) and "cvar(0.3)" in repr(model)


def test_the_target_scaled():
    model = TransformedTargetRegressor(make_pipeline(StandardScaler(), DenseRegressor(**QUICK)), transformer=StandardScaler())
    assert model.fit(X, Y).predict(X).shape == (90,)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({name: X[:, i] for i, name in enumerate("abc")})
    y = frames.Series(TEXT.tolist()) if library == "pandas" else frames.Series("y", TEXT.tolist())
    model = DenseClassifier(**QUICK).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"] and model.n_features_in_ == 3
    assert np.array_equal(model.predict(frame), DenseClassifier(**QUICK).fit(X, TEXT).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c"]])
    scaler = StandardScaler().set_output(transform=library)
    pipeline = make_pipeline(scaler, DenseRegressor(**QUICK)).fit(frame, Y)
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b", "c"] and pipeline.predict(frame).shape == (90,)
