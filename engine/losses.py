"""Losses L: a number for each sample from its output and its target (paper §4, eq. 11)."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from . import checks, cost_checks, loss_checks
from .kernels.losses import CODES, CUSTOM, loss_and_gradient, loss_hessian, prepare_losses
from .loss_encodings import Encoded, Encoding, Levels, Means, SmoothedClasses, WeightedAnswers
from .typing import Array, DType

if TYPE_CHECKING:
    from .jets import ResidualLoss

# what the targets of a loss are: any values, class numbers, numbers in [0, 1], counts, −1 and 1
KINDS = {"squared_error": "values", "absolute_error": "values", "huber": "values", "log_cosh": "values",
         "softmax_cross_entropy": "classes", "binary_cross_entropy": "unit", "poisson": "counts", "hinge": "signs",
         "cosine": "values", "gaussian_nll": "values", "quantile_loss": "values"}
PARAMETRIC = ("huber", "quantile_loss")


class Form(enum.Enum):
    """The structure of ∇²L of a loss, which decides what an `OutputHessian` holds."""

    DIAGONAL = "diag(h): the loss is a sum over outputs"
    SOFTMAX = "diag(p) − p pᵀ, p = softmax(a^L)"
    ENTRIES = "every entry: no structure is known"


FORMS = {"squared_error": Form.DIAGONAL, "absolute_error": Form.DIAGONAL, "huber": Form.DIAGONAL, "log_cosh": Form.DIAGONAL,
         "softmax_cross_entropy": Form.SOFTMAX, "binary_cross_entropy": Form.DIAGONAL, "poisson": Form.DIAGONAL,
         "hinge": Form.DIAGONAL, "cosine": Form.ENTRIES, "gaussian_nll": Form.ENTRIES, "quantile_loss": Form.DIAGONAL}


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
    encoding: Encoding | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        checks.user_functions("Loss", value=self.value, gradient=self.gradient)

    def __repr__(self) -> str:
        if self.code < 0:
            return f"Loss({checks.function_name(self.value)}, {checks.function_name(self.gradient)})"
        told = "" if self.encoding is None else self.encoding.told()
        if told:
            return f"{self.name}({told})"
        return f"{self.name}({self.parameter!r})" if self.name in PARAMETRIC else self.name

    @property
    def kind(self) -> str:
        """The kind of its targets: classes, unit (in [0, 1]), counts, signs, or any values."""
        return KINDS.get(self.name, "values")

    @property
    def form(self) -> Form:
        """The Form of ∇²L, Form.ENTRIES for a user's own loss. Losses of the other forms are convex."""
        return FORMS.get(self.name, Form.ENTRIES)

    @property
    def weighted(self) -> bool:
        """Whether it weighs classes or answers, so that it is the negative logarithm of no model of the targets."""
        return self.encoding is not None and self.encoding.weighted

    @property
    def encoded(self) -> Loss:
        """The same loss of targets that `targets` has encoded: itself, where it takes them as a user gives them."""
        if self.encoding is None or isinstance(self.encoding, Encoded):
            return self
        return _built_in(self.name, self.parameter, Encoded(self.encoding), self.code)

    def targets(self, y: Any, shape: tuple[int, int], dtype: DType, numbers: Any = None) -> Array:
        """y checked and cast to what kernels take, for outputs of `shape` [m, n]: [m, n], or [m, 1] with class numbers, or what the
        loss's Encoding makes of them. `numbers` says which samples of a data set these are, for messages."""
        return _targets(self.kind, self.encoding, y, shape, dtype, numbers)

    def outputs_for(self, columns: int) -> int:
        """Outputs of a network for targets of so many columns: as many, twice as many for gaussian_nll, one for each of the q of
        quantile_loss where there is one column."""
        return columns if self.encoding is None else self.encoding.outputs(columns)

    def inverse_link(self, A: Any) -> Array:
        """What outputs A [m, n] predict, in the units of the targets: the inverse of the loss's link function [m, n].

        Class probabilities softmax(A) of softmax_cross_entropy, probabilities 1 / (1 + e^−A) of binary_cross_entropy, rates e^A of
        poisson, means and variances of gaussian_nll, the exponentials of its second half of outputs, and A itself of every other
        loss, a user's own included.

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


def _targets(kind: str, encoding: Encoding | None, y: Any, shape: tuple[int, int], dtype: DType, numbers: Any = None) -> Array:
    if encoding is None:
        return cost_checks.targets(y, shape, dtype, kind, numbers)
    return encoding.targets(y, shape, dtype, kind, numbers)


def _itself(A: Array) -> Array:
    return A


def _softmax(A: Array) -> Array:
    from scipy.special import softmax

    return cast(Array, softmax(A, axis=1))


def _sigmoid(A: Array) -> Array:
    from scipy.special import expit

    return cast(Array, expit(A))


def _means_and_variances(A: Array) -> Array:
    loss_checks.means_and_variances(A.shape[1])
    half = A.shape[1] // 2
    return np.concatenate([A[:, :half], np.exp(A[:, half:])], axis=1)


INVERSE_LINKS: dict[str, Callable[[Array], Any]] = {"softmax_cross_entropy": _softmax, "binary_cross_entropy": _sigmoid,
                                                    "poisson": np.exp, "gaussian_nll": _means_and_variances}


class _BuiltIn:
    """The value (order 0), gradient (1) or Hessian (2) of a kernel's code."""

    def __init__(self, name: str, parameter: float, encoding: Encoding | None, code: int, order: int) -> None:
        self.name, self.parameter, self.encoding, self.code, self.order = name, parameter, encoding, code, order

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.parameter, self.encoding, self.code, self.order))

    def __call__(self, A: Any, y: Any) -> Array:
        A = cost_checks.outputs(A, cost_checks.sample_count(y))
        cost_checks.held_by(A.dtype, self)
        m, n = A.shape
        targets = _targets(KINDS[self.name], self.encoding, y, (m, n), A.dtype)
        if self.order == 2:
            out = np.empty((m, n, n), A.dtype)
            loss_hessian(self.code, self.parameter, A, targets, out)
            return out
        losses, gradients = np.empty(m, A.dtype), np.empty((m, n), A.dtype)
        prepare_losses((self.code,), A.dtype)
        loss_and_gradient(self.code, self.parameter, A, targets, losses, gradients, (0, m))
        return losses if self.order == 0 else gradients


def _built_in(name: str, parameter: float = 0.0, encoding: Encoding | None = None, code: int | None = None,
              kind: type[Loss] = Loss) -> Any:
    code = CODES[name] if code is None else code
    loss = kind(*(_BuiltIn(name, parameter, encoding, code, order) for order in range(3)))
    for attribute, value in (("name", name), ("code", code), ("parameter", parameter), ("encoding", encoding)):
        object.__setattr__(loss, attribute, value)
    return loss


class SoftmaxCrossEntropy(Loss):
    """The loss `softmax_cross_entropy`, which can be called to smooth labels and weigh classes."""

    def __call__(self, label_smoothing: float = 0.0, class_weights: ArrayLike | None = None) -> Loss:
        """Softmax cross-entropy with smoothed labels (Szegedy et al. 2016) and weighted classes, as torch has them.

        L = −Σ_i t_i log softmax(u)_i with t_i = w_i ((1 − ε) y_i + ε / n), ∇L = (Σ t) p − t, ∇²L = (Σ t)(diag(p) − p pᵀ). Targets
        are kept as their t, [m, n] numbers for class numbers [m] too.

        Parameters
        ----------
        label_smoothing : float
            ε, from 0 to 1.
        class_weights : array_like [n], optional
            w, at least 0. The reduction "mean" divides by m; ``reductions.weighted_mean(w[y])`` of the plain loss divides by the
            sum of the weights instead, as the mean of torch's ``CrossEntropyLoss(weight=w)`` does.

        Returns
        -------
        Loss
            With label smoothing alone `fisher` and `NaturalGradient` take it as softmax_cross_entropy of probabilities; with class
            weights it is the negative logarithm of no model, and they refuse it.

        Examples
        --------
        >>> from engine import losses
        >>> loss = losses.softmax_cross_entropy(label_smoothing=0.2)
        >>> loss.gradient([[0.0, 0.0]], [0])
        array([[-0.4,  0.4]])
        """
        smoothing, weights = loss_checks.label_smoothing(label_smoothing), loss_checks.class_weights(class_weights)
        if smoothing == 0 and weights is None:
            return self
        return cast(Loss, _built_in(self.name, encoding=SmoothedClasses(smoothing, weights)))


class BinaryCrossEntropy(Loss):
    """The loss `binary_cross_entropy`, which can be called to weigh the answer 1."""

    def __call__(self, pos_weight: ArrayLike = 1.0) -> Loss:
        """Binary cross-entropy that weighs the answer 1, as torch's ``BCEWithLogitsLoss(pos_weight=)`` does.

        L = Σ w y log(1 + e^−u) + (1 − y) log(1 + e^u), ∇L = (1 − y) p − w y (1 − p) and the diagonal ∇²L = (w y + 1 − y) p (1 − p),
        p = 1 / (1 + e^−u).

        Parameters
        ----------
        pos_weight : float or array_like [n]
            w above 0: one number, or one for each output.

        Returns
        -------
        Loss
            The negative logarithm of no model, unless w = 1: `fisher` and `NaturalGradient` refuse it.

        Examples
        --------
        >>> from engine import losses
        >>> losses.binary_cross_entropy(pos_weight=3.0).gradient([[0.0], [0.0]], [1, 0])
        array([[-1.5],
               [ 0.5]])
        """
        weight = loss_checks.pos_weight(pos_weight)
        if weight == 1:
            return self
        return cast(Loss, _built_in(self.name, encoding=WeightedAnswers(weight), code=CODES["weighted_binary_cross_entropy"]))


def huber(delta: float = 1.0) -> Loss:
    """Huber's loss (1964), summed over outputs: d²/2 up to |d| = δ, then δ (|d| − δ/2).

    Parameters
    ----------
    delta : float
        δ > 0.
    """
    return cast(Loss, _built_in("huber", checks.positive(delta, "delta")))


def quantile_loss(q: ArrayLike = 0.5) -> Loss:
    """The pinball loss, whose minimum is a quantile of the targets (Koenker & Bassett 1978), summed over outputs.

    L = Σ q d where d > 0 and (q − 1) d elsewhere, d = y − u; ∇L is −q, 1 − q, and at d = 0 the subgradient 0. ∇²L is 0 almost
    everywhere: the GGN and KFAC are 0, and Gauss–Newton or Levenberg–Marquardt only follow the gradient divided by their damping.
    `NaturalGradient` takes q (1 − q) instead, the information of the asymmetric Laplace density exp(−L).

    Parameters
    ----------
    q : float or array_like [n]
        Between 0 and 1: one number, or one for each output. Several outputs may share one target: y is [m, n], or [m] where q is an
        array.

    Returns
    -------
    Loss

    Examples
    --------
    >>> from engine import losses
    >>> losses.quantile_loss(0.9).value([[1.0], [3.0]], [2.0, 2.0])
    array([0.9, 0.1])
    >>> losses.quantile_loss([0.1, 0.9]).gradient([[1.0, 1.0]], [2.0])
    array([[-0.1, -0.9]])
    """
    return cast(Loss, _built_in("quantile_loss", encoding=Levels(loss_checks.levels(q))))


def sobolev(weight: float = 1.0) -> ResidualLoss:
    """½ |u − y_u|² + (weight / 2) |∇u − y_∇|², which fits values and gradients of a function (Czarnecki et al. 2017).

    In force matching u is an energy and y_∇ the forces with the other sign. Like every cost of residuals it cannot be computed from
    outputs alone: `fit`, `value_and_gradient` and whatever else takes residuals have the network's derivatives in its inputs.

    Parameters
    ----------
    weight : float
        Of the gradients, above 0.

    Returns
    -------
    Loss
        Its targets y are [m, n (1 + n_0)]: the n outputs first, and then their gradients output by output, ∂u_1/∂x_1 …
        ∂u_1/∂x_{n_0}, ∂u_2/∂x_1 …: ``np.concatenate([u, gradient.reshape(m, -1)], 1)`` of u [m, n] and gradient [m, n, n_0].

    See Also
    --------
    Residual : Of one's own.

    Examples
    --------
    >>> from engine import Cost, losses
    >>> Cost(losses.sobolev(0.1))
    Cost(sobolev(0.1), mean)
    """
    from .jets.sobolev import SobolevLoss

    return SobolevLoss(weight)


squared_error: Loss = _built_in("squared_error")
"""½‖u − y‖², summed over outputs, not averaged."""
absolute_error: Loss = _built_in("absolute_error")
"""Σ |u − y|; at u = y the subgradient is 0."""
log_cosh: Loss = _built_in("log_cosh")
"""Σ log cosh(u − y)."""
softmax_cross_entropy: SoftmaxCrossEntropy = _built_in("softmax_cross_entropy", kind=SoftmaxCrossEntropy)
"""−Σ y log softmax(u), on logits u; y [m] class numbers from 0, or [m, n] probabilities."""
binary_cross_entropy: BinaryCrossEntropy = _built_in("binary_cross_entropy", kind=BinaryCrossEntropy)
"""Σ log(1 + eᵘ) − y u, on logits; y [m, n] in [0, 1]."""
poisson: Loss = _built_in("poisson")
"""Σ eᵘ − y u, on log rates; y ≥ 0; without the log y! term."""
hinge: Loss = _built_in("hinge")
"""Σ max(0, 1 − y u); y in {−1, 1}; at the kink the subgradient is 0."""
cosine: Loss = _built_in("cosine")
"""1 − u·y / (|u||y|); where u or y is 0, 1 with subgradient 0."""
gaussian_nll: Loss = _built_in("gaussian_nll", encoding=Means())
"""½ Σ (s + (y − μ)² e^−s): the negative log-likelihood of N(μ, e^s) without ½ log 2π a target, as torch's with ``full=False``, for
outputs u = (μ, s), the means [n/2] and then the log variances [n/2] (Nix & Weigend 1994); y [m, n/2], [m] where n = 2. Its
Hessian, which `hessian` has, is indefinite wherever y ≠ μ. The GGN, KFAC and second-order updates take its mean under the model
in its place, diag(e^−s, ½), Fisher's information."""

NAMED: dict[str, Loss] = {loss.name: loss for loss in (squared_error, absolute_error, huber(), log_cosh, softmax_cross_entropy,
                                                       binary_cross_entropy, poisson, hinge, cosine, gaussian_nll, quantile_loss())}


def named(loss: str | Loss) -> Loss:
    """The Loss of a name; a Loss comes back unchanged."""
    return loss if isinstance(loss, Loss) else NAMED[cost_checks.loss_name(loss, NAMED)]
