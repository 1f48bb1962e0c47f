"""A batch step's cost near θ, C + g·δ + ½ |M δ|² with M = Sᵀ J, of samples whose forward pass is kept (eq. 15–20)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.linalg import blas

from ..backward import transposed_product
from ..batch_problem import BatchProblem
from ..network import Network
from ..operators import Jacobian
from ..operators.output_hessian import OutputHessian
from ..operators.paired_layers import PairedLayers
from ..typing import Array, Mask
from .linearised import OutputHessianOf, RightSide, hidden_by_rounding, rounding_of_cost

SLAB = 1 << 23  # bytes of J made at once; 1-20-20-1, m 2000, float64, a step: 1 MiB 32 ms, 4 MiB 24, 8 MiB (one slab) 18
PIECE = 512  # samples whose MᵀM is summed by pairs of layers at a time, at least
SUMS = 1 << 22  # numbers up to which MᵀM is summed by pairs of layers; 1-20-20-1, m 2000, float64: 8.7 ms by slabs, 4.4 by pairs


def samples_at_once(network: Network) -> int:
    """Number of samples whose rows of J are in memory at once, whatever bounds memory: sums over them go through BLAS."""
    return max(1, SLAB // (network.widths[-1] * network.size * network.dtype.itemsize))


class KeptLinearised:
    """A Linearised around a Jacobian of all samples: images are arrays [m, n], and M can be had row by row.

    The second derivative of the outputs in θ, and of φ, are left out; so is the cost's penalty, which `PenalisedLinearised` adds.

    Parameters
    ----------
    problem : BatchProblem
    theta : ndarray [P]
    trainable : ndarray of bool [P], or empty
    output_hessian : callable
        `output_hessians.output_hessian` or `output_hessians.expected_output_hessian`.

    Attributes
    ----------
    value : float
        C (eq. 14).
    gradient : ndarray [p]
        D_θ C (eq. 20).
    outputs : ndarray [m, n]
        A (eq. 12).
    output_gradient : ndarray [m, n]
        D_A C (eq. 18).
    factor : ndarray [m, n] or [m, n, n]
        S.
    """

    kept_bytes: int | None = None
    added: Array | None = None  # no penalty
    normal: Array | None = None
    X: Any  # [m, n_0], or what gives rows of it

    def __init__(self, problem: BatchProblem, theta: Array, trainable: Mask, output_hessian: OutputHessianOf) -> None:
        self.problem, self.theta = problem, theta
        self.free = np.flatnonzero(trainable) if trainable.size else slice(None)
        self.network = problem.network(theta)
        self.targets, self.cost = problem.targets, problem.cost.without_penalty()
        self._forward()
        losses, loss_gradients = self.cost.losses_and_gradients(self.outputs, self.targets)
        self.value, weights = self.cost.reduce(losses)
        self._losses_size = float(np.abs(weights) @ np.abs(losses))
        self.output_gradient = weights[:, None] * loss_gradients  # eq. 18
        self.gradient = self._pulled(self.output_gradient)  # eq. 20
        self.factor = output_hessian(self.cost.loss, self.outputs, self.targets, weights).factor()

    solvers: tuple[str, ...] = ("cholesky", "qr", "kernel", "cg", "kfac")  # that can work with it

    @property
    def samples(self) -> KeptLinearised:
        """Itself: it knows of no penalty."""
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.outputs.shape

    def _forward(self) -> None:
        """X [m, n_0], J and A [m, n]."""
        self.X = self.problem.X
        self._jacobian = Jacobian(self.network, self.X)
        self.outputs = self._jacobian.forward.outputs

    @property
    def jacobian(self) -> Jacobian:
        """J of all samples."""
        return self._jacobian

    def gram(self) -> Array:
        """J Jᵀ [mn, mn], an array of the caller's own."""
        return self.jacobian.gram()

    def _jacobian_of(self, first: int, count: int) -> Jacobian:
        """J of `count` samples from `first` on."""
        return self._jacobian if count == len(self.outputs) else Jacobian(self.network, self.X[first:first + count])

    @property
    def size(self) -> int:
        """p."""
        return len(self.gradient)

    def _pulled(self, u: Array) -> Array:
        return transposed_product(self.network, self._jacobian.forward.stack, u)[self.free]

    def _factor_product(self, values: Array, transpose: bool = True) -> Array:
        """Sᵀ w, or S w, for w = values [m, n]."""
        if self.factor.ndim == 2:
            return self.factor * values
        return np.einsum("kij,ki->kj" if transpose else "kij,kj->ki", self.factor, values)

    def pushed(self, direction: Array) -> Array:
        """J v [m, n] for v [p]."""
        full = direction
        if not isinstance(self.free, slice):
            full = np.zeros(self.network.size, self.network.dtype)
            full[self.free] = direction
        return self._pushed_along(full)

    def _pushed_along(self, full: Array) -> Array:
        return self._jacobian.matvec(full).reshape(self.outputs.shape)

    def product(self, direction: Array) -> Array:
        """M v [m, n]."""
        return self._factor_product(self.pushed(direction))

    def adjoint(self, image: Array) -> Array:
        """Mᵀ w [p] for w [m, n]."""
        return self._pulled(np.ascontiguousarray(self._factor_product(image, transpose=False)))

    def normal_product(self, direction: Array) -> Array:
        """MᵀM v [p] for v [p]."""
        return self.adjoint(self.product(direction))

    def reduced(self, function: Callable[..., Array], join: Callable[[Array, Array], Array], image: Any = None) -> Array:
        """Map-reduce over the rows of M: apply `function` to each part and combine the results pairwise with `join`.

        Here all rows are one part. An `image` [mn] is handed to `function` beside it.
        """
        return function(self) if image is None else function(self, image)

    def right_side(self, change: Array) -> RightSide:
        """Jᵀ S Sᵀ d [p] for a change d [m, n] of the outputs."""
        image = self._factor_product(change)
        return RightSide(self.adjoint(image), image.reshape(-1), None)

    def steepest(self) -> RightSide:
        """D_θ C as Mᵀ w + rest: w = S⁺ D_A C, and the rest is what S does not reach."""
        u, eps = self.output_gradient, np.finfo(self.network.dtype).eps
        squares = self.factor**2 if self.factor.ndim == 2 else np.einsum("kij,kij->kj", self.factor, self.factor)
        scaled = self._factor_product(u)
        image = np.divide(scaled, squares, out=np.zeros_like(scaled), where=squares > 0)
        left = u - self._factor_product(image, transpose=False)
        rest = None if np.abs(left).max() <= 8 * eps * np.abs(u).max() else self._pulled(left)
        return RightSide(self.gradient, image.reshape(-1), rest)

    def norm_of(self, image: Array) -> float:
        """|w| of an image [mn]."""
        return float(np.linalg.norm(image))

    def half_square(self, pushed: Array) -> float:
        """½ |M v|² from J v [m, n]."""
        return 0.5 * float(np.square(self._factor_product(pushed)).sum())

    def rounding(self, diagonal: Array, image: Array) -> float:
        """The amount by which C may differ for θ whose last digits differ (`rounding_of_cost`).

        diagonal [p] is that of MᵀM, image [mn] that of `steepest`.
        """
        spread = float(np.sqrt(diagonal @ self.theta[self.free]**2 / image.size))
        return rounding_of_cost(self.value, self._losses_size, self.norm_of(image), spread, self.network.dtype)

    def rows(self) -> Iterator[Array]:
        """Yield M = Sᵀ J in slabs of whole samples [rows, p], each valid until the next is taken."""
        m, n = self.outputs.shape
        at_once = samples_at_once(self.network)
        memory = np.empty((min(at_once, m) * n, self.network.size), self.network.dtype)
        for first in range(0, m, at_once):
            count = min(at_once, m - first)
            yield self._scaled_rows(self._jacobian_of(first, count).dense(out=memory[:count * n]), slice(first, first + count))

    def _scaled_rows(self, slab: Array, samples: slice) -> Array:
        factor = self.factor[samples]
        if factor.ndim == 2:
            slab *= factor.reshape(-1, 1)
        else:
            blocks = slab.reshape(*factor.shape[:2], -1)
            slab = np.matmul(factor.transpose(0, 2, 1), blocks).reshape(slab.shape)
        return slab if isinstance(self.free, slice) else slab[:, self.free]

    def square(self) -> Array:
        """The lower triangle of MᵀM [p, p], in Fortran's order. What lies above it is no part of it."""
        pairs, n = PairedLayers(self.network), self.outputs.shape[1]
        if pairs.size > min(SUMS, n * self.size**2):
            syrk = blas.get_blas_funcs("syrk", dtype=self.network.dtype)
            total = np.zeros((self.size, self.size), self.network.dtype, order="F")
            for slab in self.rows():
                total = syrk(1.0, slab.T, beta=1.0, c=total, lower=1, overwrite_c=1)
            return total
        piece = max(PIECE, samples_at_once(self.network))
        parts = (self._upper_triangle(pairs, first, piece) for first in range(0, len(self.outputs), piece))
        total = functools.reduce(lambda total, part: np.add(total, part, out=total), parts)
        return total.T if isinstance(self.free, slice) else total[np.ix_(self.free, self.free)].T

    def _upper_triangle(self, pairs: PairedLayers, first: int, piece: int) -> Array:
        """The part of MᵀM [P, P] of at most `piece` samples, its upper triangle."""
        S = self.factor[first:first + piece]
        form = {"diagonal": S**2} if S.ndim == 2 else {"entries": np.matmul(S, S.transpose(0, 2, 1))}
        H = OutputHessian((len(S), self.outputs.shape[1]), self.network.dtype, **form)
        return pairs.upper_triangle(self._jacobian_of(first, len(S)).forward.stack, H.in_panels())

    def diagonal(self) -> Array:
        """The diagonal of MᵀM [p], from the factors (Bˡ, aˡ⁻¹) of J."""
        network, m, at_once, layout = self.network, len(self.outputs), samples_at_once(self.network), self.network.kernels.layout
        out = np.zeros(network.size, network.dtype)
        for first in range(0, m, at_once):
            J = self._jacobian_of(first, min(at_once, m - first))
            factor = self.factor[first:first + at_once]
            for l in range(1, network.depth + 1):
                B = J.chain(l)
                rows = factor[:, :, None] * B if factor.ndim == 2 else np.matmul(factor.transpose(0, 2, 1), B)
                squares = np.einsum("kip,kip->kp", rows, rows)
                out[layout.weight_slice(l)] += (squares.T @ J.forward.a(l - 1)**2).reshape(-1)
                out[layout.bias_slice(l)] += squares.sum(axis=0)
        return out[self.free]

    def bend(self, step: Array, pushed: Array, part: float) -> RightSide | None:
        """Jᵀ S Sᵀ times the outputs' second derivative along δ [p], from J δ [m, n] and the outputs at θ + `part` δ. None where
        rounding hides it, infinite where it is not finite."""
        change = (self.outputs_at(part * step)[0] - self.outputs) / part - pushed
        if not np.isfinite(change).all():
            return RightSide(np.full_like(step, np.inf), change.reshape(-1), None)
        if hidden_by_rounding(np.linalg.norm(change), self._size_of_outputs(), part, step.dtype):
            return None
        return self.right_side(change * (2 / part))

    def _size_of_outputs(self) -> Any:
        """|A|, to which the rounding of A is relative."""
        return np.linalg.norm(self.outputs)

    def value_at(self, step: Array) -> Any:
        """C at θ + δ for δ [p], infinite where it is not defined."""
        return self.outputs_at(step)[1]

    def outputs_at(self, step: Array) -> tuple[Array, Any]:
        """A [m, n] and C at θ + δ for δ [p], where C is infinite if it is not defined."""
        theta = self.theta.copy()
        theta[self.free] += step
        A = self._outputs_of(self.problem.network(theta))
        return A, self._value(A) if np.isfinite(A).all() else np.inf

    def _outputs_of(self, network: Network) -> Array:
        return network(self.X)

    def _value(self, A: Array) -> Any:
        losses = self.cost.losses_and_gradients(A, self.targets)[0]
        if not self.cost.reduction.defined_at(losses):
            return np.inf
        value = self.cost.reduce(losses)[0]
        return value if np.isfinite(value) else np.inf
