"""The posterior with every entry of its precision, factored P × P or m n × m n."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..operators import gaussian_posterior
from ..operators.gaussian_posterior import CANCELLED, SLAB, Dual, Primal, kernel_of, triangular_factor
from ..operators.partial_jacobian import PartialJacobian
from ..typing import Array, DType, Indices
from . import checks
from .uncertain import Uncertain

SLABS = 6  # copies of a slab of J while a QR factorisation takes it in


def least_bytes(p: int, rows: int, samples: int, uncertain: Uncertain) -> int:
    """What it holds at least: a factor, its copies while it is made, and the rows of J of one sample or the factors of J."""
    top, n = uncertain.top, rows // samples
    if primal(p, rows):
        return 8 * (10 * (p + 1)**2 + SLABS * n * top.size)
    layout = top.kernels.layout
    return 8 * (6 * rows**2 + samples * (layout.stack_lines + n * layout.chain_lines) + SLABS * n * top.size)


def primal(p: int, rows: int) -> bool:
    """Whether P × P is factored."""
    return p <= max(rows, gaussian_posterior.PRIMAL)


class FullCurvature:
    """Jᵀ H J = J̃ᵀ J̃ with J̃ = SᵀJ, for noise of variance 1.

    Parameters
    ----------
    uncertain : Uncertain
    inputs : ndarray [m, .]
        What its `inputs` gave.
    roots : ndarray [m, n, n]
        S.
    dtype : dtype
        The one that covariances are wanted in.
    max_bytes : int, optional
    """

    def __init__(self, uncertain: Uncertain, inputs: Array, roots: Array, dtype: DType, max_bytes: int | None) -> None:
        self.uncertain, self.roots, self._dtype = uncertain, roots, dtype
        self.jacobian = uncertain.jacobian(inputs)
        rows, p = self.jacobian.shape
        self.slab = SLAB
        if max_bytes is not None:
            self.slab = min(SLAB, (max_bytes - least_bytes(p, rows, len(inputs), uncertain)) // SLABS)
        self.primal = primal(p, rows)
        if self.primal:
            self._factor = triangular_factor(self.jacobian, roots, np.zeros(rows), 0, self.slab)

    @cached_property
    def _kernel(self) -> Array:
        """J̃ J̃ᵀ [m n, m n]."""
        return kernel_of(self.jacobian, self.roots)

    @cached_property
    def eigenvalues(self) -> Array:
        """Those of J̃ᵀ J̃, but for zeros."""
        if self.primal:
            return np.asarray(np.linalg.svd(self._factor[:, :-1], compute_uv=False)**2)
        return np.maximum(np.linalg.eigvalsh(self._kernel), 0)

    def at(self, precision: Array, noise: float) -> FullPosterior:
        """The posterior under Λ = diag(λ) [p] and noise of variance σ²."""
        return FullPosterior(self, precision, noise)

    def primal_form(self, precision: Array, noise: float) -> Primal:
        """R of the rows J̃ / σ above √Λ."""
        rows, p = len(self._factor), len(precision)
        both = np.zeros((rows + p, p + 1))
        np.divide(self._factor, np.sqrt(noise), out=both[:rows])
        both[range(rows, rows + p), range(p)] = np.sqrt(precision)
        return Primal(np.asarray(np.linalg.qr(both, mode="r")))

    def dual_form(self, precision: float, scale: Array | None, noise: float) -> Dual:
        """That of the columns of J times `scale`, whose prior is N(0, I / τ)."""
        J = self.jacobian.scaled(scale)
        kernel = self._kernel / noise if scale is None else kernel_of(J, self.roots) / noise
        return Dual(J, self.roots / np.sqrt(noise), kernel, precision, np.zeros(J.shape[0]), CANCELLED[self._dtype.itemsize])


class FullPosterior:
    """N(θ, (Jᵀ H J / σ² + Λ)⁻¹). Made by `FullCurvature`."""

    def __init__(self, curvature: FullCurvature, precision: Array, noise: float) -> None:
        self._curvature, self.precision, self.noise = curvature, precision, noise
        checks.proper(0 if curvature.primal else int((precision == 0).sum()), "full")
        self._uniform = bool((precision == precision[0]).all()) and precision[0] > 0
        self._scale = None if self._uniform or curvature.primal else np.sqrt(precision.min() / precision)

    @cached_property
    def _form(self) -> Primal | Dual:
        curvature = self._curvature
        if curvature.primal:
            return curvature.primal_form(self.precision, self.noise)
        return curvature.dual_form(float(self.precision.min()), self._scale, self.noise)

    def refuse_singular(self, told: float | Array) -> None:
        """Refuse a precision that cannot be told from a singular one, in the words of the prior precision as the user gave it."""
        form, zeros = self._form, self.precision == 0
        if isinstance(form, Dual):
            checks.not_singular(form.least / float(self.precision.min()), told)
        elif not zeros.any():
            excess = (1e3 * np.finfo(np.float64).eps * np.linalg.norm(form.R / np.sqrt(self.precision)))**2
            checks.not_singular(float(excess), told)
        else:
            norms = np.linalg.norm(form.R, axis=0)
            empty = norms == 0
            values = np.linalg.svd(form.R / np.where(empty, 1, norms), compute_uv=False)
            checks.determined(int((values <= 1e3 * np.finfo(np.float64).eps * values[0]).sum()))

    def covariance(self, jacobian: PartialJacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]."""
        return self._form.covariance(jacobian.scaled(self._scale), block)

    def bytes_each(self) -> int:
        """Of a sample that covariances are wanted of."""
        top = self._curvature.uncertain.top
        return 8 * top.widths[-1] * top.size

    def log_ratio(self) -> float:
        """log det (Jᵀ H J / σ² + Λ) − log det Λ; of Λ without its zeros."""
        if self._uniform:
            return float(np.log1p(self._curvature.eigenvalues / (self.noise * self.precision[0])).sum())
        found = self._form.log_determinant()
        return found - float(np.log(self.precision[self.precision > 0]).sum()) if self._curvature.primal else found

    def determined(self, groups: Indices, count: int) -> Array:
        """The sum of 1 − λ_i Σ_ii over each group [count], of numbers whose `groups` [p] is not −1."""
        if self._uniform and count == 1:
            values = self._curvature.eigenvalues
            return np.array([(values / (values + self.noise * self.precision[0])).sum()])
        form, inside = self._form, groups >= 0
        shares = form.shares() if isinstance(form, Dual) else 1 - self.precision * form.variances()
        return np.asarray(np.bincount(groups[inside], shares[inside], count), np.float64)

    def variances(self) -> Array:
        """The diagonal of Σ [p]."""
        found = self._form.variances()
        return found if self._scale is None else found * self._scale**2

    def draws(self, generator: np.random.Generator, count: int) -> Array:
        """Draws of N(0, Σ) [count, p]."""
        found = self._form.draws(generator, count)
        return found if self._scale is None else found * self._scale
