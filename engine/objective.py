"""The face to scipy.optimize: a cost as functions of θ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from schedulers import BatchStep

from . import checks, object_checks
from .batch_problem import BatchProblem
from .cost import Cost
from .jets.point_sets import of_jets
from .jets.residual_pass import residuals_at
from .jets.unknowns import with_unknowns
from .network import Network
from .operators.jacobian import Jacobian
from .operators.residual_jacobian import ResidualJacobian
from .typing import Array, Indices


class ScaledJacobian(LinearOperator):
    """diag(w) J of shape (m n, P), the derivative of `Objective.residual`: float64, as SciPy computes. A penalty of q numbers adds
    q rows √Λ, each with one number, at `penalised`."""

    def __init__(self, jacobian: Jacobian | ResidualJacobian, scale: Array, penalised: Indices, roots: NDArray[np.float64]) -> None:
        self._jacobian, self._scale, self._penalised, self._roots = jacobian, scale.astype(np.float64), penalised, roots
        super().__init__(np.float64, (jacobian.shape[0] + len(roots), jacobian.shape[1]))

    def __repr__(self) -> str:
        return f"ScaledJacobian({self.shape[0]} × {self.shape[1]}, {self.dtype})"

    def _matvec(self, v: NDArray[Any]) -> NDArray[np.float64]:
        v = v.reshape(-1)
        return np.concatenate([self._scale * (self._jacobian @ v), self._roots * v[self._penalised]])

    def _rmatvec(self, u: NDArray[Any]) -> NDArray[np.float64]:
        of_samples, of_penalty = np.split(u.reshape(-1), [len(self._scale)])
        out = (self._jacobian.T @ (self._scale * of_samples)).astype(np.float64)
        out[self._penalised] += self._roots * of_penalty
        return out

    def dense(self) -> NDArray[np.float64]:
        """Every number of it, float64 [m n + q, P]: what ``least_squares`` needs for ``method="lm"`` and ``x_scale="jac"``.

        Raises
        ------
        MemoryError
            Where it does not fit in the memory available, before anything is allocated.
        """
        rows = self._jacobian.dense().astype(np.float64, copy=False)
        rows *= self._scale[:, None]
        if not len(self._roots):
            return rows
        below = np.zeros((len(self._roots), rows.shape[1]))
        below[np.arange(len(below)), self._penalised] = self._roots
        return np.vstack([rows, below])


class Objective:
    """C(θ) and its derivatives at fixed samples, as `scipy.optimize` calls them. Made by `engine.objective`."""

    def __init__(self, network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> None:
        self.cost = object_checks.cost(cost, Cost, penalised=True, residuals=True)
        self.network = with_unknowns(object_checks.network(network, Network, unknowns=of_jets(cost)), cost)
        network = self.network
        self._X = np.array(checks.samples(X, network.widths[0], network.dtype))
        self._targets = np.array(cost.targets(y, len(self._X), network.widths[-1], network.dtype))
        self._problem = BatchProblem(network, self._X, self._targets, cost, BatchStep(0, 0, np.arange(len(self._X))))
        self._penalty_curvature = np.zeros(0) if cost.penalty is None else cost.penalty.curvature(network).astype(np.float64)
        self._penalised = np.flatnonzero(self._penalty_curvature)
        self._last: Any = None
        self._curvature: Any = None

    def __repr__(self) -> str:
        return f"Objective({self.network!r}, {self.cost!r}, m = {len(self._X)})"

    def _evaluate(self, theta: ArrayLike) -> Any:
        theta = np.array(checks.vector(theta, self.network.size, self.network.dtype, "theta", "one number for each of θ"))
        if self._last is None or not np.array_equal(theta, self._last[0]):
            self._last = theta, *self._problem.value_and_gradient(theta)
        return self._last

    def fun(self, theta: ArrayLike) -> float:
        """C at θ [P], a float."""
        return float(self._evaluate(theta)[1])

    def jac(self, theta: ArrayLike) -> NDArray[np.float64]:
        """D_θ C at θ [P], float64 [P]: what SciPy's optimisers compute in (eq. 20)."""
        return self._evaluate(theta)[2].astype(np.float64)

    def hessp(self, theta: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """∇²C v at θ [P] for v [P], float64 [P], exact: for ``minimize(method="trust-ncg" | "Newton-CG", hessp=...)``. A penalty's
        ∇² is part of it.

        One Hessian operator serves every v at the same θ.

        Raises
        ------
        ValueError
            Where a user's own activation, loss or reduction has no second derivative.
        """
        from .operators.hessian import hessian

        theta = np.array(checks.vector(theta, self.network.size, self.network.dtype, "theta", "one number for each of θ"))
        if self._curvature is None or not np.array_equal(theta, self._curvature[0]):
            cost = self._problem.cost.without_penalty()
            self._curvature = theta, hessian(self._problem.network(theta), self._X, self._problem.y, cost)
        v = checks.direction(v, self.network.size, self.network.dtype)
        product = (self._curvature[1] @ v).astype(np.float64)
        return product + self._penalty_curvature * v if len(self._penalty_curvature) else product

    def _scale(self) -> Array:
        """√∂φ/∂L_k, one for each of A: with it ½‖residual‖² is C."""
        weights = checks.residual_weights(self.cost, len(self._X), self.network.dtype)
        each = self._problem.point_sets.outputs if of_jets(self.cost) else self.network.widths[-1]
        return np.repeat(np.sqrt(weights), each)

    def residual(self, theta: ArrayLike) -> NDArray[np.float64]:
        """A − y, float64 [m n], scaled so that ½‖residual‖² = C: for `scipy.optimize.least_squares`.

        A penalty of q numbers of θ adds q more, √strength times them.

        Raises
        ------
        ValueError
            Where the loss is not squared_error, or the reduction not sum, mean, weighted or weighted_mean with weights ≥ 0.
        """
        network = self.network.replace(theta)
        if of_jets(self.cost):
            values = residuals_at(network, self._problem.point_sets)
        else:
            values = network(self._X) - self._targets
        of_samples = self._scale().astype(np.float64) * values.reshape(-1)
        if not len(self._penalised):
            return of_samples
        return np.concatenate([of_samples, self._roots * network.parameters[self._penalised]])

    @property
    def _roots(self) -> NDArray[np.float64]:
        """√strength, one for each penalised number of θ."""
        return np.sqrt(self._penalty_curvature[self._penalised])

    def residual_jac(self, theta: ArrayLike) -> ScaledJacobian:
        """The derivative of `residual`, a LinearOperator (m n, P), or (m n + q, P) with a penalty, that never forms J; its
        `.dense()` does."""
        network = self.network.replace(theta)
        J = ResidualJacobian(network, self._X, self._problem.y, self.cost) if of_jets(self.cost) else network.jacobian(self._X)
        return ScaledJacobian(J, self._scale(), self._penalised, self._roots)


def objective(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> Objective:
    """A cost as functions of θ alone, for `scipy.optimize.minimize` and `least_squares`.

    Parameters
    ----------
    network : Network
        Its widths, activations and dtype; θ comes with each call.
    X, y : array_like
        As `value_and_gradient` takes them; copied.
    cost : Cost
        Its penalty is part of every one of these functions.

    Returns
    -------
    Objective
        With ``.fun(θ)``, ``.jac(θ)``, ``.hessp(θ, v)`` and, for squared_error, ``.residual(θ)`` and ``.residual_jac(θ)``.

    See Also
    --------
    value_and_gradient : C and D_θ C at a network's own θ.
    LevenbergMarquardt : Least squares without SciPy.

    Notes
    -----
    ``least_squares(aim.residual, θ, aim.residual_jac)`` takes products with J and never forms it. SciPy wants every number of J
    for ``method="lm"`` (MINPACK's Levenberg–Marquardt, for m n ≥ P) and for ``x_scale="jac"``: give it
    ``lambda θ: aim.residual_jac(θ).dense()``.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import minimize
    >>> from engine import Cost, Network, objective
    >>> network = Network((1, 1), ("identity",), np.zeros(2))
    >>> aim = objective(network, np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]), Cost("squared_error"))
    >>> minimize(aim.fun, network.parameters, jac=aim.jac).x.round(4)
    array([2., 1.])
    >>> from scipy.optimize import least_squares
    >>> rows = lambda theta: aim.residual_jac(theta).dense()
    >>> least_squares(aim.residual, network.parameters, rows, method="lm").x.round(4)
    array([2., 1.])
    """
    return Objective(network, X, y, cost)
