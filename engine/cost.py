"""C = φ ∘ φ̃ and its derivatives with respect to the stacked outputs A (paper §4–5, eq. 11–18)."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from . import checks, cost_checks, losses, penalty_checks, reductions
from .kernels.losses import loss_and_gradient, prepare_losses
from .kernels.reductions import prepare_reductions, reduce_losses
from .losses import Loss
from .network import Network
from .penalties import Ridge
from .reductions import Reduction
from .typing import Array, DType, Indices


class Cost:
    """A loss for each sample and a reduction φ of the m losses to one number (paper §4, eq. 11–14). Immutable.

    Wherever it occurs, A is [m, n] or [m n], m ≥ 1, and y as the loss wants it: [m, n] ([m] where n = 1), or [m] class
    numbers. Everything is computed in A's dtype. Samples k count from 0.

    Parameters
    ----------
    loss : str or Loss
        A name, or an object of `engine.losses`, or one's own `engine.Loss`.
    reduction : str or Reduction
        φ: a name, or an object of `engine.reductions`, or one's own `engine.Reduction`.
    penalty : None or a penalty of `engine.penalties`
        Added to C wherever θ is at hand: in `value_and_gradient`, `fit`, `objective`, and with its second derivatives in curvature
        operators and influences. The methods of a cost know outputs alone and leave it out, as do the gradients of single samples.

    See Also
    --------
    Loss, Reduction : Of one's own.
    value_and_gradient : The cost of a network and its derivative.
    check_derivatives : Whether derivatives agree with differences.

    Examples
    --------
    >>> from engine import Cost
    >>> cost = Cost("squared_error", "mean")
    >>> cost.losses([[1.0], [3.0]], [[0.0], [0.0]])
    array([0.5, 4.5])
    >>> cost.output_gradient([[1.0], [3.0]], [[0.0], [0.0]])
    array([0.5, 1.5])
    """

    __slots__ = ("loss", "reduction", "penalty")

    loss: Loss
    reduction: Reduction
    penalty: Ridge | None

    def __init__(self, loss: str | Loss, reduction: str | Reduction = "mean", penalty: Ridge | None = None) -> None:
        object.__setattr__(self, "loss", losses.named(loss))
        object.__setattr__(self, "reduction", reductions.named(reduction))
        object.__setattr__(self, "penalty", penalty_checks.penalty(penalty, Ridge))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Cost does not change; build another to set {name}")

    def __reduce__(self) -> tuple[type[Cost], tuple[Loss, Reduction, Ridge | None]]:
        return Cost, self._parts

    @property
    def _parts(self) -> tuple[Loss, Reduction, Ridge | None]:
        return self.loss, self.reduction, self.penalty

    def __eq__(self, other: object) -> bool:
        return self._parts == other._parts if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        return f"Cost({self.loss!r}, {self.reduction!r}{'' if self.penalty is None else f', {self.penalty!r}'})"

    def targets(self, y: Any, m: int, n: int, dtype: DType) -> Array:
        """y checked and cast to what kernels take: [m, n], or [m, 1] with class numbers, or as the loss encodes them."""
        targets = self.loss.targets(y, (m, n), np.dtype(dtype))
        cost_checks.per_sample_data(self.reduction, m)
        cost_checks.held_by(dtype, *self._parts)
        return targets

    def at(self, indices: Indices) -> Cost:
        """The cost with its reduction's per-sample data taken at `indices`."""
        return self if self.reduction.data.size == 0 else Cost(self.loss, self.reduction.at(indices), self.penalty)

    @property
    def encoded(self) -> Cost:
        """The cost of targets that `targets` has encoded already."""
        loss = self.loss.encoded
        return self if loss is self.loss else Cost(loss, self.reduction, self.penalty)

    def prepare(self, dtype: DType) -> None:
        """Have its loss and its reduction compiled for `dtype`, before kernels that know them by their codes."""
        prepare_losses((self.loss.code,), dtype)
        prepare_reductions((self.reduction.code,), dtype)

    def losses_and_gradients(self, A: Array, targets: Array) -> tuple[Array, Array]:
        """L_k [m] and ∇L(a^{Lk}) [m, n] of checked A [m, n] and targets (eq. 11 and 17)."""
        m, n = A.shape
        if self.loss.code >= 0:
            values, gradients = np.empty(m, A.dtype), np.empty((m, n), A.dtype)
            prepare_losses((self.loss.code,), A.dtype)
            loss_and_gradient(self.loss.code, self.loss.parameter, A, targets, values, gradients, (0, m))
            return values, gradients
        return (checks.user_array(self.loss.value(A.copy(), targets.copy()), (m,), A.dtype, "the loss's value"),
                checks.user_array(self.loss.gradient(A.copy(), targets.copy()), (m, n), A.dtype, "the loss's gradient"))

    def reduce(self, values: Array) -> tuple[np.floating[Any], Array]:
        """φ(losses), a number, and ∇φ [m] (eq. 14 and 15)."""
        reduction = self.reduction
        if reduction.code >= 0:
            if not reduction.everywhere:
                cost_checks.at_least(reduction.least, values, reduction.name)
            gradient = np.empty_like(values)
            data = reduction.data.astype(values.dtype)
            return values.dtype.type(reduce_losses(reduction.code, reduction.parameter, data, values, gradient)), gradient
        gradient = checks.user_array(reduction.gradient(values.copy()), values.shape, values.dtype, "the reduction's gradient")
        value = checks.user_array(reduction.value(values.copy()), (), values.dtype, "the reduction's value")
        return values.dtype.type(value), gradient

    def with_penalty(self, network: Network, value: np.floating[Any], gradient: Array) -> tuple[np.floating[Any], Array]:
        """C and D_θ C [P] with the penalty at the network's θ added to them; `gradient` is changed in place."""
        if self.penalty is None:
            return value, gradient
        penalty = self.penalty.add(network, gradient)
        return gradient.dtype.type(value + penalty), gradient

    def without_penalty(self) -> Cost:
        """The cost of the samples alone."""
        return self if self.penalty is None else Cost(self.loss, self.reduction)

    def constant_gradient(self, m: int, dtype: DType) -> Array | None:
        """∇φ [m] of a linear reduction, which is the same whatever the losses are. None where the reduction is not linear."""
        reduction = self.reduction
        if not reduction.linear:
            return None
        gradient = np.empty(m, dtype)
        reduce_losses(reduction.code, reduction.parameter, reduction.data.astype(dtype), np.zeros(m, dtype), gradient)
        return gradient

    def _checked(self, A: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        A = cost_checks.outputs(A, cost_checks.sample_count(y))
        m, n = A.shape
        return A, self.targets(y, m, n, A.dtype)

    def losses(self, A: ArrayLike, y: ArrayLike) -> Array:
        """φ̃(A) = (L_1, …, L_m) [m] (eq. 13)."""
        return self.losses_and_gradients(*self._checked(A, y))[0]  # eq. 13

    def value(self, A: ArrayLike, y: ArrayLike) -> np.floating[Any]:
        """C = φ(φ̃(A)), a number (eq. 14)."""
        return self.reduce(self.losses(A, y))[0]  # eq. 14

    def reduction_gradient(self, A: ArrayLike, y: ArrayLike) -> Array:
        """∇φ [m], taken at φ̃(A) (eq. 15)."""
        return self.reduce(self.losses(A, y))[1]  # eq. 15

    def loss_gradients(self, A: ArrayLike, y: ArrayLike) -> Array:
        """∇L(a^{Lk}) [m, n], row k the one block of D_A L_k that is not zero (eq. 17)."""
        return self.losses_and_gradients(*self._checked(A, y))[1]  # eq. 17

    def output_gradient(self, A: ArrayLike, y: ArrayLike) -> Array:
        """D_A C [m n]: block k is (∇φ)_k ∇L(a^{Lk}) (eq. 18)."""
        values, gradients = self.losses_and_gradients(*self._checked(A, y))
        return (self.reduce(values)[1][:, None] * gradients).reshape(-1)  # eq. 18

    def loss_jacobian(self, A: ArrayLike, y: ArrayLike) -> csr_array[Any, Any]:
        """D_A φ̃, a SciPy sparse array [m, m n]: block diagonal with 1 × n blocks (eq. 17)."""
        gradients = self.loss_gradients(A, y)
        m, n = gradients.shape
        return csr_array((gradients.reshape(-1), np.arange(m * n), np.arange(0, m * n + 1, n)), shape=(m, m * n))


def projection(k: int, m: int, n: int) -> csr_array[Any, Any]:
    """D_A π_k, a SciPy sparse array [n, m n]: the identity in block k, zero elsewhere (paper §5, eq. 16).

    Parameters
    ----------
    k : int
        0 … m − 1.
    m, n : int
        Samples and outputs.

    See Also
    --------
    Cost.loss_jacobian : D_A φ̃, which stacks ∇L_k D_A π_k.

    Examples
    --------
    >>> from engine import projection
    >>> projection(1, 2, 2).toarray()
    array([[0., 0., 1., 0.],
           [0., 0., 0., 1.]])
    """
    k, m, n = cost_checks.sample_number(k, m, n)
    return csr_array((np.ones(n), np.arange(k * n, (k + 1) * n), np.arange(n + 1)), shape=(n, m * n))  # eq. 16
