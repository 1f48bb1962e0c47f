"""How many numbers of θ the samples of a batch step determine, which the evidence of a penalty needs (MacKay 1992)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, blas, eigh, eigvalsh, svd

from ..typing import Mask
from .linearised import Linearised
from .solvers import rank

Double = NDArray[np.float64]
DOUBLE = np.dtype(np.float64)


class Determined(NamedTuple):
    """What the samples say of θ: the eigenvalues μ of the curvature that the penalised numbers have once the others have adapted,
    and the rank of those others' own curvature."""

    values: Double
    others: int

    def penalised(self, strength: float) -> float:
        """Σ μ / (μ + ρ), the number of penalised numbers that the samples determine beside a penalty of strength ρ."""
        return float((self.values / (self.values + strength)).sum())


def square_of_columns(part: Any) -> Double:
    """MᵀM [p, p], its lower triangle, float64. Of a float32 M, too, whose own squares would have lost half the digits."""
    if part.network.dtype == DOUBLE:
        return np.asarray(part.square())
    total = np.zeros((part.size, part.size), order="F")
    for slab in part.rows():
        total = blas.dsyrk(1.0, slab.T.astype(np.float64), beta=1.0, c=total, lower=1, overwrite_c=1)
    return total


def determined(samples: Linearised, penalised: Mask) -> Determined | None:
    """The Determined of a batch step for `penalised` [p], by M Mᵀ [mn, mn] or MᵀM [p, p], whichever is smaller.

    With A the curvature of the samples, w the penalised numbers and b the others, the eigenvalues are those of
    A_ww − A_wb A_bb⁺ A_bw: adding ρ I to it and inverting gives the block of w of (A + ρ I_w)⁻¹. None where M is not finite. An
    MᵀM that was formed is left with `samples`, for the step that follows.
    """
    m, n = samples.shape
    dual = "kernel" in samples.solvers and m * n < samples.size
    try:
        square, others = _dual(samples, penalised) if dual else _primal(samples, penalised)
        values = eigvalsh(square, lower=True, overwrite_a=True) if len(square) else np.zeros(0)
    except (LinAlgError, ValueError):
        return None
    least = max(rank.least_ratio_of_squares(len(values), m * n, DOUBLE),
                rank.least_ratio(max(m * n, samples.size), samples.network.dtype)**2)
    return Determined(np.where(values > least * values.max(initial=0), values, 0), others)


def _dual(samples: Any, penalised: Mask) -> tuple[Double, int]:
    """M_w M_wᵀ [mn, mn] of what M_b does not reach, and the rank of M_b."""
    M = np.vstack([slab.astype(np.float64) for slab in samples.rows()])
    M_w, M_b = M[:, penalised], M[:, ~penalised]
    others = 0
    if M_b.shape[1]:
        U, s, _ = svd(M_b / _norms(np.square(M_b).sum(axis=0)), full_matrices=False)
        others = int(np.count_nonzero(s > rank.least_ratio(max(M_b.shape), samples.network.dtype) * s[0]))
        M_w -= U[:, :others] @ (U[:, :others].T @ M_w)
    return blas.dsyrk(1.0, M_w.T, trans=1, lower=1), others


def _primal(samples: Linearised, penalised: Mask) -> tuple[Double, int]:
    """A_ww − A_wb A_bb⁺ A_bw, its lower triangle, and the rank of A_bb, for A = MᵀM."""
    A = samples.normal = samples.reduced(square_of_columns, np.add)
    if penalised.all():
        return np.array(A, order="F"), 0
    A = np.tril(A) + np.tril(A, -1).T
    scale = _norms(A.diagonal()[~penalised])
    values, V = eigh(A[np.ix_(~penalised, ~penalised)] / scale[:, None] / scale)
    kept = values > rank.least_ratio_of_squares(len(values), samples.shape[0] * samples.shape[1], DOUBLE) * max(values[-1], 0)
    T = (A[np.ix_(penalised, ~penalised)] / scale) @ (V[:, kept] / np.sqrt(values[kept]))
    return A[np.ix_(penalised, penalised)] - T @ T.T, int(np.count_nonzero(kept))


def _norms(squares: Double) -> Double:
    """Their roots, 1 for 0."""
    return np.sqrt(np.where(squares > 0, squares, 1.0))
