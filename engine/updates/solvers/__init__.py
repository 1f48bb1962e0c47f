"""Ways to solve (MᵀM + Λ + λ D²) δ = b, one in each file; Λ is the curvature of the cost's penalty, 0 where it has none.

Each is built on a `Linearised` batch step, once a step; `diagonal()` is that of MᵀM + Λ, `damp(λ, squares)` takes D² [p] and says
whether the system can be solved in this arithmetic, `solve(right_side)` gives δ [p], and `least_damping(squares)` is the λ below
which a run of many steps would follow rounding. Where λ is 0 and rank is short they give the δ of least norm (`rank`).
"""

from .choice import NAMES, Solver, build
from .cholesky import Cholesky
from .conjugate_gradient import ConjugateGradient
from .factored import KroneckerFactored
from .kernel import Kernel
from .penalised_kernel import PenalisedKernel
from .qr import QR

__all__ = ["NAMES", "Cholesky", "ConjugateGradient", "Kernel", "KroneckerFactored", "PenalisedKernel", "QR", "Solver", "build"]
