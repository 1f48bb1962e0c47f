"""What the estimators compute: as scikit-learn's MLPs do, with the engine's losses, reductions and updates."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402

from engine import (  # noqa: E402
    Adam,
    BayesianRegularization,
    Cost,
    GradientDescent,
    LevenbergMarquardt,
    Network,
    RMSprop,
    losses,
    reductions,
    value_and_gradient,
)
from engine.interop.sklearn import DenseClassifier, DenseRegressor  # noqa: E402
from engine.penalties import ridge  # noqa: E402

pytestmark = [pytest.mark.compiled, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
G = np.random.default_rng(0)
X = G.standard_normal((120, 3))
Y = np.column_stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])])
QUICK = dict(hidden_layer_sizes=(6,), max_iter=15, random_state=0)
TEXT = np.array(["low", "middle", "high"])[np.digitize(X[:, 0], [-0.5, 0.5])]


def standardised(load):
    features, y = load(return_X_y=True)
    return (features - features.mean(0)) / features.std(0), y


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("load, theirs, ours, settings", [
    (load_iris, MLPClassifier, DenseClassifier, dict(hidden_layer_sizes=(8,), batch_size=15)),
    (load_breast_cancer, MLPClassifier, DenseClassifier, dict(activation="logistic", hidden_layer_sizes=(8, 5))),
    (load_diabetes, MLPRegressor, DenseRegressor, dict(activation="tanh", learning_rate_init=0.05, shuffle=False))])
def test_a_run_is_that_of_scikit_learns_mlp(load, theirs, ours, settings, early):
    """The first weights, the order of samples, what is descended and when it ends. Where ε enters Adam differs, and scikit-learn
    divides the penalty of an epoch's last batch by its own number of samples: weights agree, but not to rounding."""
    features, y = standardised(load)
    settings = dict(settings, max_iter=40, random_state=3, early_stopping=early)
    right, found = theirs(**settings).fit(features, y), ours(**settings).fit(features, y)
    assert found.n_iter_ == right.n_iter_ and found.n_layers_ == right.n_layers_ and found.n_outputs_ == right.n_outputs_
    np.testing.assert_allclose(found.loss_curve_, right.loss_curve_, rtol=0.02)
    for mine, other in zip(found.coefs_ + found.intercepts_, right.coefs_ + right.intercepts_):
        np.testing.assert_allclose(mine, other, atol=0.01)
    assert found.score(features, y) == pytest.approx(right.score(features, y), abs=0.005)
    if early:
        np.testing.assert_allclose(found.validation_scores_, right.validation_scores_, atol=0.01)
        assert found.best_validation_score_ == pytest.approx(right.best_validation_score_, abs=0.01) and found.best_loss_ is None
    else:
        assert found.best_loss_ == pytest.approx(right.best_loss_, rel=0.02) and found.validation_scores_ is None
    if isinstance(found, DenseClassifier):
        np.testing.assert_allclose(found.predict_proba(features), right.predict_proba(features), atol=0.01)


def test_a_run_of_whole_batches_has_scikit_learns_weights():
    settings = dict(QUICK, batch_size=30, alpha=0.5)
    right, found = MLPRegressor(**settings).fit(X, Y[:, 0]), DenseRegressor(**settings).fit(X, Y[:, 0])
    for mine, other in zip(found.coefs_ + found.intercepts_, right.coefs_ + right.intercepts_):
        np.testing.assert_allclose(mine, other, atol=1e-5)
    w = G.random(120) + 0.5
    if "sample_weight" in MLPRegressor.fit.__annotations__ or "sample_weight" in MLPRegressor.fit.__code__.co_varnames:
        settings = dict(settings, batch_size=120)
        right, found = MLPRegressor(**settings).fit(X, Y[:, 0], w), DenseRegressor(**settings).fit(X, Y[:, 0], w)
        for mine, other in zip(found.coefs_ + found.intercepts_, right.coefs_ + right.intercepts_):
            np.testing.assert_allclose(mine, other, atol=1e-5)


def test_labels_of_text_and_their_probabilities():
    model = DenseClassifier(**dict(QUICK, max_iter=60, learning_rate_init=0.03)).fit(X, TEXT)
    assert model.classes_.tolist() == ["high", "low", "middle"] and set(model.predict(X)) == set(TEXT)
    assert model.score(X, TEXT) > 0.9 and model.network_.widths == (3, 6, 3)
    p = model.predict_proba(X)
    np.testing.assert_allclose(p.sum(1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p)
    assert np.array_equal(model.classes_[p.argmax(1)], model.predict(X)) and model.decision_function(X).shape == (120, 3)
    two = DenseClassifier(**QUICK).fit(X, TEXT == "low")
    assert two.network_.widths[-1] == 1 and two.decision_function(X).shape == (120,) and two.predict_proba(X).shape == (120, 2)
    assert two.predict(X).dtype == bool and np.array_equal(two.predict(X), two.decision_function(X) > 0)


def test_several_labels_a_sample():
    labels = (X[:, :2] > 0).astype(int)
    model = DenseClassifier(**dict(QUICK, max_iter=80, learning_rate_init=0.03)).fit(X, labels)
    assert model.score(X, labels) > 0.85 and model.predict(X).shape == model.predict_proba(X).shape == (120, 2)
    assert DenseClassifier(**QUICK, early_stopping=True, loss="squared_error").fit(X, labels).predict(X).max() == 1
    with pytest.raises(ValueError, match="several labels a sample"):
        DenseClassifier(**QUICK, loss="softmax_cross_entropy").fit(X, labels)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy", "hinge", "squared_error", losses.huber(0.5)])
@pytest.mark.parametrize("labels", [TEXT, TEXT == "low"], ids=["three", "two"])
def test_every_loss_tells_classes_apart(loss, labels):
    model = DenseClassifier(**dict(QUICK, max_iter=80, learning_rate_init=0.03), loss=loss, early_stopping=False).fit(X, labels)
    assert model.score(X, labels) > 0.85
    assert hasattr(model, "predict_proba") == (getattr(loss, "name", loss) in ("softmax_cross_entropy", "binary_cross_entropy"))
    if hasattr(model, "predict_proba"):
        assert np.array_equal(model.classes_[model.predict_proba(X).argmax(1)], model.predict(X))


def test_several_outputs_and_rates():
    model = DenseRegressor(**dict(QUICK, max_iter=200, learning_rate_init=0.03, hidden_layer_sizes=(20,))).fit(X, Y)
    assert model.predict(X).shape == (120, 2) and model.score(X, Y) > 0.8
    counts = G.poisson(np.exp(X[:, 0]))
    model = DenseRegressor(**dict(QUICK, max_iter=80, learning_rate_init=0.03), loss="poisson").fit(X, counts)
    assert (model.predict(X) > 0).all() and model.score(X, counts) > 0.3


def test_noise_and_quantiles():
    settings = dict(QUICK, max_iter=200, learning_rate_init=0.03, early_stopping=False)
    model = DenseRegressor(**settings, loss="gaussian_nll").fit(X, Y[:, 0])
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (120,) and (std > 0).all() and model.n_outputs_ == 2 and model.score(X, Y[:, 0]) > 0.5
    assert DenseRegressor(**settings, loss="gaussian_nll").fit(X, Y).predict(X).shape == (120, 2)
    low, high = DenseRegressor(**settings, loss=losses.quantile_loss([0.1, 0.9])).fit(X, Y[:, 0]).predict(X).T
    assert (Y[:, 0] < low).mean() < 0.4 and (Y[:, 0] < high).mean() > 0.6
    weighed = DenseClassifier(**settings, loss=losses.softmax_cross_entropy(0.1, [1.0, 1.0, 2.0])).fit(X, TEXT)
    assert weighed.score(X, TEXT) > 0.8 and weighed.predict_proba(X).shape == (120, 3)


@pytest.mark.parametrize("update", [GradientDescent(0.05, momentum=0.9), RMSprop(0.01), Adam(lambda t: 0.05 / (1 + t / 50)),
                                    LevenbergMarquardt()])
@pytest.mark.parametrize("reduction", ["mean", reductions.cvar(0.5), "max"])
def test_every_update_and_reduction(update, reduction):
    model = DenseRegressor(**dict(QUICK, max_iter=30), activation="tanh", update=update, reduction=reduction, tol=0).fit(X, Y)
    assert min(model.loss_curve_) < 0.9 * model.loss_curve_[0]
    assert model.network_.widths == (3, 6, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_that_of_the_samples_or_as_told(dtype):
    model = DenseClassifier(**QUICK).fit(X.astype(dtype), TEXT)
    assert model.network_.dtype == model.predict_proba(X).dtype == dtype
    assert DenseClassifier(**QUICK, dtype=dtype).fit(X, TEXT).network_.dtype == dtype
    assert DenseRegressor(**QUICK).fit(X.astype(dtype), Y[:, 0]).predict(X).dtype == dtype


def test_weights_count_samples():
    """A weight of 2 is a sample twice, one of 0 none, in a batch of all."""
    w = G.integers(0, 3, 120)
    settings = dict(QUICK, batch_size=1000, alpha=0.1)
    for model, y in ((DenseRegressor(**settings), Y), (DenseClassifier(**settings), TEXT)):
        weighted = model.fit(X, y, w).network_.parameters
        again = model.fit(np.repeat(X, w, axis=0), np.repeat(y, w, axis=0)).network_.parameters
        np.testing.assert_allclose(weighted, again, atol=1e-9)
    model = DenseRegressor(**QUICK, early_stopping=True).fit(X, Y, w)
    assert np.isfinite(model.validation_scores_).all()
    with pytest.raises(ValueError, match="sample_weight needs the reduction mean or sum, but the estimator's is"):
        DenseRegressor(**QUICK, reduction="max").fit(X, Y, w)


def test_partial_fit_keeps_the_running_means():
    """Ten calls are ten epochs of one run; a rate that is a function goes on."""
    for update in (None, Adam(lambda t: 0.05 / (1 + t))):
        settings = dict(QUICK, shuffle=False, batch_size=30, update=update, n_iter_no_change=np.inf)
        whole = DenseRegressor(**dict(settings, max_iter=10)).fit(X, Y)
        model = DenseRegressor(**settings)
        for _ in range(10):
            model.partial_fit(X, Y)
        assert np.array_equal(whole.network_.parameters, model.network_.parameters) and len(model.loss_curve_) == 10
    classes = DenseClassifier(**QUICK).partial_fit(X[:4], TEXT[:4], classes=["high", "low", "middle"])
    assert classes.partial_fit(X, TEXT).predict_proba(X).shape == (120, 3)
    with pytest.raises(ValueError, match=r"classes must be given at the first call.*np.unique"):
        DenseClassifier(**QUICK).partial_fit(X, TEXT)
    with pytest.raises(ValueError, match="but holds .*'other'"):
        classes.partial_fit(X[:2], ["low", "other"])
    with pytest.raises(ValueError, match="partial_fit makes one epoch"):
        DenseRegressor(**QUICK, early_stopping=True).partial_fit(X, Y)


def test_a_warm_start_goes_on():
    model = DenseRegressor(**dict(QUICK, warm_start=True)).fit(X, Y)
    first = model.loss_curve_[-1]
    assert model.fit(X, Y).loss_curve_[15] < first and len(model.loss_curve_) == 30
    cold = DenseRegressor(**QUICK).fit(X, Y)
    assert len(cold.fit(X, Y).loss_curve_) == 15
    with pytest.raises(ValueError, match=r"keeps its widths, \(3, 6, 2\), .* ask for \(3, 7, 2\)"):
        model.set_params(hidden_layer_sizes=7).fit(X, Y)


def test_early_stopping_gives_the_best_network_back():
    model = DenseRegressor((30,), "tanh", learning_rate_init=0.1, random_state=1, early_stopping=True, validation_fraction=0.3,
                           n_iter_no_change=5, max_iter=500).fit(X, Y)
    assert model.n_iter_ < 500 and model.best_validation_score_ == max(model.validation_scores_) > model.validation_scores_[-1]
    assert [row["validation_score"] for row in model.history_] == model.validation_scores_


def test_the_spread_of_predictions():
    """On a line with noise, the standard deviation of Bayesian regression with noise σ²; wider away from the samples."""
    x = np.linspace(-1, 1, 80)[:, None]
    y = 3 + 2 * x[:, 0] + 0.1 * G.standard_normal(80)
    model = DenseRegressor((), update=LevenbergMarquardt(), max_iter=20, random_state=0).fit(x, y)
    new = np.array([[0.0], [0.5], [4.0]])
    mean, std = model.predict(new, return_std=True)
    assert np.array_equal(mean, model.predict(new)) and std.shape == (3,)
    design, at = np.hstack([x, np.ones_like(x)]), np.hstack([new, np.ones_like(new)])
    sigma = np.sqrt(np.mean((model.predict(x) - y)**2))
    covariance = np.linalg.inv(design.T @ design + np.eye(2))
    np.testing.assert_allclose(std, sigma * np.sqrt(np.einsum("ij,jk,ik->i", at, covariance, at) + 1), rtol=1e-6)
    assert std[2] > std[0] > 0.06
    assert model.predict(new, return_std=True, prior_precision=1e3)[1][2] < std[2]
    mean, std = DenseRegressor(**QUICK).fit(X, Y * [1, 100]).predict(X[:5], return_std=True)
    assert std.shape == (5, 2) and (std[:, 1] > 10 * std[:, 0]).all()
    weighted = DenseRegressor(**QUICK).fit(X, Y, np.ones(120)).predict(X[:5], return_std=True)[1]
    np.testing.assert_allclose(weighted, DenseRegressor(**QUICK).fit(X, Y).predict(X[:5], return_std=True)[1], rtol=1e-4)
    with pytest.raises(ValueError, match="return_std needs the loss squared_error"):
        DenseRegressor(**QUICK, loss="huber").fit(X, Y).predict(X, return_std=True)
    with pytest.raises(ValueError, match="return_std needs the training samples"):
        DenseRegressor(**QUICK).partial_fit(X, Y).predict(X, return_std=True)


def test_a_run_that_is_interrupted_keeps_what_it_had():
    class Stops(Adam):
        def step(self, problem, theta, state, trainable, time):
            if time == 7:
                raise KeyboardInterrupt
            return super().step(problem, theta, state, trainable, time)

    with pytest.warns(UserWarning, match="interrupted"):
        model = DenseRegressor(**QUICK, batch_size=60, update=Stops()).fit(X, Y)
    assert model.n_iter_ == 3 and model.predict(X).shape == (120, 2)


def test_it_says_where_it_has_not_converged_and_prints_where_told(capsys):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        DenseRegressor(**QUICK, verbose=True).fit(X, Y)
    assert any(warning.category is ConvergenceWarning and "(15)" in str(warning.message) for warning in seen)
    assert capsys.readouterr().out.startswith("Iteration 1, loss = ")


def test_second_order_updates_take_the_penalty_and_may_choose_it():
    settings = dict(QUICK, activation="tanh", max_iter=100)
    model = DenseRegressor(**settings, update=LevenbergMarquardt(), alpha=3.0, tol=0, n_iter_no_change=np.inf).fit(X, Y)
    slope = value_and_gradient(model.network_, X, Y, Cost("squared_error", penalty=ridge(3.0 / len(X))))[1]
    assert np.abs(slope).max() < 1e-3 * np.abs(3.0 / len(X) * model.network_.parameters).max()
    chosen = DenseRegressor(**settings, update=BayesianRegularization()).fit(X, Y)
    assert 5 < chosen.history_[-1]["effective_parameters"] < chosen.network_.size and chosen.score(X, Y) > 0.9


def test_a_fitted_estimator_pickles():
    model = DenseRegressor(**QUICK, update=Adam(0.01), reduction=reductions.cvar(0.5)).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X)) and isinstance(again.network_, Network)
    again.partial_fit(X, Y)


@pytest.mark.parametrize("settings, message", [
    (dict(hidden_layer_sizes=(0,)), "hidden_layer_sizes must be .*0"), (dict(hidden_layer_sizes="8"), "hidden_layer_sizes .*'8'"),
    (dict(activation="no_such"), "no_such"), (dict(hidden_layer_sizes=(3, 3), activation=("tanh",)), "one name or 2"),
    (dict(loss="no_such"), "no_such"), (dict(loss="poisson"), "tell classes apart"), (dict(reduction="no_such"), "no_such"),
    (dict(update="adam"), "update must be None or .*'adam'"), (dict(alpha=-1), "alpha must be"), (dict(alpha="none"), "alpha"),
    (dict(alpha=0.1, update=BayesianRegularization()), 'alpha must be "auto" or 0 with'), (dict(batch_size=0), "batch_size"),
    (dict(learning_rate_init=0), "learning_rate_init"), (dict(max_iter=0), "max_iter"), (dict(tol=-1), "tol"),
    (dict(n_iter_no_change=0), "n_iter_no_change"), (dict(validation_fraction=1.5), "validation_fraction"),
    (dict(shuffle=2), "shuffle must be True or False"), (dict(dtype=int), "dtype"),
    (dict(early_stopping=True, validation_fraction=0.001), "held-out samples|test_size")])
def test_parameters_are_refused_when_it_is_fitted(settings, message):
    model = DenseClassifier(**{**QUICK, **settings})
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, TEXT)


def test_what_it_cannot_learn_is_refused():
    for loss in ("softmax_cross_entropy", "hinge"):
        with pytest.raises(ValueError, match="loss must be one whose targets are numbers"):
            DenseRegressor(**QUICK, loss=loss).fit(X, Y)
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        DenseClassifier(**QUICK).fit(X, np.column_stack([G.integers(0, 3, 120), G.integers(0, 4, 120)]))
    with pytest.raises(NotFittedError):
        DenseRegressor().predict(X)
    with pytest.raises(NotFittedError):
        DenseRegressor().coefs_  # noqa: B018
