"""The influence of each training sample on a prediction or a cost (Koh & Liang 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from . import network_checks, object_checks
from .cost import Cost
from .evaluation import value_and_gradient
from .network import Network
from .operators import checks as operator_checks
from .operators.inverse_product import inverse_product
from .operators.jacobian import Jacobian
from .operators.loss_jacobian import LossJacobian
from .operators.trainable_part import TrainablePart
from .typing import Array


def influence_on_predictions(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, X_test: ArrayLike, *,
                             curvature: LinearOperator, damping: float, trainable: ArrayLike | None = None) -> Array:
    """d a^L(x*) / dε_k, the rate at which predictions move with the weight of each training sample (Koh & Liang 2017, 1703.04730).

    θ is taken for a minimum of C, and C + ε L_k for minimised anew, to first order: −J(x*) (K + λ I)⁻¹ ∇_θ L_k. To first order
    sample k is left out at ε = −(∇φ)_k, −1/m for a mean. With a penalty in the cost, C and its curvature K include it, while L_k
    are the losses alone. Where K is the curvature of trainable numbers of θ alone, C + ε L_k is minimised over those, and J and
    ∇_θ L_k have their columns only.

    Parameters
    ----------
    network : Network
        As trained on (X, y) with `cost`.
    X, y : array_like
        The m training samples, as `value_and_gradient` takes them.
    cost : Cost
    X_test : array_like [m′, n_0]
    curvature : LinearOperator [P, P] or [T, T]
        K, the curvature of C: `engine.operators.ggn`, `hessian`, `kfac`, `ekfac` of the same arguments, or another.
    damping : float
        λ ≥ 0, such that K + λ I is positive definite; 0 will do where a penalty makes K so.
    trainable : array_like of bool [P], optional
        Which T numbers of θ are the curvature's. Where None, its attribute `trainable`, which the operators of `engine.operators`
        have; without one it has all P.

    Returns
    -------
    ndarray [m, m′, n]
        min(m, m′ n) systems are solved.

    Raises
    ------
    ValueError, TypeError
        Where the samples do not fit the network, the loss or each other.
    numpy.linalg.LinAlgError
        Where a system cannot be solved.

    See Also
    --------
    influence_on_cost : On a cost, by one solve.
    per_sample_gradients : What it solves for.
    engine.operators.ggn, engine.operators.kfac : Curvatures to solve with.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, influence_on_predictions
    >>> from engine.operators import kfac
    >>> network, cost = Network((1, 1), ("identity",), np.array([0.0, 1.0])), Cost("squared_error")
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([[0.0], [2.0]])
    >>> influence_on_predictions(network, X, y, cost, [[0.0]], curvature=kfac(network, X, y, cost), damping=0.0).round(6).ravel()
    array([-1.,  1.])
    """
    part = _part(network, curvature, trainable)
    G = LossJacobian(part.network, part.samples(X), y, cost)
    J = Jacobian(part.network, part.samples(X_test, "X_test"))
    if J.shape[0] == 0:
        moved = np.empty((G.shape[0], 0), network.dtype)
    elif G.shape[0] < J.shape[0]:
        moved = -(J @ part.spread(inverse_product(curvature, G.dense().T[part.kept], damping=damping))).T
    else:
        moved = -(G @ part.spread(inverse_product(curvature, J.dense().T[part.kept], damping=damping)))
    return np.ascontiguousarray(moved).reshape(G.shape[0], -1, network.widths[-1])


def influence_on_cost(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, X_test: ArrayLike, y_test: ArrayLike, *,
                      curvature: LinearOperator, damping: float, test_cost: Cost | None = None,
                      trainable: ArrayLike | None = None) -> Array:
    """dC* / dε_k, the rate at which a cost of other samples moves with the weight of each training sample (Koh & Liang 2017).

    −D_θ C* (K + λ I)⁻¹ ∇_θ L_k under the assumptions of `influence_on_predictions`: negative where more weight of sample k makes
    C* better. One system is solved.

    Parameters
    ----------
    network, X, y, cost, curvature, damping, trainable
        As `influence_on_predictions` takes them.
    X_test, y_test : array_like
        The samples of C*.
    test_cost : Cost, optional
        That of C*; `cost` without its penalty where None. A penalty of its own counts, as in `value_and_gradient`.

    Returns
    -------
    ndarray [m]

    Raises
    ------
    ValueError, TypeError
        Where the samples do not fit the network, the loss or each other.
    numpy.linalg.LinAlgError
        Where the system cannot be solved.

    See Also
    --------
    influence_on_predictions : On each prediction.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, influence_on_cost
    >>> from engine.operators import kfac
    >>> network, cost = Network((1, 1), ("identity",), np.array([0.0, 1.0])), Cost("squared_error")
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([[0.0], [2.0]])
    >>> influence_on_cost(network, X, y, cost, [[0.0]], [[3.0]], curvature=kfac(network, X, y, cost), damping=0.0).round(6)
    array([ 2., -2.])
    """
    part = _part(network, curvature, trainable)
    object_checks.cost(cost, Cost, penalised=True)
    test_cost = Cost(cost.loss, cost.reduction) if test_cost is None else object_checks.cost(test_cost, Cost, "test_cost",
                                                                                            penalised=True)
    gradient = value_and_gradient(part.network, part.samples(X_test, "X_test"), y_test, test_cost)[1]
    solved = part.spread(inverse_product(curvature, gradient[part.kept], damping=damping))
    return -(LossJacobian(part.network, part.samples(X), y, cost) @ solved)


def _part(network: Network, curvature: LinearOperator, trainable: ArrayLike | None) -> TrainablePart:
    """The numbers of θ that a curvature is of, which `trainable` says, or else the curvature itself."""
    mask = network_checks.trainable(trainable, object_checks.network(network, Network).size)
    return TrainablePart(network, operator_checks.numbers_of(curvature, mask, network.size))
