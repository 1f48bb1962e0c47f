"""Any operator divided by its own size: what ARPACK's absolute tolerances and squares of norms are meant for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from . import checks as operator_checks


def start(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A first vector [size], always the same, without an entry of 0."""
    return np.random.default_rng(0).standard_normal(size).astype(dtype)


def real_dtype(operator: Any) -> np.dtype[Any]:
    """The operator's dtype, or float64 where it is one of whole numbers."""
    return np.result_type(operator.dtype, np.float32)


def unit_scale(operator: Any) -> tuple[float, Any]:
    """(s, K / s), with s = max |K v| for a random v: 0 where K is 0 to a probability of 1, and then K itself.

    Raises
    ------
    ValueError
        Where K v is not finite.
    """
    dtype = real_dtype(operator)
    first = operator @ start(operator.shape[1], dtype)
    operator_checks.finite_products(first)
    scale = dtype.type(np.abs(first).max(initial=0))
    if scale == 0:
        return 0.0, operator

    def forward(V: NDArray[Any]) -> NDArray[Any]:
        return ((operator @ V) / scale).astype(dtype, copy=False)

    def transposed(U: NDArray[Any]) -> NDArray[Any]:
        return ((operator.T @ U) / scale).astype(dtype, copy=False)
    return float(scale), LinearOperator(operator.shape, forward, transposed, forward, dtype, transposed)
