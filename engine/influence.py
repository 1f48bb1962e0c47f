"""The influence of each training sample on a prediction or a cost (Koh & Liang 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from . import checks, object_checks
from .cost import Cost
from .evaluation import value_and_gradient
from .network import Network
from .operators import checks as operator_checks
from .operators.inverse_product import inverse_product
from .operators.jacobian import Jacobian
from .operators.loss_jacobian import LossJacobian
from .typing import Array


def influence_on_predictions(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, X_test: ArrayLike, *,
                             curvature: LinearOperator, damping: float) -> Array:
    """d a^L(x*) / dε_k, the rate at which predictions move with the weight of each training sample (Koh & Liang 2017, 1703.04730).

    θ is taken for a minimum of C, and C + ε L_k for minimised anew, to first order: −J(x*) (K + λ I)⁻¹ ∇_θ L_k. To first order
    sample k is left out at ε = −(∇φ)_k, −1/m for a mean.

    Parameters
    ----------
    network : Network
        As trained on (X, y) with `cost`.
    X, y : array_like
        The m training samples, as `value_and_gradient` takes them.
    cost : Cost
    X_test : array_like [m′, n_0]
    curvature : LinearOperator [P, P]
        K, the curvature of C: `engine.operators.ggn`, `hessian`, `kfac`, `ekfac` of the same arguments, or another.
    damping : float
        λ ≥ 0, such that K + λ I is positive definite.

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
    G = LossJacobian(network, X, y, cost)
    operator_checks.square(curvature, "curvature")
    J = Jacobian(network, checks.samples(X_test, network.widths[0], network.dtype, "X_test"))
    if J.shape[0] == 0:
        moved = np.empty((G.shape[0], 0), network.dtype)
    elif G.shape[0] < J.shape[0]:
        moved = -(J @ inverse_product(curvature, G.dense().T, damping=damping)).T
    else:
        moved = -(G @ inverse_product(curvature, J.dense().T, damping=damping))
    return np.ascontiguousarray(moved).reshape(G.shape[0], -1, network.widths[-1])


def influence_on_cost(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, X_test: ArrayLike, y_test: ArrayLike, *,
                      curvature: LinearOperator, damping: float, test_cost: Cost | None = None) -> Array:
    """dC* / dε_k, the rate at which a cost of other samples moves with the weight of each training sample (Koh & Liang 2017).

    −D_θ C* (K + λ I)⁻¹ ∇_θ L_k under the assumptions of `influence_on_predictions`: negative where more weight of sample k makes
    C* better. One system is solved.

    Parameters
    ----------
    network, X, y, cost, curvature, damping
        As `influence_on_predictions` takes them.
    X_test, y_test : array_like
        The samples of C*.
    test_cost : Cost, optional
        That of C*; `cost` where None.

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
    operator_checks.square(curvature, "curvature")
    test_cost = object_checks.cost(cost, Cost) if test_cost is None else object_checks.cost(test_cost, Cost, "test_cost")
    gradient = value_and_gradient(network, X_test, y_test, test_cost)[1]
    return -(LossJacobian(network, X, y, cost) @ inverse_product(curvature, gradient, damping=damping))
