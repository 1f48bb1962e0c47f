"""The Gaussian posterior of a linear model, in a form whose variances are sums of squares and never cancel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ..network import Network
from ..typing import Array, DType
from .jacobian import Jacobian

SLAB = 1 << 26  # bytes of rows of J that are held at once
PRIMAL = 1000  # parameters up to which P × P is factored even where there are fewer rows: 0.1 s
CANCELLED = {8: 1e-4, 4: 1e-7}  # by bytes of a number, the share of the prior variance below which a difference has too few digits


def in_float64(network: Network) -> Network:
    """The network in float64: a float32 θ is exact in it, and its rows of J have digits to subtract."""
    if network.dtype == np.float64:
        return network
    return Network(network.widths, network.activations, network.parameters.astype(np.float64))


def scaled(rows: Array, roots: Array | None) -> Array:
    """S_kᵀ J_k from rows J_k [samples n, .], for `roots` S [samples, n, n]. The rows themselves where there are no roots."""
    if roots is None:
        return rows
    samples, n, _ = roots.shape
    return (roots.transpose(0, 2, 1) @ rows.reshape(samples, n, -1)).reshape(samples * n, -1)


def slabs_of(jacobian: Jacobian) -> Iterator[tuple[slice, Array]]:
    """(rows, slab) of a Jacobian, SLAB bytes or one sample at a time."""
    return jacobian.slabs(max(SLAB, jacobian.network.widths[-1] * jacobian.shape[1] * jacobian.dtype.itemsize))


def triangular_factor(jacobian: Jacobian, roots: Array | None, residual: Array, precision: float) -> Array:
    """R [., P + 1] of a QR factorisation of the rows SᵀJ beside `residual` [m n], above √τ I beside 0, slab by slab."""
    P, n = jacobian.shape[1], jacobian.network.widths[-1]
    R: Array = np.eye(P if precision > 0 else 0, P + 1) * np.sqrt(precision)
    for rows, slab in slabs_of(jacobian):
        part = scaled(slab, None if roots is None else roots[rows.start // n:rows.stop // n])
        R = np.asarray(np.linalg.qr(np.vstack([np.column_stack([part, residual[rows]]), R]), mode="r"))
    return R


class _Primal:
    """Σ = R⁻¹ R⁻ᵀ with R [P, P] from a QR factorisation: the condition number counts once, and not squared."""

    def __init__(self, jacobian: Jacobian, roots: Array | None, residual: Array, precision: float) -> None:
        R, P = triangular_factor(jacobian, roots, residual, precision), jacobian.shape[1]
        self.R, self._right = R[:P, :P], R[:P, P]
        self.least = float(1e3 * np.finfo(np.float64).eps * np.linalg.norm(self.R))**2

    def shift(self) -> Array:
        """Σ J̃ᵀ e [P]."""
        return solve_triangular(self.R, self._right)

    def covariance(self, jacobian: Jacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]."""
        half = solve_triangular(self.R, jacobian.dense().T, trans="T").T.reshape(-1, block, len(self.R))
        return half @ half.transpose(0, 2, 1)


class _Dual:
    """Σ = (I − J̃ᵀ (J̃ J̃ᵀ + τ I)⁻¹ J̃) / τ with a Cholesky factor [m n, m n], for more parameters than rows.

    With w = (J̃ J̃ᵀ + τ I)⁻¹ J̃ j and u = j − J̃ᵀ w, jᵀ Σ j is ‖w‖² + ‖u‖² / τ; the difference of kernels is taken where it keeps
    its digits, for it never forms u.
    """

    def __init__(self, jacobian: Jacobian, roots: Array | None, residual: Array, precision: float, digits: float) -> None:
        self.jacobian, self.roots, self.precision, self._residual, self._digits = jacobian, roots, precision, residual, digits
        half = scaled(jacobian.gram(), roots)
        K = scaled(half.T.copy(), roots)
        K = (K + K.T) / 2
        self.least = float(4 * np.finfo(np.float64).eps * np.trace(K))
        K[np.diag_indices(len(K))] += precision
        self.lower = cholesky(K, lower=True) if precision >= self.least else None

    def _rows(self, V: Array) -> Array:
        """J̃ V."""
        return scaled(self.jacobian @ V, self.roots)

    def _columns(self, W: Array) -> Array:
        """J̃ᵀ W."""
        if self.roots is not None:
            W = (self.roots @ W.reshape(*self.roots.shape[:2], -1)).reshape(W.shape)
        return self.jacobian.T @ W

    def _solve(self, W: Array) -> Array:
        return cho_solve((self.lower, True), W)

    def shift(self) -> Array:
        """Σ J̃ᵀ e [P], refined once."""
        e = self._residual[:, None]
        w = self._solve(e)
        w += self._solve(e - self._rows(self._columns(w)) - self.precision * w)
        return self._columns(w)[:, 0]

    def _sum_of_squares(self, rows: Array) -> Array:
        """The covariance of rows [., P] from w and u, refined twice by the residual J̃ u − τ w."""
        w = self._solve(self._rows(rows.T))
        u = rows.T - self._columns(w)
        for _ in range(2):
            more = self._solve(self._rows(u) - self.precision * w)
            w, u = w + more, u - self._columns(more)
        return w.T @ w + u.T @ u / self.precision

    def covariance(self, jacobian: Jacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]."""
        half = solve_triangular(self.lower, scaled(self.jacobian.gram(jacobian), self.roots), lower=True)
        half = half.T.reshape(-1, block, len(half))
        if block == jacobian.shape[0]:
            prior = jacobian.gram()[None]
        else:
            rows = jacobian.dense().reshape(-1, block, jacobian.shape[1])
            prior = rows @ rows.transpose(0, 2, 1)
        out = prior - half @ half.transpose(0, 2, 1)
        left, whole = (np.diagonal(matrices, axis1=1, axis2=2) for matrices in (out, prior))
        lost = np.flatnonzero((left <= self._digits * whole).any(1))
        out /= self.precision
        each = block // self.jacobian.network.widths[-1]
        for k in lost:
            out[k] = self._sum_of_squares(Jacobian(jacobian.network, jacobian.X[k * each:(k + 1) * each]).dense())
        return out


class GaussianPosterior:
    """δ ~ N(Σ J̃ᵀ e, Σ), Σ = (J̃ᵀ J̃ + τ I)⁻¹ with J̃ = SᵀJ, in float64 whatever the network's dtype.

    Variances are sums of squares, or differences that keep their digits, so that they are never 0 or below where a number of P is
    above 0. Up to PRIMAL parameters, and where there are at least as many rows, R of a QR factorisation of J̃ above √τ I is held
    [P, P] (Golub & Van Loan 2013, §6.1); else a Cholesky factor [m n, m n], with variances of the kind of Björck's corrected
    seminormal equations (1987) where the difference of kernels cancels.

    Parameters
    ----------
    jacobian : Jacobian
        J, in float64.
    roots : ndarray [m, n, n], optional
        S; the identity where None.
    precision : float
        τ > 0.
    residual : ndarray [m n], optional
        e; 0 where None.
    dtype : dtype
        The one that results are wanted in.

    Attributes
    ----------
    least : float
        The smallest τ that can be told from rounding beside J̃ᵀJ̃; below it the posterior has no factor.
    """

    def __init__(self, jacobian: Jacobian, roots: Array | None, precision: float, residual: Array | None, dtype: DType) -> None:
        self.network, self._dtype = jacobian.network, dtype
        residual = np.zeros(jacobian.shape[0]) if residual is None else residual
        self._form: _Primal | _Dual
        if jacobian.shape[1] <= max(jacobian.shape[0], PRIMAL):
            self._form = _Primal(jacobian, roots, residual, precision)
        else:
            self._form = _Dual(jacobian, roots, residual, precision, CANCELLED[dtype.itemsize])
        self.least = self._form.least

    def shift(self) -> Array:
        """The mean of δ, [P]."""
        return self._form.shift()

    def covariances(self, jacobian: Jacobian) -> Array:
        """J* Σ J*ᵀ of each sample of J*, [m′, n, n]."""
        X, n = jacobian.X, self.network.widths[-1]
        out = np.empty((len(X), n, n), self._dtype)
        step = max(1, SLAB // (n * jacobian.shape[1] * jacobian.dtype.itemsize))
        for first in range(0, len(X), step):
            found = self._form.covariance(Jacobian(self.network, X[first:first + step]), n)
            out[first:first + step] = (found + found.transpose(0, 2, 1)) / 2
        return out

    def joint_covariance(self, jacobian: Jacobian) -> Array:
        """J* Σ J*ᵀ of all samples of J* together, [m′ n, m′ n]."""
        if jacobian.shape[0] == 0:
            return np.empty((0, 0), self._dtype)
        found, = self._form.covariance(jacobian, jacobian.shape[0])
        return ((found + found.T) / 2).astype(self._dtype, copy=False)
