"""∇²φ of the reductions that kernels know: a diagonal, which adds to single samples, and a rank-one part, which joins them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.reductions import LINEAR, ReductionCode
from ..reductions import Reduction
from ..typing import Array, Number


class ReductionHessian(NamedTuple):
    """∇²φ = diag(d) − c r rᵀ."""

    diagonal: Array  # d [m]
    scale: Number  # c
    vector: Array  # r [m]


def reduction_hessian(reduction: Reduction, losses: Array, gradient: Array) -> ReductionHessian | None:
    """The ReductionHessian at losses [m] with ∇φ [m], or None where ∇²φ is 0. A code that has no branch here gives NaN."""
    m, parameter, dtype = len(losses), reduction.parameter, losses.dtype
    if reduction.code == ReductionCode.LOG_SUM_EXP:
        return ReductionHessian(dtype.type(parameter) * gradient, dtype.type(parameter), gradient)
    if reduction.code == ReductionCode.MEAN_VARIANCE:
        return ReductionHessian(np.full(m, 2 * parameter / m, dtype), dtype.type(2 * parameter / m**2), np.ones(m, dtype))
    if reduction.code == ReductionCode.POWER_MEAN:
        scale, value = dtype.type(parameter - 1), reduction.value(losses)
        d = scale * np.divide(gradient, losses, out=np.zeros_like(losses), where=losses > 0)
        return None if parameter == 1 else ReductionHessian(d, scale / value if value > 0 else dtype.type(0), gradient)
    return None if reduction.code in LINEAR else ReductionHessian(np.full(m, np.nan, dtype), dtype.type(np.nan), gradient)
