"""Checks of the parameters of DenseClassifier and DenseRegressor, and of what goes with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import activations as known
from ...activations import Activation
from ...checks import float_dtype, number_where, whole_number
from ...losses import Loss, named
from ...object_checks import shown
from ...typing import DType
from ...updates import Adam, BayesianRegularization, FirstOrder, Update

MLP_NAMES = {"logistic": "sigmoid"}  # activations that scikit-learn names otherwise


class Settings(NamedTuple):
    """An estimator's parameters, checked."""

    hidden: tuple[int, ...]
    activations: tuple[str | Activation, ...]  # of the hidden layers
    update: Update
    alpha: float
    batch_size: int | None  # None for "auto"
    max_iter: int
    tol: float
    patience: float
    validation_fraction: float
    dtype: DType | None


def settings(estimator: Any) -> Settings:
    """The parameters of an estimator, as scikit-learn wants them checked: when it is fitted."""
    hidden = hidden_widths(estimator.hidden_layer_sizes)
    update = estimator.update
    if update is None:
        update = Adam(number_where(estimator.learning_rate_init, "learning_rate_init", "a finite number above 0", lambda x: x > 0))
    elif not isinstance(update, Update):
        raise TypeError(f"update must be None or an update such as engine.Adam(1e-3), but is {shown(update)}")
    for name in ("shuffle", "early_stopping", "warm_start"):
        truth(getattr(estimator, name), name)
    batch_size = None if _is(estimator.batch_size, "auto") else whole_number(estimator.batch_size, "batch_size", 1)
    return Settings(hidden, hidden_activations(estimator.activation, len(hidden)), update, _alpha(estimator.alpha, update),
                    batch_size, whole_number(estimator.max_iter, "max_iter", 1), not_negative(estimator.tol, "tol"),
                    _patience(estimator.n_iter_no_change), _fraction(estimator.validation_fraction),
                    None if estimator.dtype is None else float_dtype(estimator.dtype))


def _is(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


def hidden_widths(value: Any) -> tuple[int, ...]:
    """The widths of hidden layers, one or several; none for a network without hidden layers."""
    if isinstance(value, (int, np.integer)):
        value = (value,)
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"hidden_layer_sizes must be a whole number or several, such as (100,), but is {shown(value)}")
    return tuple(whole_number(width, "hidden_layer_sizes", 1) for width in value)


def hidden_activations(value: Any, layers: int) -> tuple[str | Activation, ...]:
    """An activation for each hidden layer, from one or as many as there are; "logistic" is the sigmoid."""
    given = value if isinstance(value, (tuple, list)) else (value,) * layers
    if len(given) != layers:
        raise ValueError(f"activation must be one name or {layers}, one for each hidden layer, but has {len(given)}")
    made = tuple(known.named(MLP_NAMES.get(one, one) if isinstance(one, str) else one)
                 for one in (given or (value,)))
    return tuple(activation.name if activation.code >= 0 and activation == known.NAMED.get(activation.name) else activation
                 for activation in made)[:layers]


def _alpha(value: Any, update: Update) -> float:
    if _is(value, "auto"):
        return 1e-4 if isinstance(update, FirstOrder) else 0.0
    alpha = number_where(value, "alpha", '"auto" or a finite number of at least 0', lambda number: number >= 0)
    if alpha and isinstance(update, BayesianRegularization):
        raise ValueError(f'alpha must be "auto" or 0 with BayesianRegularization, which chooses the penalty, but is {alpha:g}; '
                         "leave it out, or take LevenbergMarquardt")
    return alpha


def _patience(value: Any) -> float:
    if isinstance(value, float) and value == math.inf:
        return math.inf
    return whole_number(value, "n_iter_no_change", 1)


def _fraction(value: Any) -> float:
    return number_where(value, "validation_fraction", "a number between 0 and 1", lambda number: 0 < number < 1)


def not_negative(value: Any, name: str) -> float:
    """A finite number of at least 0."""
    return number_where(value, name, "a finite number of at least 0", lambda number: number >= 0)


def truth(value: Any, name: str) -> bool:
    """A truth value."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but is {shown(value)}")
    return bool(value)


def loss_for(value: Any, default: str) -> Loss:
    """The loss of a name, or an object of `engine.losses`, or one's own; `default` for "auto"."""
    return named(default if _is(value, "auto") else value)


def classifying(loss: Loss, multilabel: bool) -> Loss:
    """A loss that tells classes apart."""
    if loss.kind == "counts":
        raise ValueError(f"loss must tell classes apart, but {loss!r} is of counts; use softmax_cross_entropy, or DenseRegressor")
    if multilabel and loss.kind == "classes":
        raise ValueError("loss must be binary_cross_entropy, hinge or one of values for several labels a sample, but is "
                         f"{loss!r}, which chooses one of them")
    return loss


def of_numbers(loss: Loss) -> None:
    """Refuse a loss that tells classes apart."""
    if loss.kind in ("classes", "signs"):
        raise ValueError(f"loss must be one whose targets are numbers, but {loss!r} is of classes; use squared_error, or "
                         "DenseClassifier")


def weighable(reduction: Any) -> None:
    """Refuse sample_weight beside a reduction that knows no weights."""
    name = getattr(reduction, "name", reduction)
    if name not in ("mean", "sum"):
        raise ValueError(f"sample_weight needs the reduction mean or sum, but the estimator's is {shown(reduction)}; leave "
                         "sample_weight out, or give the weights to the reduction")


def one_label_each(kind: str) -> None:
    """Refuse several outputs of several classes each."""
    if kind == "multiclass-multioutput":
        raise ValueError("y must hold one class a sample, or [m, labels] of 0 and 1 for several labels, but its columns hold "
                         "several classes each; sklearn.multioutput.MultiOutputClassifier fits one estimator a column")


def first_classes(classes: Any, fresh: bool) -> None:
    """partial_fit must know all classes at its first call."""
    if fresh and classes is None:
        raise ValueError("classes must be given at the first call of partial_fit, all that later calls may hold: "
                         "partial_fit(X, y, classes=np.unique(all_y))")


def same_classes(given: NDArray[Any], classes: NDArray[Any]) -> None:
    """Refuse other classes than an estimator knows."""
    other = np.setdiff1d(given, classes)
    if other.size:
        raise ValueError(f"y must hold the classes that the estimator was first fitted with, {shown(classes.tolist())}, but holds "
                         f"{shown(other.tolist())}; fit with warm_start=False, or name all classes at the first partial_fit")


def same_widths(widths: Sequence[int], fitted: Sequence[int]) -> None:
    """A network that is trained further keeps its widths."""
    if tuple(widths) != tuple(fitted):
        raise ValueError(f"a network that is trained further keeps its widths, {tuple(fitted)}, but hidden_layer_sizes and y ask "
                         f"for {tuple(widths)}; fit with warm_start=False to begin anew")


def whole_fit(incremental: bool, early_stopping: bool) -> None:
    """A single epoch cannot be stopped early."""
    if incremental and early_stopping:
        raise ValueError("partial_fit makes one epoch and knows no early stopping, but early_stopping is True; set it to False")


def held_out(samples: int) -> None:
    """Refuse a held-out set whose score says nothing."""
    if samples < 2:
        raise ValueError(f"early stopping needs at least 2 held-out samples, but validation_fraction leaves {samples}; make it "
                         "larger, or give more samples")


def with_spread(loss: Loss, training: Any) -> None:
    """Refuse a standard deviation where no posterior gives one."""
    if loss.name != "squared_error":
        raise ValueError("return_std needs the loss squared_error or gaussian_nll, whose noise is Gaussian, but the estimator's is "
                         f"{loss!r}")
    if training is None:
        raise ValueError("return_std needs the training samples, which partial_fit does not keep; use fit")
