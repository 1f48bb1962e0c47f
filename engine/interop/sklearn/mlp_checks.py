"""Checks of what is handed to `from_sklearn`."""

from __future__ import annotations

from typing import Any


def _names(kinds: tuple[type, ...]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def known(estimator: Any, kinds: tuple[type, ...]) -> None:
    """Refuse an estimator that holds no dense network."""
    if not isinstance(estimator, kinds):
        given = f"the class {estimator.__name__}" if isinstance(estimator, type) else type(estimator).__name__
        raise TypeError("estimator must be a fitted MLPClassifier, MLPRegressor, DenseClassifier or DenseRegressor, a Pipeline "
                        f"that ends in one, a TransformedTargetRegressor or a search, but is {given}; "
                        "engine.Network.from_layers makes a network of other dense weights")


def transformer(step: Any, kinds: tuple[type, ...], where: str) -> None:
    """Refuse a transformer that is no affine map of each sample."""
    if not isinstance(step, kinds):
        raise ValueError(f"{where} must be one of {_names(kinds)}, which a layer can take in, but is {type(step).__name__}; "
                         "transform X by it, and give from_sklearn the steps after it, pipeline[k:]")


def elementwise(step: Any, kinds: tuple[type, ...], where: str) -> None:
    """Refuse a transformer of targets that the last layer cannot undo."""
    if not isinstance(step, kinds):
        raise ValueError(f"{where} must be one of {_names(kinds)}, which the last layer can undo, but is {type(step).__name__}; "
                         "give from_sklearn the .regressor_, and undo it yourself")


def no_clipping(step: Any, where: str) -> None:
    """Refuse a scaler that clips."""
    if step.clip:
        raise ValueError(f"{where} must not clip, for a layer cannot, but is MinMaxScaler(clip=True); transform X by it, and give "
                         "from_sklearn the steps after it")


def refitted(search: Any) -> Any:
    """The best estimator of a search."""
    if not hasattr(search, "best_estimator_"):
        raise ValueError(f"{type(search).__name__} must keep its best estimator, but was made with refit=False; fit it with "
                         "refit=True")
    return search.best_estimator_


def identity_outputs(regressor: Any) -> None:
    """Refuse a scaled target of a network whose outputs are not the predictions."""
    last = regressor.steps[-1][1] if hasattr(regressor, "steps") else regressor
    linked = getattr(getattr(last, "_loss", None), "name", "") in ("poisson", "binary_cross_entropy")
    if linked or getattr(last, "out_activation_", "identity") != "identity":
        raise ValueError("a TransformedTargetRegressor must hold a regressor whose outputs are its predictions, but the loss of "
                         f"its {type(last).__name__} has a link; give from_sklearn the .regressor_")
