"""Losses L: a number for each sample from its output and its target (paper §4, eq. 11)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from . import checks, cost_checks
from .kernels.losses import CODES, CUSTOM, loss_and_gradient, loss_hessian, prepare_losses
from .typing import Array

# what the targets of a loss are: any values, class numbers, numbers in [0, 1], counts, −1 and 1
KINDS = {"squared_error": "values", "absolute_error": "values", "huber": "values", "log_cosh": "values",
         "softmax_cross_entropy": "classes", "binary_cross_entropy": "unit", "poisson": "counts", "hinge": "signs",
         "cosine": "values"}
PARAMETRIC = ("huber",)


class Form(enum.Enum):
    """The structure of ∇²L of a loss, which decides what an `OutputHessian` holds."""

    DIAGONAL = "diag(h): the loss is a sum over outputs"
    SOFTMAX = "diag(p) − p pᵀ, p = softmax(a^L)"
    ENTRIES = "every entry: no structure is known"


FORMS = {"squared_error": Form.DIAGONAL, "absolute_error": Form.DIAGONAL, "huber": Form.DIAGONAL, "log_cosh": Form.DIAGONAL,
         "softmax_cross_entropy": Form.SOFTMAX, "binary_cross_entropy": Form.DIAGONAL, "poisson": Form.DIAGONAL,
         "hinge": Form.DIAGONAL, "cosine": Form.ENTRIES}


@dataclass(frozen=True)
class Loss:
    """A loss of one's own, L(a^L) for every sample at once (paper §4, eq. 11 and 17).

    Parameters
    ----------
    value : callable
        value(A, y) [m] for A [m, n].
    gradient : callable
        gradient(A, y) = ∇L [m, n].
    hessian : callable, optional
        hessian(A, y) = ∇²L [m, n, n]; only second-order methods need it.

    See Also
    --------
    Reduction : What makes one number of all losses.
    Cost : Both together.
    check_derivatives : Whether its derivatives agree with differences.

    Examples
    --------
    >>> from engine import Cost, Loss
    >>> quartic = Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3)
    >>> float(Cost(quartic, "sum").value([[1.0], [2.0]], [[0.0], [0.0]]))
    17.0
    """

    value: Callable[[Any, Any], Array]
    gradient: Callable[[Any, Any], Array]
    hessian: Callable[[Any, Any], Array] | None = None
    name: str = field(default="a user's own", init=False)
    code: int = field(default=CUSTOM, init=False)
    parameter: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        checks.user_functions("Loss", value=self.value, gradient=self.gradient)

    def __repr__(self) -> str:
        if self.code < 0:
            return f"Loss({checks.function_name(self.value)}, {checks.function_name(self.gradient)})"
        return f"{self.name}({self.parameter!r})" if self.name in PARAMETRIC else self.name

    @property
    def kind(self) -> str:
        """The kind of its targets: classes, unit (in [0, 1]), counts, signs, or any values."""
        return KINDS.get(self.name, "values")

    @property
    def form(self) -> Form:
        """The Form of ∇²L, Form.ENTRIES for a user's own loss. Losses of the other forms are convex."""
        return FORMS.get(self.name, Form.ENTRIES)

    def inverse_link(self, A: Any) -> Array:
        """What outputs A [m, n] predict, in the units of the targets: the inverse of the loss's link function [m, n].

        Class probabilities softmax(A) of softmax_cross_entropy, probabilities 1 / (1 + e^−A) of binary_cross_entropy, rates e^A of
        poisson, and A itself of every other loss, a user's own included.

        Parameters
        ----------
        A : array_like [m, n]
            Outputs a^L of the network, finite.

        Returns
        -------
        ndarray [m, n]
            In A's dtype, float32 or float64.

        Examples
        --------
        >>> from engine.losses import softmax_cross_entropy
        >>> softmax_cross_entropy.inverse_link([[0.0, 0.0]])
        array([[0.5, 0.5]])
        """
        return cast(Array, INVERSE_LINKS.get(self.name, _itself)(cost_checks.any_outputs(A)))


def _itself(A: Array) -> Array:
    return A


def _softmax(A: Array) -> Array:
    from scipy.special import softmax

    return cast(Array, softmax(A, axis=1))


def _sigmoid(A: Array) -> Array:
    from scipy.special import expit

    return cast(Array, expit(A))


INVERSE_LINKS: dict[str, Callable[[Array], Any]] = {"softmax_cross_entropy": _softmax, "binary_cross_entropy": _sigmoid,
                                                    "poisson": np.exp}


class _BuiltIn:
    """The value (order 0), gradient (1) or Hessian (2) of a kernel's code."""

    def __init__(self, name: str, parameter: float, order: int) -> None:
        self.name, self.parameter, self.order = name, parameter, order

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.parameter, self.order))

    def __call__(self, A: Any, y: Any) -> Array:
        A = cost_checks.outputs(A, cost_checks.sample_count(y))
        cost_checks.held_by(A.dtype, self)
        targets = cost_checks.targets(y, A.shape, A.dtype, KINDS.get(self.name, "values"))
        m, n = A.shape
        if self.order == 2:
            out = np.empty((m, n, n), A.dtype)
            loss_hessian(CODES[self.name], self.parameter, A, targets, out)
            return out
        losses, gradients = np.empty(m, A.dtype), np.empty((m, n), A.dtype)
        prepare_losses((CODES[self.name],), A.dtype)
        loss_and_gradient(CODES[self.name], self.parameter, A, targets, losses, gradients, (0, m))
        return losses if self.order == 0 else gradients


def _built_in(name: str, parameter: float = 0.0) -> Loss:
    loss = Loss(*(_BuiltIn(name, parameter, order) for order in range(3)))
    for attribute, value in (("name", name), ("code", CODES[name]), ("parameter", parameter)):
        object.__setattr__(loss, attribute, value)
    return loss


def huber(delta: float = 1.0) -> Loss:
    """Huber's loss (1964), summed over outputs: d²/2 up to |d| = δ, then δ (|d| − δ/2).

    Parameters
    ----------
    delta : float
        δ > 0.
    """
    return _built_in("huber", checks.positive(delta, "delta"))


squared_error = _built_in("squared_error")
"""½‖u − y‖², summed over outputs, not averaged."""
absolute_error = _built_in("absolute_error")
"""Σ |u − y|; at u = y the subgradient is 0."""
log_cosh = _built_in("log_cosh")
"""Σ log cosh(u − y)."""
softmax_cross_entropy = _built_in("softmax_cross_entropy")
"""−Σ y log softmax(u), on logits u; y [m] class numbers from 0, or [m, n] probabilities."""
binary_cross_entropy = _built_in("binary_cross_entropy")
"""Σ log(1 + eᵘ) − y u, on logits; y [m, n] in [0, 1]."""
poisson = _built_in("poisson")
"""Σ eᵘ − y u, on log rates; y ≥ 0; without the log y! term."""
hinge = _built_in("hinge")
"""Σ max(0, 1 − y u); y in {−1, 1}; at the kink the subgradient is 0."""
cosine = _built_in("cosine")
"""1 − u·y / (|u||y|); where u or y is 0, 1 with subgradient 0."""

NAMED = {loss.name: loss for loss in (squared_error, absolute_error, huber(), log_cosh, softmax_cross_entropy,
                                      binary_cross_entropy, poisson, hinge, cosine)}


def named(loss: str | Loss) -> Loss:
    """The Loss of a name; a Loss comes back unchanged."""
    return loss if isinstance(loss, Loss) else NAMED[cost_checks.loss_name(loss, NAMED)]
