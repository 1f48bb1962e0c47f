"""Checks of costs of residuals: of their sets of points and their targets."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..checks import finite, float_array, positive, real_array
from ..drawn import Drawn
from ..object_checks import shown
from ..typing import Array, DType
from .checks import a_residual


def residuals(values: Any, kind: type) -> tuple[Any, ...]:
    """One Residual or more."""
    found = (values,) if isinstance(values, kind) else values
    try:
        found = tuple(found)
    except Exception:  # whatever the object's own iteration raises
        found = (values,)
    for k, residual in enumerate(found):
        a_residual(residual, kind, f"residuals[{k}]")
    if not found:
        raise ValueError("residuals must hold one engine.Residual or more, but holds none")
    first: dict[str, float] = {}
    for name, value in (pair for residual in found for pair in residual.unknowns):
        if first.setdefault(name, value) != value:
            raise ValueError(f"residuals that share an unknown must give it one first value, but {name!r} begins at {first[name]} "
                             f"and at {value}; give both the same, or another name")
    return found


def set_numbers(y: Any, m: int, sets: int, dtype: DType, numbers: Any) -> Array:
    """y [m] as set numbers [m, 1] of `dtype`."""
    array = real_array(y, "y")
    some_points(m)
    if array.shape not in ((m,), (m, 1)):
        raise ValueError(f"y must have shape [{m}], the number of each point's set, but has shape {list(array.shape)}; "
                         "engine.collocation gives it")
    array = np.array(array.reshape(m, 1), dtype)
    wrong = ~((array >= 0) & (array < sets) & (array == np.floor(array)))
    if wrong.any():
        k = int(np.argmax(wrong))
        place = k if numbers is None else int(numbers[k])
        raise ValueError(f"y must hold set numbers 0 … {sets - 1}, for the cost has {sets} "
                         f"{'residual' if sets == 1 else 'residuals'}, but y[{place}] is {array[k, 0]:g}; engine.collocation gives "
                         "y and the cost together")
    return array


def slope_targets(y: Any, m: int, n: int, dtype: DType, numbers: Any) -> Array:
    """y [m, n (1 + n_0)]: u and its gradient."""
    array = real_array(y, "y")
    some_points(m)
    columns = array.shape[1] if array.ndim == 2 else 0
    if array.ndim != 2 or len(array) != m or columns % n or columns < 2 * n:
        raise ValueError(f"y must have shape [{m}, n (1 + n_0)] for sobolev, n = {n} outputs and their gradients output by output, "
                         f"but has shape {list(array.shape)}; np.concatenate([u, gradient.reshape(m, -1)], 1) makes it")
    return finite(np.array(array, dtype, order="C"), "y", numbers, array)


def some_points(m: int) -> None:
    """Refuse no points at all."""
    if m == 0:
        raise ValueError("a cost needs at least one sample, but X holds none")


def slopes_fit(columns: int, n: int, n_0: int) -> None:
    """Refuse targets of another number of inputs."""
    if columns != n * (1 + n_0):
        raise ValueError(f"y must have {n * (1 + n_0)} columns for sobolev, n (1 + n_0) with n = {n} outputs and n_0 = {n_0} "
                         f"inputs, but has {columns}")


def needs_targets(targets: Any) -> Array:
    """The targets of a residual that has them."""
    if targets is None:
        raise TypeError("sobolev's residual needs its targets [m, n (1 + n_0)]")
    found: Array = targets
    return found


def needs_jets() -> NoReturn:
    """Refuse to compute residuals of outputs alone."""
    raise ValueError("a cost of residuals cannot be computed from outputs A alone, for residuals need the network's derivatives "
                     "in its inputs; use engine.value_and_gradient(network, X, y, cost)")


def point_sets(sets: tuple[Any, ...], kind: type) -> list[tuple[Any, Any, float]]:
    """(points, residual, weight) of each set, points [m, n_0] of one n_0, float32 where they are that, or a Drawn."""
    if not sets:
        raise ValueError("collocation needs one set of points or more: collocation((points, residual, weight), …)")
    found: list[tuple[Any, Any, float]] = []
    for k, each in enumerate(sets):
        if not isinstance(each, (tuple, list)) or len(each) not in (2, 3):
            raise TypeError("collocation's sets must each be (points, residual, weight), or (points, residual) of weight 1, but "
                            f"set {k} is {shown(each)}")
        name = f"set {k}'s points"
        points = each[0] if isinstance(each[0], Drawn) else float_array(each[0], name)
        if points.ndim != 2 or len(points) == 0 or points.shape[1] == 0:
            hint = "; points[:, None] makes one column of them" if points.ndim == 1 and len(points) else ""
            raise ValueError(f"{name} must have shape [m, n_0], one row a point and m at least 1, but have shape "
                             f"{list(points.shape)}{hint}")
        if found and points.shape[1] != found[0][0].shape[1]:
            raise ValueError(f"all points must have as many columns, but set 0 has {found[0][0].shape[1]} and set {k} has "
                             f"{points.shape[1]}; give the points of a boundary with all their coordinates")
        if not isinstance(points, Drawn):
            finite(np.ascontiguousarray(points), name)
        residual = a_residual(each[1], kind, f"set {k}'s residual")
        found.append((points, residual, positive(each[2], f"set {k}'s weight") if len(each) == 3 else 1.0))
    return found
