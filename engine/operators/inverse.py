"""(K + λ I)⁻¹ of any curvature operator, as an operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from . import checks as operator_checks
from . import kronecker_checks
from .inverse_product import by_conjugate_gradients, preconditioned_by
from .real_operator import RealOperator
from .spectrum import leading_eigenvalues
from .unit_scale import real_dtype

TERMS = 100
GROWTH = 1e-3  # by which rounding may make a term longer than the one before it


class InverseOperator(RealOperator):
    """(K + λ I)⁻¹, symmetric, of an operator K [P, P]: what `apply` makes of a vector. Made by `inverse`."""

    def __init__(self, operator: Any, damping: float, method: str, apply: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self._of, self._damping, self._method, self._apply = operator, damping, method, apply
        super().__init__(real_dtype(operator), operator.shape)

    def __repr__(self) -> str:
        return f"InverseOperator({self._of!r}, damping = {self._damping!r}, method = {self._method!r})"

    def _matvec(self, v: NDArray[Any]) -> NDArray[Any]:
        v = checks.direction(v, self.shape[1], self.dtype)
        return np.asarray(self._apply(v)).astype(self.dtype, copy=False)

    _rmatvec = _matvec

    def _adjoint(self) -> InverseOperator:
        return self

    _transpose = _adjoint


def inverse(operator: Any, *, damping: float = 0.0, method: str = "cg", preconditioner: Any = None, rtol: float | None = None,
            terms: int | None = None, scale: float | None = None) -> InverseOperator:
    """(K + λ I)⁻¹ as a symmetric LinearOperator, for a symmetric K [P, P].

    Parameters
    ----------
    operator : LinearOperator [P, P], or a matrix
        K, any of ours, or another.
    damping : float
        λ ≥ 0, such that K + λ I is positive definite.
    method : {"cg", "kfac", "neumann"}
        "cg": SciPy's conjugate gradients, anew for every vector (Hestenes & Stiefel 1952). "kfac": the operator's own `solve`,
        which `kfac` and `ekfac` have. "neumann": α Σ_{i=0}^{terms} (I − α (K + λ I))^i v, the series cut off, as Lorraine et al.
        (2020, arXiv 1911.02590) have it: `terms` products for every vector, whatever the error.
    preconditioner : LinearOperator [P, P], or a matrix, optional
        Of "cg": about (K + λ I)⁻¹, symmetric and positive definite. One with a `solve`, such as `kfac(network, X, y, cost)`, stands
        for its own (K′ + λ I)⁻¹. The diagonal of K + λ I where None, if K has a `diagonal()`.
    rtol : float, optional
        Of "cg", of the residual; 1e-8 in float64, 1e-5 in float32 where None.
    terms : int, optional
        Of "neumann", 100 where None. What is left out has the factor (1 − α e)^(terms + 1) along an eigenvector of K + λ I with
        the eigenvalue e: with few terms the inverse is damped where K is flat.
    scale : float, optional
        α of "neumann", between 0 and 2 / (e_max + λ) for the series to converge; 1 / (e_max + λ) where None, e_max being the
        largest eigenvalue of K, found once by `leading_eigenvalues`.

    Returns
    -------
    InverseOperator
        A LinearOperator (P, P); its products raise numpy.linalg.LinAlgError where conjugate gradients do not come to an end or
        the series does not converge.

    Raises
    ------
    ValueError
        Where a setting is another method's, shapes do not fit, or "kfac" is given an operator without a `solve`.

    See Also
    --------
    inverse_product : For vectors at once.
    kfac, ekfac : Operators that solve by themselves, and preconditioners.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import inverse
    >>> K = aslinearoperator(np.diag([1.0, 3.0]))
    >>> (inverse(K, damping=1.0) @ np.array([2.0, 8.0])).round(6)
    array([1., 2.])
    >>> (inverse(K, damping=1.0, method="neumann", scale=0.4) @ np.array([2.0, 8.0])).round(6)
    array([1., 2.])
    """
    size = operator_checks.square(operator)
    damping = operator_checks.damping(damping)
    checks.one_of(method, "method", kronecker_checks.METHODS)
    for value, name, wanted in ((preconditioner, "preconditioner", "cg"), (rtol, "rtol", "cg"), (terms, "terms", "neumann"),
                                (scale, "scale", "neumann")):
        kronecker_checks.only_with(value, name, method, wanted)
    if method == "kfac":
        kronecker_checks.solves(operator)
        return InverseOperator(operator, damping, method, lambda v: operator.solve(v, damping=damping))
    dtype = real_dtype(operator)
    shift = dtype.type(damping)
    if method == "cg":
        tolerance = (1e-8 if dtype == np.float64 else 1e-5) if rtol is None else checks.positive(rtol, "rtol")
        nearby = preconditioned_by(operator, damping, preconditioner, size, dtype)
        return InverseOperator(operator, damping, method,
                               lambda v: by_conjugate_gradients(operator, v, damping, tolerance, nearby))
    count = TERMS if terms is None else checks.whole_number(terms, "terms", 0)
    alpha = _scale(operator, damping) if scale is None else checks.positive(scale, "scale")

    def series(v: NDArray[Any]) -> NDArray[Any]:
        term, total = v, v.copy()
        for _ in range(count):
            before = float(np.linalg.norm(term))
            term = term - dtype.type(alpha) * (operator @ term + shift * term)
            kronecker_checks.converges(term, before * (1 + GROWTH), alpha)
            total += term
        return dtype.type(alpha) * total
    return InverseOperator(operator, damping, method, series)


def _scale(operator: Any, damping: float) -> float:
    """1 / (e_max + λ), and 1 where that is 0."""
    largest = float(leading_eigenvalues(operator, 1, tolerance=0.01)[0][0]) + damping
    return 1 / largest if largest > 0 else 1.0
