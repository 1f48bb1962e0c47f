"""Checks of the networks and costs that users hand to public functions."""

from __future__ import annotations

from typing import Any, TypeVar

Kind = TypeVar("Kind")


def shown(value: object) -> str:
    """A value in an error: as Python writes it where that is short, else its class."""
    try:
        text = repr(value)
    except Exception:  # whatever the object's own text raises
        text = ""
    return text if 0 < len(text) <= 80 and "\n" not in text else f"of type {type(value).__name__}"


def network(value: Any, kind: type[Kind], name: str = "network", *, unknowns: bool = False) -> Kind:
    """A Network; one with unknowns beside θ where the caller knows of these."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be an engine.Network, but is {shown(value)}; engine.Network(widths, activations, parameters) "
                        "makes one, and engine.load(path) reads one")
    if not unknowns and hasattr(value, "unknowns"):
        raise ValueError(f"{name} must be one of θ alone here, but has unknowns of an equation beside it, {shown(value)}; pass its "
                         ".network")
    return value


def cost(value: Any, kind: type[Kind], name: str = "cost", *, penalised: bool = False, residuals: bool = False) -> Kind:
    """A Cost; one with a penalty where the caller knows of penalties, one of residuals where it knows of these."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be an engine.Cost, but is {shown(value)}; engine.Cost(loss, reduction) makes one, "
                        "engine.Cost('squared_error') for instance")
    penalty = getattr(value, "penalty", None)
    if not penalised and penalty is not None:
        raise ValueError(f"{name} must have no penalty here, but has {shown(penalty)}; leave it out with engine.Cost(cost.loss, "
                         "cost.reduction)")
    if not residuals and hasattr(getattr(value, "loss", None), "residuals"):
        raise ValueError(f"{name} must be a cost of outputs here, but is one of residuals, {shown(value)}; those are served by "
                         "engine.value_and_gradient, engine.fit with first-order updates, GaussNewton and LevenbergMarquardt, "
                         "engine.objective, engine.operators.ResidualJacobian and engine.check_derivatives, and not yet by kfac, "
                         "with max_bytes or on a cluster")
    return value
