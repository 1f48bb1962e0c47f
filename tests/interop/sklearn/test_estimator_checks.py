"""DenseClassifier and DenseRegressor pass scikit-learn's own checks of estimators, none skipped."""

import warnings

import pytest

pytest.importorskip("sklearn")
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from engine.interop.sklearn import DenseClassifier, DenseRegressor  # noqa: E402

SMALL = dict(hidden_layer_sizes=(8,), activation="tanh", learning_rate_init=0.02, max_iter=60, random_state=0)


@pytest.mark.compiled
@parametrize_with_checks([DenseClassifier(**SMALL), DenseRegressor(**SMALL)])
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)
