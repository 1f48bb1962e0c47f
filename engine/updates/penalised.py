"""A batch step's cost near θ with a penalty, C + g·δ + ½ |M δ|² + ½ δᵀ Λ δ, around that of the samples alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..network import with_parameters
from ..penalties import Ridge
from ..typing import Array, Number
from .linearised import Linearised, RightSide


class PenalisedLinearised:
    """A Linearised of the cost of the samples and a penalty ½ θᵀ Λ θ, Λ diagonal.

    Frozen numbers of θ are penalised too; their share is a constant.

    Parameters
    ----------
    samples : Linearised
    penalty : Ridge

    Attributes
    ----------
    penalty : Ridge
    added : ndarray [p]
        The diagonal of Λ.
    """

    def __init__(self, samples: Linearised, penalty: Ridge) -> None:
        self.samples, self.penalty = samples, penalty
        self.network, self.cost, self.theta, self.free = samples.network, samples.cost, samples.theta, samples.free
        self.solvers, self.shape, self.size = samples.solvers, samples.shape, samples.size
        shrinkage = np.zeros_like(self.theta)
        self._share = penalty.add(self.network, shrinkage)
        self._shrinkage = shrinkage[self.free]
        self.value = self.theta.dtype.type(samples.value + self._share)
        self.gradient: Array = samples.gradient + self._shrinkage
        self._diagonal = penalty.curvature(self.network)[self.free]
        self.added: Array | None = self._diagonal
        self.normal = samples.normal

    def pushed(self, direction: Array) -> Any:
        """(J v, v) for v [p]."""
        return self.samples.pushed(direction), direction

    def half_square(self, pushed: Any) -> float:
        """½ |M v|² + ½ vᵀ Λ v from (J v, v)."""
        image, direction = pushed
        return self.samples.half_square(image) + 0.5 * float(self._diagonal @ direction**2)

    def normal_product(self, direction: Array) -> Array:
        """(MᵀM + Λ) v [p] for v [p]."""
        return self.samples.normal_product(direction) + self._diagonal * direction

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""
        return self.samples.diagonal() + self._diagonal

    def steepest(self) -> RightSide:
        """D_θ C as Mᵀ w + Λ θ + rest."""
        side = self.samples.steepest()
        return RightSide(self.gradient, side.image, side.rest, self._shrinkage)

    def norm_of(self, image: Any) -> float:
        """|w| of an image."""
        return self.samples.norm_of(image)

    def reduced(self, function: Callable[..., Array], join: Callable[[Array, Array], Array], image: Any = None) -> Array:
        """Map-reduce over the rows of M, which are the samples' alone."""
        return self.samples.reduced(function, join, image)

    def rounding(self, diagonal: Array, image: Any) -> float:
        """The amount by which C may differ for θ whose last digits differ: that of the samples' cost, and ε times the penalty."""
        of_samples = self.samples.rounding(np.maximum(diagonal - self._diagonal, 0), image)
        return of_samples + float(np.finfo(self.theta.dtype).eps) * float(self._share)

    def bend(self, step: Array, pushed: Any, part: float) -> RightSide | None:
        """Jᵀ S Sᵀ times the outputs' second derivative along δ [p]; the penalty is a square of what is linear in θ, and has
        none."""
        return self.samples.bend(step, pushed[0], part)

    def value_at(self, step: Array) -> Number:
        """C at θ + δ for δ [p], infinite where it is not defined."""
        value = self.samples.value_at(step)
        if not np.isfinite(value):
            return np.inf
        theta = self.theta.copy()
        theta[self.free] += step
        return theta.dtype.type(value + self.penalty.add(with_parameters(self.network, theta), np.zeros_like(theta)))


def penalised(samples: Linearised, penalty: Ridge | None) -> Linearised:
    """The cost with its penalty near θ, or that of the samples where there is none."""
    return samples if penalty is None else PenalisedLinearised(samples, penalty)
