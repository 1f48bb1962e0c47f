"""Leading eigenvalues and singular values, through SciPy."""

import numpy as np
from scipy.sparse.linalg import eigsh, svds

from .. import checks


def _start(size, dtype):
    """ARPACK's first vector, always the same."""
    return np.random.default_rng(0).standard_normal(size).astype(dtype)


def leading_eigenvalues(operator, count=6, *, tolerance=0.0):
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

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import leading_eigenvalues
    >>> leading_eigenvalues(aslinearoperator(np.diag([1.0, -3.0, 2.0])), 2)[0].round(9)
    array([-3.,  2.])
    """
    size = operator.shape[0]
    count = min(checks.whole_number(count, "count", 1), size)
    if count >= size - 1:
        values, vectors = np.linalg.eigh(operator @ np.eye(size, dtype=operator.dtype))
    else:
        values, vectors = eigsh(operator, count, v0=_start(size, operator.dtype), tol=tolerance)
    order = np.argsort(-np.abs(values), kind="stable")[:count]
    return values[order], vectors[:, order]


def leading_singular_values(operator, count=6, *, tolerance=0.0):
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

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import leading_singular_values
    >>> leading_singular_values(aslinearoperator(np.diag([1.0, -3.0, 2.0])), 2)[1].round(9)
    array([3., 2.])
    """
    least = min(operator.shape)
    count = min(checks.whole_number(count, "count", 1), least)
    if count == least:
        return np.linalg.svd(operator @ np.eye(operator.shape[1], dtype=operator.dtype), full_matrices=False)
    left, values, right = svds(operator, count, v0=_start(least, operator.dtype), tol=tolerance)
    order = np.argsort(-values, kind="stable")
    return left[:, order], values[order], right[order]
