"""Checks of what users hand to curvature operators, and of the second derivatives that their own functions must have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from .. import checks, object_checks
from ..cost import Cost
from ..jets.residual_loss import ResidualLoss
from ..losses import Loss
from ..network import Network
from ..reductions import Reduction
from ..typing import Array, DType
from .checks import available_bytes


def samples_and_targets(network: Network, X: Any, y: Any, cost: Cost) -> tuple[Array, Array]:
    """X and y as kernels take them, m ≥ 1. The cost may have a penalty."""
    object_checks.network(network, Network)
    object_checks.cost(cost, Cost, penalised=True)
    X = checks.samples(X, network.widths[0], network.dtype)
    return X, cost.targets(y, len(X), network.widths[-1], network.dtype)


def _has(function: object, owner: str, given: str, wanted: str, remedy: str) -> None:
    if function is None:
        raise ValueError(f"{owner} needs {wanted}, but {given} has none; {remedy}")


def residual_loss(loss: Loss) -> None:
    """Refuse a loss that is none of residuals of jets."""
    if not isinstance(loss, ResidualLoss):
        raise ValueError(f"cost must be one of residuals, as engine.collocation makes it, but its loss is {loss!r}; "
                         "engine.operators.LossJacobian serves losses of outputs")


def loss_hessian(loss: Loss, owner: str) -> None:
    """Refuse a loss without ∇²L."""
    _has(loss.hessian, owner, "the cost's Loss", "∇²L, its second derivative", "give engine.Loss a hessian(A, y) [m, n, n]")


def reduction_hessian(reduction: Reduction, owner: str) -> None:
    """Refuse a reduction without ∇²φ."""
    _has(reduction.hessian_product, owner, "the cost's Reduction", "∇²φ",
         "give engine.Reduction a hessian_product(losses, v) [m]")


def second_derivatives(network: Network, owner: str, below: int = 0) -> None:
    """Refuse an activation without g″ in a network of the layers above `below` others."""
    for l, activation in enumerate(network.activations, below + 1):
        _has(activation.second_derivative, owner, f"layer {l}'s activation {activation.name!r}", "g″",
             "give engine.Activation a second_derivative")


def likelihood(loss: Loss, known: Collection[str]) -> None:
    """Refuse a loss that is not the negative logarithm of a model of the targets."""
    if loss.name not in known or loss.weighted:
        raise ValueError(f"fisher needs a loss that implies a model of the targets, {', '.join(known)}, but the cost's is "
                         f"{loss if loss.weighted else loss.name}; use ggn or empirical_fisher")


def draws(samples: Any) -> int | None:
    """Number of targets drawn per sample, or None for the exact expectation."""
    return None if samples is None else checks.whole_number(samples, "samples", 1)


def square_fits(size: int, dtype: DType, owner: str) -> None:
    """Refuse a dense matrix [P, P] that does not fit in memory."""
    wanted, available = size * size * dtype.itemsize, available_bytes()
    if available is not None and wanted > available:
        raise MemoryError(f"a dense {owner} of shape [{size}, {size}] takes {wanted} bytes, but {available} are available; "
                          "use its products, diagonal() or blocks()")


def user_hessian_fits(m: int, size: int, dtype: DType, max_bytes: int) -> None:
    """Refuse what a user's own ∇²φ takes beyond products."""
    wanted = m * (2 * size + m) * dtype.itemsize
    if wanted > max_bytes:
        raise MemoryError(f"max_bytes is {max_bytes}, but the curvature of a user's own reduction takes {wanted} bytes beyond "
                          f"products, [{m}, {size}] and [{m}, {m}] numbers; use its products")


def input_direction(V: Any, shape: tuple[int, ...], dtype: DType) -> Array:
    """A finite direction of X, of X's shape."""
    array = checks.real_array(V, "V")
    if array.shape != shape:
        raise ValueError(f"V must have X's shape {list(shape)}, but has shape {list(array.shape)}")
    return checks.cast(array, dtype, "V")


def parameter_direction(v: Any, size: int, dtype: DType) -> Array:
    """A finite direction of θ."""
    return checks.vector(v, size, dtype, "v", "one number for each of θ")


def finite_hessian(values: Array) -> None:
    """Refuse NaN and infinities in ∇²L that a user's own function gave."""
    checks.finite(np.ascontiguousarray(values), "the loss's hessian")


def user_product(values: Any, shape: tuple[int, ...], dtype: DType) -> Array:
    """∇²φ v [m] that a user's own function gave."""
    return checks.user_array(values, shape, dtype, "the reduction's hessian_product")


def user_second_derivative(values: Any, shape: tuple[int, ...], dtype: DType, name: str) -> Array:
    """g″(z) that a user's own function gave."""
    return np.ascontiguousarray(checks.user_array(values, shape, dtype, f"the second derivative of activation {name!r}"))
