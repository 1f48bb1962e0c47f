"""The loss of residuals: ½ |r_k|² of point k, its target the number of its set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels.losses import CUSTOM
from ..losses import Loss
from ..typing import Array, DType, Indices
from . import set_checks
from .residual import Residual


def _of_outputs(*_: object) -> Array:
    """The loss and its derivatives by outputs alone, which there are not."""
    set_checks.needs_jets()


@dataclass(frozen=True, init=False, repr=False)
class ResidualLoss(Loss):
    """L_k = ½ |r(x_k, jet of u at x_k)|², r the residual of the set to which point k belongs; its target y_k is the set's number.

    Parameters
    ----------
    residuals : sequence of Residual
        One for each set, set 0 first.

    See Also
    --------
    collocation : Points, targets and the cost of several sets at once.

    Examples
    --------
    >>> from engine import Cost, Residual
    >>> from engine.jets import ResidualLoss
    >>> decay = Residual(lambda x, u: u.d(0) + u.value)
    >>> Cost(ResidualLoss([decay]), "mean")
    Cost(ResidualLoss(Residual(<lambda>)), mean)
    """

    residuals: tuple[Any, ...] = ()

    def __init__(self, residuals: Residual | Iterable[Residual]) -> None:
        self._set("residuals", set_checks.residuals(residuals, Residual))

    def _set(self, name: str, residuals: tuple[Any, ...]) -> None:
        """Its fields, those of a Loss among them."""
        fields = {"value": _of_outputs, "gradient": _of_outputs, "hessian": None, "name": name, "code": CUSTOM, "parameter": 0.0,
                  "encoding": None, "residuals": residuals}
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        return f"ResidualLoss({', '.join(map(repr, self.residuals))})"

    def targets(self, y: Any, shape: tuple[int, int], dtype: DType, numbers: Any = None) -> Array:
        """y [m], numbers of sets, as [m, 1] of `dtype`; `numbers` says which points of a data set these are, for messages."""
        return set_checks.set_numbers(y, shape[0], len(self.residuals), dtype, numbers)

    def sets(self, targets: Array) -> list[tuple[Indices, Any]]:
        """(positions among the points, ascending; residual) of every set that has a point among targets [m, 1]."""
        if len(self.residuals) == 1:
            return [(np.arange(len(targets)), self.residuals[0])]
        column = targets[:, 0]
        found = ((np.flatnonzero(column == s), residual) for s, residual in enumerate(self.residuals))
        return [(rows, residual) for rows, residual in found if len(rows)]

    def width(self, n_0: int, n: int) -> int:
        """q, the most numbers of a residual, for a network of n_0 inputs and n outputs."""
        return max(residual.width(n_0, n) for residual in self.residuals)
