"""What updates by curvature are given: a batch step as functions of θ, and its cost near θ, C + g·δ + ½ |M δ|² with M = Sᵀ J.

A penalty ½ θᵀ Λ θ adds ½ δᵀ Λ δ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from schedulers import BatchStep

from ..cost import Cost
from ..network import Network
from ..operators.output_hessian import OutputHessian
from ..typing import Array, DType, Indices, Mask, Number

OutputHessianOf = Callable[[Any, Array, Array, Array], OutputHessian]  # of (loss, A, targets, ∇φ), as `output_hessians` has them


class RightSide(NamedTuple):
    """Mᵀ image + Λ θ + rest: `vector` [p] is the sum; `rest` [p] is None where the others make it, `shrinkage`, Λ θ [p], where
    there is no penalty.

    `image` is an array [mn], or what another kind of Linearised keeps in its place.
    """

    vector: Array
    image: Any
    rest: Array | None
    shrinkage: Array | None = None


class Linearised(Protocol):
    """The cost of a batch step to second order in θ, by the outputs' Jacobian J and the losses' curvature alone (Gauss–Newton).

    M = Sᵀ J, where S Sᵀ = H is the curvature of the losses at the outputs, weighted by ∇φ, a block for each sample. p counts the
    numbers of θ that are trainable. Images (J v and M v, m n numbers) may be arrays or stay where the samples are. A penalty of the
    cost is part of the value, the gradient and the curvature, but M is the samples' alone.

    Attributes
    ----------
    network : Network
        At θ.
    cost : Cost
    theta : ndarray [P]
    free : slice or ndarray of int [p]
        Which numbers of θ are trainable.
    value : float
        C (eq. 14).
    gradient : ndarray [p]
        D_θ C (eq. 20).
    solvers : tuple of str
        The solvers that can work with it.
    samples : Linearised
        The cost of the samples alone, without the penalty.
    added : ndarray [p], or None
        The diagonal of Λ, the penalty's curvature.
    normal : ndarray [p, p], or None
        MᵀM, its lower triangle, once something has formed it that a solver may use too.
    """

    network: Network
    cost: Cost
    theta: Array
    free: slice | Indices
    value: Any
    gradient: Array
    solvers: tuple[str, ...]
    added: Array | None
    normal: Array | None

    @property
    def samples(self) -> Any:
        """The cost of the samples alone."""

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""

    @property
    def size(self) -> int:
        """p."""

    def pushed(self, direction: Array) -> Any:
        """J v, an image, for v [p], and v besides where there is a penalty."""

    def half_square(self, pushed: Any) -> float:
        """½ |M v|² + ½ vᵀ Λ v from what `pushed` gave."""

    def normal_product(self, direction: Array) -> Array:
        """(MᵀM + Λ) v [p] for v [p]."""

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""

    def steepest(self) -> RightSide:
        """D_θ C as Mᵀ w + Λ θ + rest: w = S⁺ D_A C, and the rest is what S does not reach."""

    def norm_of(self, image: Any) -> float:
        """|w| of an image."""

    def reduced(self, function: Callable[..., Array], join: Callable[[Array, Array], Array], image: Any = None) -> Array:
        """Map-reduce over the rows of M: apply `function` to each part and combine the results pairwise with `join`.

        ``function(part)`` takes a KeptLinearised of some of the samples; ``function(part, image)`` its part of an image as well.
        """

    def rounding(self, diagonal: Array, image: Any) -> float:
        """The amount by which C may differ for θ whose last digits differ."""

    def bend(self, step: Array, pushed: Any, part: float) -> RightSide | None:
        """Jᵀ S Sᵀ times the outputs' second derivative along δ [p]. None where rounding hides it, infinite where it is not finite.
        """

    def value_at(self, step: Array) -> Any:
        """C at θ + δ for δ [p], infinite where it is not defined."""


class BatchProblem(Protocol):
    """One batch step as functions of θ, wherever its samples are: what an update is given.

    Attributes
    ----------
    cost : Cost
        Its reduction's per-sample data taken at the batch.
    step : BatchStep
    """

    @property
    def cost(self) -> Cost:
        """The cost of the batch."""

    @property
    def step(self) -> BatchStep:
        """The BatchStep, whose indices cannot be written to."""

    def network(self, theta: Array) -> Network:
        """The network at `theta` [P], an array of the network's dtype that is not copied."""

    def value_and_gradient(self, theta: Array) -> tuple[Number, Array]:
        """C and D_θ C of the batch (eq. 14 and 20)."""

    def linearised(self, theta: Array, trainable: Mask, output_hessian: OutputHessianOf) -> Linearised:
        """The batch's cost near θ to second order, by the `output_hessian` of its losses."""


def hidden_by_rounding(change: Number, outputs: Number, part: float, dtype: DType) -> bool:
    """Whether a difference quotient over `part` of a step, of norm `change`, may be the rounding of outputs of norm `outputs`."""
    return bool(change <= 10 * np.finfo(dtype).eps / part * outputs)


def rounding_of_cost(value: Number, losses: Number, norm: Number, spread: Number, dtype: DType) -> float:
    """The amount by which C may differ for θ whose last digits differ: ε (|C| + min(|w|, √(2 Σ |∇φ_k L_k|)) |M diag θ| / √mn).

    `losses` is Σ |∇φ_k L_k|, `norm` |w| and `spread` the last factor, by Frobenius' norm. For squares |w|² is twice that sum. |w|
    alone has no bound where S nearly vanishes, as for a softmax that is sure of a wrong class.
    """
    return float(np.finfo(dtype).eps * (abs(float(value)) + min(float(norm), np.sqrt(2 * float(losses))) * float(spread)))
