"""Sobolev training: a network fitted to values and gradients of a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import positive
from ..typing import Array, DType, Indices
from . import checks, set_checks
from .components import Components
from .residual_loss import ResidualLoss


@dataclass(frozen=True)
class SobolevResidual:
    """r = (u − y_u, √weight (∇u − y_∇)) [n (1 + n_0)], with targets y = (y_u, y_∇), the gradients output by output.

    It has the methods of a `Residual` of which an engine makes use, and takes targets.
    """

    weight: float
    name = "sobolev"
    unknowns = ()

    def width(self, n_0: int, n: int) -> int:
        """q = n (1 + n_0)."""
        return n * (1 + n_0)

    def components(self, x: Array, n_0: int, n: int) -> Components:
        """The value and all first derivatives."""
        return Components(tuple(range(n_0)), ())

    def fixed_seeds(self, x: Array, components: Components, n: int) -> Array:
        """D = ∂r/∂(jet) [m, q, 1 + n_0, n], the same for every network and at every point."""
        m, count = len(x), components.count
        D = np.zeros((m, n * count, count, n), x.dtype)
        root = np.sqrt(self.weight)
        for k in range(n):
            D[:, k, 0, k] = 1
            for i in range(count - 1):
                D[:, n + k * (count - 1) + i, 1 + i, k] = root
        return D

    def values(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
               unknowns: Mapping[str, float] | None = None) -> Array:
        """r [m, q] of x [m, n_0], jets [m, 1 + n_0, n] and targets [m, q], in the dtype of the jets."""
        m, count, n = jets.shape
        checks.jets(jets, len(x), components.count)
        targets = set_checks.needs_targets(targets)
        set_checks.slopes_fit(targets.shape[1], n, count - 1)
        r = np.empty((m, n * count), jets.dtype)
        r[:, :n] = jets[:, 0]
        r[:, n:] = jets[:, 1:].transpose(0, 2, 1).reshape(m, -1)
        r -= targets
        r[:, n:] *= jets.dtype.type(np.sqrt(self.weight))
        return r

    def values_and_seeds(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
                         unknowns: Mapping[str, float] | None = None) -> tuple[Array, Array]:
        """r [m, q], and D = ∂r/∂(jet) [m, q, 1 + n_0, n]."""
        return self.values(x, jets, components, targets), self.fixed_seeds(x, components, jets.shape[2])

    def values_and_slopes(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
                      unknowns: Mapping[str, float] | None = None) -> tuple[Array, Array, Array]:
        """`values_and_seeds`, and no derivatives in unknowns [m, q, 0]."""
        r, D = self.values_and_seeds(x, jets, components, targets)
        return r, D, np.zeros((*r.shape, 0), r.dtype)


@dataclass(frozen=True, init=False, repr=False)
class SobolevLoss(ResidualLoss):
    """L = ½ |u − y_u|² + (weight / 2) |∇u − y_∇|² with targets y [m, n (1 + n_0)]; made by `engine.losses.sobolev`."""

    def __init__(self, weight: float) -> None:
        self._set("sobolev", (SobolevResidual(positive(weight, "weight")),))

    def __repr__(self) -> str:
        return f"sobolev({self.residuals[0].weight!r})"

    def targets(self, y: Any, shape: tuple[int, int], dtype: DType, numbers: Any = None) -> Array:
        """y [m, n (1 + n_0)] checked and cast to `dtype`; n_0 is known where residuals are computed."""
        return set_checks.slope_targets(y, *shape, dtype, numbers)

    def sets(self, targets: Array) -> list[tuple[Indices, Any]]:
        """All points, and the one residual."""
        return [(np.arange(len(targets)), self.residuals[0])]

    def outputs_for(self, columns: int) -> int:
        """Outputs of a network for targets of so many columns: at least one, for how many is a question of its inputs."""
        return 1
