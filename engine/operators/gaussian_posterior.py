"""The Gaussian posterior of a linear model, in a form whose variances are sums of squares and never cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from ..network import Network
from ..typing import Array, DType
from .jacobian import Jacobian
from .partial_jacobian import PartialJacobian

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


def slabs_of(jacobian: Jacobian | PartialJacobian, max_bytes: int = SLAB) -> Iterator[tuple[slice, Array]]:
    """(rows, slab) of a Jacobian, `max_bytes` or one sample at a time."""
    network = jacobian.network
    return jacobian.slabs(max(max_bytes, network.widths[-1] * network.size * jacobian.dtype.itemsize))


def triangular_factor(jacobian: Jacobian | PartialJacobian, roots: Array | None, residual: Array, precision: float,
                      max_bytes: int = SLAB) -> Array:
    """R [., P + k] of a QR factorisation of the rows SᵀJ beside `residual` [m n, k], above √τ I beside 0, slab by slab.

    One residual may be [m n].
    """
    P, n, k = jacobian.shape[1], jacobian.network.widths[-1], 1 if residual.ndim == 1 else residual.shape[1]
    R: Array = np.eye(P if precision > 0 else 0, P + k) * np.sqrt(precision)
    for rows, slab in slabs_of(jacobian, max_bytes):
        part = scaled(slab, None if roots is None else roots[rows.start // n:rows.stop // n])
        R = np.asarray(np.linalg.qr(np.vstack([np.column_stack([part, residual[rows]]), R]), mode="r"))
    return R


class Primal:
    """Σ = R⁻¹ R⁻ᵀ with R [P, P] from a QR factorisation: the condition number counts once, and not squared.

    Parameters
    ----------
    R : ndarray [P, P + 1]
        Of the rows S̃ᵀJ beside the residual, above √Λ beside 0.
    """

    def __init__(self, R: Array) -> None:
        P = R.shape[1] - 1
        self.R, self._right = R[:P, :P], R[:P, P]
        self.least = float(1e3 * np.finfo(np.float64).eps * np.linalg.norm(self.R))**2

    def shift(self) -> Array:
        """Σ J̃ᵀ e [P]."""
        return solve_triangular(self.R, self._right)

    def covariance(self, jacobian: PartialJacobian, block: int) -> Array:
        """J* Σ J*ᵀ in blocks of `block` rows of J*, [., block, block]."""
        half = solve_triangular(self.R, jacobian.dense().T, trans="T").T.reshape(-1, block, len(self.R))
        return half @ half.transpose(0, 2, 1)

    def log_determinant(self) -> float:
        """log det Σ⁻¹."""
        return float(2 * np.log(np.abs(np.diagonal(self.R))).sum())

    def variances(self) -> Array:
        """The diagonal of Σ [P]."""
        inverse = solve_triangular(self.R, np.eye(len(self.R)))
        return (inverse**2).sum(1)

    def draws(self, generator: np.random.Generator, count: int) -> Array:
        """Draws of N(0, Σ) [count, P]."""
        return solve_triangular(self.R, generator.standard_normal((count, len(self.R))).T).T


class Dual:
    """Σ = (I − J̃ᵀ (J̃ J̃ᵀ + τ I)⁻¹ J̃) / τ with a Cholesky factor [m n, m n], for more parameters than rows.

    With w = (J̃ J̃ᵀ + τ I)⁻¹ J̃ j and u = j − J̃ᵀ w, jᵀ Σ j is ‖w‖² + ‖u‖² / τ; the difference of kernels is taken where it keeps
    its digits, for it never forms u.

    Parameters
    ----------
    jacobian : PartialJacobian
        J.
    roots : ndarray [m, n, n], optional
        S; the identity where None.
    kernel : ndarray [m n, m n]
        J̃ J̃ᵀ; changed in place.
    precision : float
        τ.
    residual : ndarray [m n]
    digits : float
        The share of the prior variance below which a difference has too few digits.
    """

    def __init__(self, jacobian: PartialJacobian, roots: Array | None, kernel: Array, precision: float, residual: Array,
                 digits: float) -> None:
        self.jacobian, self.roots, self.precision, self._residual, self._digits = jacobian, roots, precision, residual, digits
        self.least = float(4 * np.finfo(np.float64).eps * np.trace(kernel))
        kernel[np.diag_indices(len(kernel))] += precision
        self.lower: Any = cholesky(kernel, lower=True) if precision >= self.least else None

    def _rows(self, V: Array) -> Array:
        """J̃ V."""
        return scaled(self.jacobian.rows(V), self.roots)

    def _columns(self, W: Array) -> Array:
        """J̃ᵀ W."""
        if self.roots is not None:
            W = (self.roots @ W.reshape(*self.roots.shape[:2], -1)).reshape(W.shape)
        return self.jacobian.sums(W)

    def _solve(self, W: Array) -> Array:
        return cho_solve((self.lower, True), W)

    def _solved_once_more(self, E: Array) -> Array:
        """(J̃ J̃ᵀ + τ I)⁻¹ E for E [m n, .], refined once."""
        W = self._solve(E)
        return W + self._solve(E - self._rows(self._columns(W)) - self.precision * W)

    def shift(self) -> Array:
        """Σ J̃ᵀ e [P]."""
        return self._columns(self._solved_once_more(self._residual[:, None]))[:, 0]

    def _halves(self, columns: Array) -> tuple[Array, Array]:
        """w [m n, .] and u [P, .] of columns j [P, .], refined twice by the residual J̃ u − τ w."""
        w = self._solve(self._rows(columns))
        u = columns - self._columns(w)
        for _ in range(2):
            more = self._solve(self._rows(u) - self.precision * w)
            w, u = w + more, u - self._columns(more)
        return w, u

    def covariance(self, jacobian: PartialJacobian, block: int) -> Array:
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
        each = block // jacobian.network.widths[-1]
        for k in lost.tolist():
            w, u = self._halves(jacobian.of_samples(k * each, (k + 1) * each).dense().T)
            out[k] = w.T @ w + u.T @ u / self.precision
        return out

    def log_determinant(self) -> float:
        """log det Σ⁻¹ − P log τ."""
        return float(2 * np.log(np.diagonal(self.lower)).sum() - len(self.lower) * np.log(self.precision))

    def shares(self) -> Array:
        """1 − τ Σ_ii [P], how much of each number the rows determine: sums of squares of the columns of L⁻¹ J̃."""
        size = len(self.lower)
        squares, step = np.zeros(self.jacobian.shape[1]), max(1, SLAB // (8 * self.jacobian.shape[1]))
        for first in range(0, size, step):
            units = np.eye(size, min(step, size - first), -first)
            squares += (self._columns(solve_triangular(self.lower, units, lower=True, trans="T"))**2).sum(1)
        return squares

    def variances(self) -> Array:
        """The diagonal of Σ [P]: (1 − shares) / τ where that keeps its digits, else ‖w‖² + ‖u‖² / τ of a unit vector j."""
        left, P = 1 - self.shares(), self.jacobian.shape[1]
        out, lost, step = left / self.precision, np.flatnonzero(left <= CANCELLED[8]), max(1, SLAB // (32 * P))
        for first in range(0, len(lost), step):
            places = lost[first:first + step]
            units = np.zeros((P, len(places)))
            units[places, range(len(places))] = 1
            w, u = self._halves(units)
            out[places] = (w**2).sum(0) + (u**2).sum(0) / self.precision
        return out

    def draws(self, generator: np.random.Generator, count: int) -> Array:
        """Draws of N(0, Σ) [count, P]: z − J̃ᵀ (J̃ J̃ᵀ + τ I)⁻¹ (J̃ z + e) of z ~ N(0, I / τ) and e ~ N(0, I) (Matheron's rule)."""
        z = generator.standard_normal((count, self.jacobian.shape[1])).T / np.sqrt(self.precision)
        e = generator.standard_normal((count, self.jacobian.shape[0])).T
        return (z - self._columns(self._solved_once_more(self._rows(z) + e))).T


def kernel_of(jacobian: PartialJacobian, roots: Array | None) -> Array:
    """J̃ J̃ᵀ [m n, m n] with J̃ = SᵀJ, a new array."""
    half = scaled(jacobian.gram(), roots)
    K = scaled(half.T.copy(), roots)
    return (K + K.T) / 2


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
        self._form: Primal | Dual
        if jacobian.shape[1] <= max(jacobian.shape[0], PRIMAL):
            self._form = Primal(triangular_factor(jacobian, roots, residual, precision))
        else:
            part = PartialJacobian(jacobian)
            self._form = Dual(part, roots, kernel_of(part, roots), precision, residual, CANCELLED[dtype.itemsize])
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
            found = self._form.covariance(PartialJacobian(Jacobian(self.network, X[first:first + step])), n)
            out[first:first + step] = (found + found.transpose(0, 2, 1)) / 2
        return out
