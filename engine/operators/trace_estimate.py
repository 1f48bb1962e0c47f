"""The trace of an operator from products with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import checks
from . import checks as operator_checks
from .unit_scale import real_dtype


def trace_estimate(operator: Any, products: int = 90, *, seed: int = 0) -> float:
    """Hutch++, an unbiased estimate of the trace of a square operator (Meyer, Musco, Musco & Woodruff 2021, arXiv 2010.09649).

    A third of the products finds a basis Q of where the operator is large, a third takes the trace there exactly, and a third
    estimates the rest by random signs (Hutchinson 1990). For positive semi-definite operators the error falls as 1/products, where
    Hutchinson's falls as the root of that; it is 0 to within rounding where the rank is at most products/3.

    Parameters
    ----------
    operator : LinearOperator [P, P]
    products : int
        How many, at least 3; from 3 P on the trace is exact.
    seed : int or numpy.random.Generator

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where the operator is not square, or its products are not finite.

    See Also
    --------
    spectral_density : The trace of a function of the operator.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import trace_estimate
    >>> round(trace_estimate(aslinearoperator(np.diag([5.0, 1.0, 0.0, 0.0])), 6), 9)
    6.0
    """
    third = checks.whole_number(products, "products", 3) // 3
    generator, size, dtype = checks.generator(seed), operator_checks.square(operator), real_dtype(operator)
    signs = generator.choice([-1.0, 1.0], (size, 2 * min(third, size))).astype(dtype)
    sketch, probes = np.hsplit(signs, 2)
    columns = operator @ sketch if third < size else np.eye(size, dtype=dtype)
    Q, _ = np.linalg.qr(operator_checks.finite_products(columns))
    inside = np.einsum("pi,pi->", Q, operator_checks.finite_products(operator @ Q))
    if Q.shape[1] == size:
        return float(inside)
    rest = probes - Q @ (Q.T @ probes)
    return float(inside + np.einsum("pi,pi->", rest, operator @ rest) / probes.shape[1])
