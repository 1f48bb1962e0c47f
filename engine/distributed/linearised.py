"""A batch step's cost near θ, linearised leaf by leaf where the samples live: sums of P numbers or of a matrix come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..losses import Loss
from ..network import Network
from ..typing import Array, Indices, Mask
from ..updates.kept_linearised import KeptLinearised
from ..updates.linearised import OutputHessianOf, RightSide, hidden_by_rounding, rounding_of_cost
from . import gradient, on_worker
from .batch import Parts
from .on_worker import ShardData

if TYPE_CHECKING:
    from .fitting import SpreadProblem


class _Image(NamedTuple):
    """A vector [m n] whose parts stay on the workers."""

    parts: Parts
    size: int
    norm: float


class SpreadLinearised:
    """A Linearised of samples on workers, one KeptLinearised for each leaf.

    Images (J v, S Sᵀ …, vectors of m n numbers) stay on the workers; a sum over samples goes up the fixed tree.
    """

    solvers: tuple[str, ...] = ("cholesky", "qr", "cg")
    added: Array | None = None  # no penalty
    normal: Array | None = None

    def __init__(self, problem: SpreadProblem, theta: Array, trainable: Mask, output_hessian: OutputHessianOf) -> None:
        self.problem, self.theta = problem, theta
        self.free: slice | Indices = np.flatnonzero(trainable) if trainable.size else slice(None)
        self.network, self.cost, self.batch = problem.network(theta), problem.cost.without_penalty(), problem.batch
        losses = gradient.losses(self.batch, self.network, self.cost)
        self.value, weights = self.cost.reduce(losses)
        self._losses_size = float(np.abs(weights) @ np.abs(losses))
        self.shape = self.batch.m, self.network.widths[-1]
        self._leaves: Parts | None = None
        self.gradient = np.zeros_like(theta[self.free])
        if np.isfinite(self.value):
            shared = gradient.shared_network(self.batch, self.network)
            self._leaves = self.batch.map(linearise, *self.batch.samples, self.batch.each(weights), shared, self.cost.loss,
                                          trainable, output_hessian)
            self.gradient = self._total(slope)

    @property
    def samples(self) -> SpreadLinearised:
        """Itself: it knows of no penalty."""
        return self

    @property
    def size(self) -> int:
        """p."""
        return len(self.gradient)

    def _map(self, function: Callable[..., Any], *columns: Any) -> Parts:
        return self.batch.map(function, self._leaves, *columns)

    def _total(self, function: Callable[..., Any], *columns: Any, numbers: int | None = None,
               join: Callable[[Any, Any], Any] = np.add) -> Any:
        return self.batch.total(function, self._leaves, *columns, numbers=numbers or len(self.gradient), join=join)

    def _shared(self, direction: Array) -> Any:
        return self.batch.shared(direction, direction.nbytes)

    def pushed(self, direction: Array) -> Parts:
        """J v for v [p], left where it is."""
        return self._map(push, self._shared(direction))

    def half_square(self, pushed: Any) -> float:
        """½ |M v|² from J v."""
        return float(self._total(half_square, pushed, numbers=1))

    def normal_product(self, direction: Array) -> Array:
        """MᵀM v [p]."""
        return self._total(normal_product, self._shared(direction))

    def diagonal(self) -> Array:
        """The diagonal of MᵀM [p]."""
        return self._total(diagonal)

    def steepest(self) -> RightSide:
        """D_θ C as Mᵀ w + rest; w stays on the workers."""
        sides = self._map(steepest)
        square, rests = self._total(steepest_sizes, sides, numbers=2)
        image = _Image(sides, self.shape[0] * self.shape[1], float(np.sqrt(square)))
        return RightSide(self.gradient, image, self._total(steepest_rest, sides) if rests else None)

    def norm_of(self, image: Any) -> float:
        """|w| of an image that stays on the workers."""
        return image.norm

    def reduced(self, function: Callable[..., Array], join: Callable[[Array, Array], Array], image: Any = None) -> Array:
        """Map-reduce over the rows of M, leaf by leaf and up the fixed tree: `function` makes a part, `join` combines two."""
        return self._total(reduce_rows, function, None if image is None else image.parts, numbers=self.size**2, join=join)

    def rounding(self, diagonal: Array, image: Any) -> float:
        """By how much C may differ for θ whose last digits differ."""
        spread = float(np.sqrt(diagonal @ self.theta[self.free]**2 / image.size))
        return rounding_of_cost(self.value, self._losses_size, image.norm, spread, self.network.dtype)

    def bend(self, step: Array, pushed: Any, part: float) -> RightSide | None:
        """Jᵀ S Sᵀ times the outputs' second derivative along δ [p]; None where rounding hides it, infinite where not finite."""
        bends = self._map(bend, self._shared(step), pushed, part)
        changes, outputs = np.sqrt(self._total(bend_sizes, bends, numbers=2))
        if not np.isfinite(changes):
            return RightSide(np.full_like(step, np.inf), None, None)
        if hidden_by_rounding(changes, outputs, part, step.dtype):
            return None
        return RightSide(self._total(bend_side, bends), None, None)

    def value_at(self, step: Array) -> Any:
        """C at θ + δ for δ [p]; infinite where it is not defined."""
        theta = self.theta.copy()
        theta[self.free] += step
        if not np.isfinite(theta).all():
            return np.inf
        losses = gradient.losses(self.batch, self.problem.network(theta), self.cost)
        if not np.isfinite(losses).all() or not self.cost.reduction.defined_at(losses):
            return np.inf
        value = self.cost.reduce(losses)[0]
        return value if np.isfinite(value) else np.inf


def linearise(data: ShardData, indices: Indices | None, weights: Array, network: Network, loss: Loss, trainable: Mask,
              output_hessian: OutputHessianOf) -> KeptLinearised:
    """A leaf's KeptLinearised, whose ∇φ are `weights`."""
    return KeptLinearised(on_worker.problem(data, indices, network, loss, weights), network.parameters, trainable, output_hessian)


def slope(leaf: Any) -> Array:
    """A leaf's node of D_θ C [p]."""
    return leaf.gradient


def push(leaf: Any, direction: Array) -> Array:
    """J v [m, n] of a leaf."""
    return leaf.pushed(direction)


def half_square(leaf: Any, pushed: Any) -> float:
    """½ |M v|² of a leaf."""
    return leaf.half_square(pushed)


def normal_product(leaf: Any, direction: Array) -> Array:
    """MᵀM v [p] of a leaf."""
    return leaf.normal_product(direction)


def diagonal(leaf: Any) -> Array:
    """The diagonal of MᵀM [p] of a leaf."""
    return leaf.diagonal()


def steepest(leaf: Any) -> RightSide:
    """w and the rest, of a leaf."""
    return leaf.steepest()


def steepest_sizes(leaf: Any, side: RightSide) -> Array:
    """|w|², and whether there is a rest."""
    return np.array([np.linalg.norm(side.image.astype(np.float64))**2, side.rest is not None])


def steepest_rest(leaf: Any, side: RightSide) -> Array:
    """The rest [p] of a leaf, 0 where it has none."""
    return np.zeros_like(side.vector) if side.rest is None else side.rest


def reduce_rows(leaf: Any, function: Callable[..., Any], side: RightSide | None) -> Array:
    """What `function` makes of a leaf's rows of M, and of its part of w beside them."""
    return leaf.reduced(function, None, None if side is None else side.image)


def bend(leaf: Any, step: Array, pushed: Any, part: float) -> tuple[Array, Array]:
    """|c|², |A|² of a leaf, and Mᵀ Sᵀ (2 c / part): c is the change of J δ along δ."""
    change = (leaf.outputs_at(part * step)[0] - leaf.outputs) / part - pushed
    squares = [np.linalg.norm(values.astype(np.float64))**2 for values in (change, leaf.outputs)]
    return np.array(squares), leaf.right_side(change * (2 / part)).vector


def bend_sizes(leaf: Any, found: tuple[Array, Array]) -> Array:
    """The two squares."""
    return found[0]


def bend_side(leaf: Any, found: tuple[Array, Array]) -> Array:
    """The vector [p]."""
    return found[1]
