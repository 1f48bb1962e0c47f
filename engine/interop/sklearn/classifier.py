"""DenseClassifier: a dense network as a scikit-learn classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from ...losses import Loss
from ...typing import Array
from . import estimator_checks
from .base import DenseEstimator, weighted_average

PROBABLE = ("softmax_cross_entropy", "binary_cross_entropy")  # losses whose outputs are logits
ONE_OUTPUT = ("binary_cross_entropy", "hinge")  # losses that tell two classes apart by the sign of one output


def _probable(estimator: Any) -> bool:
    """Whether an estimator's outputs are logits."""
    loss = estimator._loss if hasattr(estimator, "_loss") else estimator.loss
    return getattr(loss, "name", loss) in ("auto", *PROBABLE)


class DenseClassifier(ClassifierMixin, DenseEstimator):
    """A dense network as a scikit-learn classifier, with the parameters of `MLPClassifier` where they mean the same.

    The first weights, the order of the samples and what is descended are those of `MLPClassifier` for the same ``random_state``.
    Text and other labels, several labels a sample, and the weights of samples go with it.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        The widths of the hidden layers, () for none.
    activation : str, Activation or a sequence of them
        Of the hidden layers, any of `engine.activations`, or one for each layer; "logistic" is the sigmoid.
    loss : str or Loss
        "auto" takes binary_cross_entropy for two classes (one output) and for several labels a sample, else softmax_cross_entropy.
        Losses of values (squared_error …) see a one where the class is, and zeros elsewhere; hinge tells each class from the rest.
    reduction : str or Reduction
        From a batch's losses to its cost, any of `engine.reductions`.
    update : Update, optional
        Any of the engine's updates, by default ``Adam(learning_rate_init)``. Second-order updates take all samples at once unless
        `batch_size` says otherwise.
    alpha : float or "auto"
        A penalty alpha / (2 n) ‖W‖² on the weights and not the biases, for batches of n samples. "auto" is 1e-4, and 0 for
        second-order updates.
    batch_size : int or "auto"
        "auto" is 200, or all samples where they are fewer.
    learning_rate_init : float
        The rate of the default update.
    max_iter : int
        The most epochs of a `fit`.
    shuffle : bool
        Whether the samples are put in another order for each epoch.
    random_state : int, RandomState or None
    tol : float
        What counts as an improvement of the training loss, or of the held-out score.
    n_iter_no_change : int or inf
        Training ends after more than so many epochs in a row without an improvement.
    early_stopping : bool
        Whether to hold out samples (as many of each class where there are two), end by their score and give the network that
        scored best.
    validation_fraction : float
        The share of the samples that is held out.
    warm_start : bool
        Whether `fit` goes on from the network of the `fit` before, with a new state of the update.
    verbose : bool
        Whether to print the loss of each epoch.
    dtype : float32, float64 or None
        Of the network; None takes that of X where it is float32, else float64.

    Attributes
    ----------
    network_ : Network
        It ends before the softmax or the sigmoid: its outputs are logits.
    classes_ : ndarray
        The labels, in order.
    history_ : History
        A row for each epoch of the last `fit`.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.
    n_iter_, n_layers_, n_outputs_, t_, loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
        As `MLPClassifier` has them.
    coefs_, intercepts_ : list of ndarray
        The network's weights and biases, as `MLPClassifier` has them.

    See Also
    --------
    DenseRegressor
    from_sklearn : A fitted `MLPClassifier` as a Network.

    Examples
    --------
    >>> import numpy as np
    >>> from engine.interop.sklearn import DenseClassifier
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), ["low", "low", "high", "high"]
    >>> model = DenseClassifier((4,), learning_rate_init=0.1, tol=0.01, random_state=0)
    >>> model.fit(X, y).predict([[-3.0], [3.0]]).tolist()
    ['low', 'high']
    """

    classes_: NDArray[Any]

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> DenseClassifier:
        """Train the network.

        Parameters
        ----------
        X : array_like or frame [m, n_0]
        y : array_like [m], or [m, labels] of 0 and 1
        sample_weight : array_like [m], optional
            At least 0; each batch's cost is the weighted mean of its losses. Samples of weight 0 are left out.

        Returns
        -------
        DenseClassifier
        """
        fitted: DenseClassifier = self._fit(X, y, sample_weight, incremental=False)
        return fitted

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None,
                    sample_weight: ArrayLike | None = None) -> DenseClassifier:
        """Make one epoch on these samples, with the update's running means and rate as the calls before left them.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.
        classes : array_like
            All classes that any call may hold; needed at the first call alone.

        Returns
        -------
        DenseClassifier
        """
        estimator_checks.first_classes(classes, not hasattr(self, "network_") and (np.ndim(y) < 2 or np.shape(y)[1] == 1))
        fitted: DenseClassifier = self._fit(X, y, sample_weight, incremental=True, classes=classes)
        return fitted

    def _targets(self, y: NDArray[Any], fresh: bool, classes: Any) -> tuple[NDArray[Any], int, Loss]:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        estimator_checks.one_label_each(kind)
        self._multilabel = kind == "multilabel-indicator"
        if self._multilabel:
            return self._label_targets(y.toarray() if hasattr(y, "toarray") else np.asarray(y), fresh)
        y = column_or_1d(y, warn=True)
        if fresh:
            self.classes_ = np.unique(y if classes is None else np.asarray(classes))
        estimator_checks.same_classes(y, self.classes_)
        numbers, count = np.searchsorted(self.classes_, y), len(self.classes_)
        loss = estimator_checks.loss_for(self.loss, "binary_cross_entropy" if count == 2 else "softmax_cross_entropy")
        estimator_checks.classifying(loss, False)
        if loss.kind == "classes":
            return numbers, count, loss
        if loss.name in ONE_OUTPUT and count == 2:
            chosen = numbers[:, None]
        else:
            chosen = numbers[:, None] == np.arange(count)
        return _marked(chosen, loss), chosen.shape[1], loss

    def _label_targets(self, y: NDArray[Any], fresh: bool) -> tuple[NDArray[Any], int, Loss]:
        """The targets of several labels a sample."""
        if fresh:
            self.classes_ = np.arange(y.shape[1])
        estimator_checks.same_classes(np.arange(y.shape[1]), self.classes_)
        loss = estimator_checks.classifying(estimator_checks.loss_for(self.loss, "binary_cross_entropy"), True)
        return _marked(y, loss), y.shape[1], loss

    def _decision(self, A: Array) -> Array:
        """What decides, from outputs [m, n]: [m] above 0 for the second of two classes, else [m, n]."""
        if self._multilabel:
            return A if self._loss.name in ONE_OUTPUT else A - A.dtype.type(0.5)
        if A.shape[1] == 2:
            return A[:, 1] - A[:, 0]
        return A[:, 0] if A.shape[1] == 1 and len(self.classes_) == 2 else A

    def _decided(self, decision: Array) -> NDArray[np.int64]:
        """Class numbers [m], or [m, labels] of 0 and 1."""
        if self._multilabel or decision.ndim == 1:
            return (decision > 0).astype(np.int64)
        return np.argmax(decision, axis=1)

    def _score(self, A: Array, targets: NDArray[Any], weights: NDArray[Any] | None) -> float:
        found, right = self._decided(self._decision(A)), targets
        if self._multilabel:
            return weighted_average((found == (targets > 0)).all(axis=1), weights)
        if targets.ndim == 2:
            right = targets[:, 0] > 0 if targets.shape[1] == 1 else np.argmax(targets, axis=1)
        return weighted_average(found == right, weights)

    def _stratified_by(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """The classes where they are two, as scikit-learn's MLPs do."""
        return None if self._multilabel or len(self.classes_) != 2 else targets.reshape(len(targets), -1)[:, -1]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each sample [m], or [m, labels] of 0 and 1."""
        numbers = self._decided(self._decision(self._outputs(X)))
        return numbers if self._multilabel else self.classes_[numbers]

    def decision_function(self, X: ArrayLike) -> Array:
        """What decides: [m] for two classes, above 0 for the second; else a number for each class or label [m, n]."""
        return self._decision(self._outputs(X))

    @available_if(_probable)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class or label [m, n], by the loss's inverse link; of losses whose outputs are logits."""
        A = self._outputs(X)
        p = self._loss.inverse_link(A)
        if self._multilabel or self._loss.kind == "classes":
            return p
        if A.shape[1] == 1:
            return np.hstack([self._loss.inverse_link(-A), p])
        return p / p.sum(axis=1, keepdims=True)

    @available_if(_probable)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: ArrayLike) -> Array:
        """The logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _marked(chosen: NDArray[Any], loss: Loss) -> NDArray[np.float64]:
    """1 where a class or label is, 0 or, as the loss wants it, −1 elsewhere."""
    marks = np.asarray(chosen, np.float64)
    return 2 * marks - 1 if loss.kind == "signs" else marks
