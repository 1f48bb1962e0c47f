"""A SciPy LinearOperator of real numbers, that takes real dense arrays and refuses all else by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from . import checks


class RealOperator(LinearOperator):
    """The base of all operators here: products take real arrays without masked entries, and the transpose is the adjoint."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape[0]} × {self.shape[1]}, {self.dtype})"

    def dot(self, x: Any) -> Any:
        """The product with a vector [columns], a matrix [columns, r], a number or another operator."""
        return super().dot(checks.operand(x, "v", self.shape[1]))

    def _rdot(self, x: Any) -> Any:
        return super()._rdot(checks.left_operand(x, "u", self.shape[0]))

    def matvec(self, x: Any) -> Any:
        """The product with a vector, [columns] or [columns, 1]."""
        return super().matvec(checks.vector_operand(x, "v", self.shape[1]))

    def rmatvec(self, x: Any) -> Any:
        """The transpose's product with a vector, [rows] or [rows, 1]."""
        return super().rmatvec(checks.vector_operand(x, "u", self.shape[0]))

    def matmat(self, X: Any) -> Any:
        """The product with a matrix [columns, r]."""
        X = checks.matrix_operand(X, "V", self.shape[1])
        return np.zeros((self.shape[0], 0), self.dtype) if X.shape[1:] == (0,) else super().matmat(X)

    def rmatmat(self, X: Any) -> Any:
        """The transpose's product with a matrix [rows, r]."""
        X = checks.matrix_operand(X, "U", self.shape[0])
        return np.zeros((self.shape[1], 0), self.dtype) if X.shape[1:] == (0,) else super().rmatmat(X)

    def _adjoint(self) -> RealOperator:
        return _Transposed(self)

    _transpose = _adjoint


class _Transposed(RealOperator):
    """The transpose of a RealOperator."""

    def __init__(self, operator: RealOperator) -> None:
        self._operator = operator
        super().__init__(operator.dtype, operator.shape[::-1])

    def __repr__(self) -> str:
        return f"{self._operator!r}.T"

    def _matvec(self, x: Any) -> Any:
        return self._operator._rmatvec(x)

    def _rmatvec(self, x: Any) -> Any:
        return self._operator._matvec(x)

    def _matmat(self, X: Any) -> Any:
        return self._operator._rmatmat(X)

    def _rmatmat(self, X: Any) -> Any:
        return self._operator._matmat(X)

    def _adjoint(self) -> RealOperator:
        return self._operator

    _transpose = _adjoint
