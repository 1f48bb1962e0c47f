"""The choice of a solver: by name, or by what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ...typing import Array
from .. import checks
from ..linearised import Linearised, RightSide
from .cholesky import Cholesky
from .conjugate_gradient import ConjugateGradient
from .factored import KroneckerFactored
from .kernel import Kernel
from .penalised_kernel import PenalisedKernel
from .qr import QR

DIRECT = 2e10  # multiply-adds, below which a direct solver is taken whatever cg would cost: 0.5 s on two cores
ITERATIONS = 200  # of cg, a guess for a problem of moderate condition
SMALL = 64  # p up to which a QR decomposition, with half the digits lost of the others, costs no more than the rest of a step


class Solver(Protocol):
    """A way to solve (MᵀM + Λ + λ D²) δ = b."""

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p]."""

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking for D² [p]."""

    def damp(self, damping: float, squares: Array) -> bool:
        """Take λ D². Returns whether the system can be solved in this arithmetic."""

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""




def dual(linearised: Any, steepest: RightSide) -> Solver:
    """The dual system, of a cost with or without a penalty."""
    return (Kernel if linearised.added is None else PenalisedKernel)(linearised, steepest)


SOLVERS: dict[str, Callable[[Any, RightSide], Solver]] = {
    "cholesky": Cholesky, "qr": QR, "kernel": dual, "cg": ConjugateGradient, "kfac": KroneckerFactored}
NAMES = ("auto", *SOLVERS)


def cheapest(rows: int, size: int, samples: int, dual: bool = True) -> str:
    """The name of the cheapest solver for M [rows, size] of `samples` samples, or of QR, the most exact, where its cost is small
    change."""
    kernel = rows * rows * size / 2 + rows**3 / 6
    cholesky = rows * size * size / 2 + size**3 / 6
    direct, name = (kernel, "kernel") if dual and rows < size else (cholesky, "cholesky")
    if direct > DIRECT and ITERATIONS * 8 * samples * size < direct:
        return "cg"
    return "qr" if name == "cholesky" and size <= SMALL else name


def build(name: str, linearised: Linearised, steepest: RightSide) -> Solver:
    """The solver `name`, or the cheapest, on a linearised batch step and its `steepest()`."""
    m, n = linearised.shape
    if name == "auto":
        name = cheapest(m * n, linearised.size, m, "kernel" in linearised.solvers)
    return SOLVERS[checks.available_solver(name, linearised.solvers)](linearised, steepest)
