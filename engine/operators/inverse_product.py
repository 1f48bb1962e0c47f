"""(K + λ I)⁻¹ v for any curvature operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, cg

from .. import checks
from . import checks as operator_checks
from . import kronecker_checks


def inverse_product(operator: Any, v: ArrayLike, *, damping: float, rtol: float | None = None) -> NDArray[Any]:
    """(K + λ I)⁻¹ v, by the operator's own `solve` where it has one, else by SciPy's conjugate gradients.

    Parameters
    ----------
    operator : LinearOperator [P, P]
        K, symmetric: any of ours, or another; `kfac` and `ekfac` have a `solve`. Where it has a `diagonal()`, that preconditions.
    v : array_like [P] or [P, r]
    damping : float
        λ ≥ 0, such that K + λ I is positive definite.
    rtol : float, optional
        Of the residual; 1e-8 in float64, 1e-5 in float32 where None.

    Returns
    -------
    ndarray of v's shape

    Raises
    ------
    numpy.linalg.LinAlgError
        Where conjugate gradients do not come to an end: K + λ I is too badly conditioned, or not positive definite.

    See Also
    --------
    inverse : The same as an operator, with a preconditioner of one's own.
    kfac : Solves exactly by its factors.
    ggn, hessian : Operators to solve with.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import inverse_product
    >>> inverse_product(aslinearoperator(np.diag([1.0, 3.0])), np.array([2.0, 8.0]), damping=1.0).round(6)
    array([1., 2.])
    """
    size = operator_checks.square(operator)
    damping = operator_checks.damping(damping)
    V = checks.real_array(v, "v")
    if hasattr(operator, "solve"):
        return operator.solve(V, damping=damping)
    if V.ndim == 2:
        columns = [inverse_product(operator, V[:, i], damping=damping, rtol=rtol) for i in range(V.shape[1])]
        return np.stack(columns, axis=1) if columns else np.zeros(V.shape, operator.dtype)
    v = checks.vector(V, size, operator.dtype, "v", "one number for each row of the operator")
    rtol = (1e-8 if v.dtype == np.float64 else 1e-5) if rtol is None else checks.positive(rtol, "rtol")
    return by_conjugate_gradients(operator, v, damping, rtol, preconditioned_by(operator, damping, None, size, v.dtype))


def by_conjugate_gradients(operator: Any, v: NDArray[Any], damping: float, rtol: float,
                           preconditioner: Any) -> NDArray[Any]:
    """(K + λ I)⁻¹ v for v [P], by SciPy's conjugate gradients.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where they do not come to an end.
    """
    shift = v.dtype.type(damping)
    shifted = LinearOperator(operator.shape, lambda x: operator @ x.reshape(-1) + shift * x.reshape(-1), dtype=v.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, steps = cg(shifted, v, rtol=rtol, atol=0.0, maxiter=max(100, 10 * len(v)), M=preconditioner)
    operator_checks.solved(steps, found, damping)
    return found.astype(v.dtype, copy=False)


def preconditioned_by(operator: Any, damping: float, preconditioner: Any, size: int, dtype: np.dtype[Any]) -> Any:
    """What stands for (K + λ I)⁻¹: a given operator, or the `solve` of one that has it; the diagonal of K + λ I where None; or None
    where K has no diagonal."""
    if preconditioner is not None:
        kronecker_checks.same_size(operator_checks.linear_operator(preconditioner, "preconditioner").shape, size)
        if hasattr(preconditioner, "solve"):
            return LinearOperator((size, size), lambda x: preconditioner.solve(x.reshape(-1), damping=damping), dtype=dtype)
        return preconditioner
    if not hasattr(operator, "diagonal"):
        return None
    diagonal = operator.diagonal() + dtype.type(damping)
    scale = np.divide(1, diagonal, out=np.ones_like(diagonal), where=diagonal > 0)
    return LinearOperator((size, size), lambda x: scale * x.reshape(-1), dtype=dtype)
