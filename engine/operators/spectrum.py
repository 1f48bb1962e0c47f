"""Leading eigenvalues and singular values, through SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh, svds

from .. import checks
from . import checks as operator_checks
from .unit_scale import real_dtype, start, unit_scale


def leading_eigenvalues(operator: Any, count: int = 6, *, tolerance: float = 0.0) -> tuple[NDArray[Any], NDArray[Any]]:
    """The eigenvalues of largest magnitude of a symmetric operator, and their vectors, by `scipy.sparse.linalg.eigsh` (ARPACK's
    implicitly restarted Lanczos method; Lehoucq, Sorensen & Yang 1998).

    Parameters
    ----------
    operator : LinearOperator [P, P]
        Any symmetric one of ours, or another.
    count : int
        How many, P at most. From P − 1 on the operator is formed.
    tolerance : float
        Relative; 0 is machine precision.

    Returns
    -------
    values : ndarray [count]
        From the largest magnitude down.
    vectors : ndarray [P, count]
        Orthonormal; the first unit vectors where the operator is 0.

    Raises
    ------
    ValueError
        Where the operator is not square, or its products are not finite.

    See Also
    --------
    leading_singular_values : Of an operator that is not symmetric.
    spectral_density : All eigenvalues, roughly.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import leading_eigenvalues
    >>> leading_eigenvalues(aslinearoperator(np.diag([1.0, -3.0, 2.0])), 2)[0].round(9)
    array([-3.,  2.])
    """
    size, dtype = operator_checks.square(operator), real_dtype(operator)
    count, tolerance = min(checks.whole_number(count, "count", 1), size), operator_checks.tolerance(tolerance)
    if count < size - 1:
        scale, unit = unit_scale(operator)
        if scale == 0:
            return np.zeros(count, dtype), np.eye(size, count, dtype=dtype)
        values, vectors = eigsh(unit, count, v0=start(size, dtype), tol=tolerance)
        values = values * dtype.type(scale)
    else:
        values, vectors = np.linalg.eigh(operator_checks.finite_products(operator @ np.eye(size, dtype=dtype)))
    order = np.argsort(-np.abs(values), kind="stable")[:count]
    return values[order], vectors[:, order]


def leading_singular_values(operator: Any, count: int = 6, *,
                            tolerance: float = 0.0) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The largest singular values of an operator and their vectors, by `scipy.sparse.linalg.svds` (ARPACK).

    Parameters
    ----------
    operator : LinearOperator [M, P]
        A Jacobian, say.
    count : int
        How many, min(M, P) at most. At min(M, P) the operator is formed.
    tolerance : float
        Relative; 0 is machine precision.

    Returns
    -------
    left : ndarray [M, count]
    values : ndarray [count]
        From the largest down.
    right : ndarray [count, P]

    Raises
    ------
    ValueError
        Where the operator's products are not finite.

    See Also
    --------
    leading_eigenvalues : Of a symmetric operator.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import leading_singular_values
    >>> leading_singular_values(aslinearoperator(np.diag([1.0, -3.0, 2.0])), 2)[1].round(9)
    array([3., 2.])
    """
    least, dtype = min(operator_checks.linear_operator(operator).shape), real_dtype(operator)
    count, tolerance = min(checks.whole_number(count, "count", 1), least), operator_checks.tolerance(tolerance)
    if count == least:
        dense = operator_checks.finite_products(operator @ np.eye(operator.shape[1], dtype=dtype))
        return np.linalg.svd(dense, full_matrices=False)
    scale, unit = unit_scale(operator)
    if scale == 0:
        return np.eye(operator.shape[0], count, dtype=dtype), np.zeros(count, dtype), np.eye(count, operator.shape[1], dtype=dtype)
    left, values, right = svds(unit, count, v0=start(least, dtype), tol=tolerance)
    order = np.argsort(-values, kind="stable")
    return left[:, order], values[order] * dtype.type(scale), right[order]
