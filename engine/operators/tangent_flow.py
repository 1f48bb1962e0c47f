"""Gradient flow of the linearised network on squared errors, in the eigenvectors of its tangent kernel."""

from __future__ import annotations

import numpy as np

from ..typing import Array
from .gaussian_posterior import PRIMAL, slabs_of, triangular_factor
from .jacobian import Jacobian
from .kernel_slabs import part

EPS = np.finfo(np.float64).eps
CANCELLED = 1e-4  # the share of the variance at time 0 below which a difference has too few digits
BLOCK = 1 << 26  # bytes of a kernel between training and test samples that are held at once


def learnt(rates: Array, times: Array) -> tuple[Array, Array]:
    """(1 − e^{−κ t}) / κ and e^{−κ t}, both [T, r], for rates κ ≥ 0; 0 and 1 for κ = 0, along which nothing is learnt."""
    safe = np.where(rates > 0, rates, 1)
    z = np.where(rates > 0, times[:, None] * safe, 0)
    return -np.expm1(-z) / safe, np.exp(-z)


class PrimalFlow:
    """The flow along the right singular vectors of J, all P of them: variances are sums of squares.

    `columns` [P, k] are those that were given to `tangent_flow` along the left singular vectors.
    """

    def __init__(self, train: Jacobian, columns: Array, noise: float) -> None:
        P = train.shape[1]
        R = triangular_factor(train, None, columns, 0)[:P]
        left, values, self._right = np.linalg.svd(R[:, :P], full_matrices=True)
        self.least = float(1e3 * EPS * np.linalg.norm(R[:, :P]))**2
        kept = values > (values[0] * max(train.shape) * EPS if noise == 0 else 0)
        self._values, self.columns, self._noise = np.zeros(P), np.zeros((P, R.shape[1] - P)), noise
        self._values[:len(values)][kept] = values[kept]
        self.columns[:len(values)] = left[:, :len(values)].T @ R[:, P:]

    def _components(self, test: Jacobian) -> Array:
        """J* V [m′ n, P] of the right singular vectors V."""
        components = np.empty((test.shape[0], test.shape[1]))
        for rows, slab in slabs_of(test):
            components[rows] = slab @ self._right.T
        return components

    def reach(self, test: Jacobian, times: Array) -> tuple[Array, Array]:
        """C [m′ n, r] and g [T, r]: J* q Jᵀ e is C (g · c) for a column e that is c in `columns`."""
        return self._components(test), learnt(self._values**2 + self._noise, times)[0] * self._values

    def predict(self, test: Jacobian, times: Array, joint: bool) -> tuple[Array, Array]:
        """The mean [T, m′ n] of J* δ for the first column, and its variance [T, m′ n] or covariance [T, m′ n, m′ n]."""
        components = self._components(test)
        squares, noise = self._values**2, self._noise
        q, left = learnt(squares + noise, times)
        mean = (q * self._values * self.columns[:, 0]) @ components.T
        rates = np.where(squares + noise > 0, squares + noise, 1)
        kept = np.where(squares + noise > 0, (noise + squares * left) / rates, 1)
        shares = kept**2 + noise * squares * q**2
        if not joint:
            return mean, shares @ (components**2).T
        return mean, np.stack([(components * share) @ components.T for share in shares])


class DualFlow:
    """The flow along the eigenvectors of K = J Jᵀ, for more parameters than rows.

    The variance is the difference of K** and what was learnt, where that keeps its digits; else it is a sum of squares. `columns`
    [r, k] are those that were given to `tangent_flow` along the eigenvectors.
    """

    def __init__(self, train: Jacobian, columns: Array, noise: float) -> None:
        values, vectors = np.linalg.eigh(train.gram())
        self.least = float(4 * EPS * np.sum(np.maximum(values, 0)))
        kept = values > values[-1] * len(values) * EPS if noise == 0 else np.ones(len(values), bool)
        self._train, self._noise = train, noise
        self._values, self._vectors = np.maximum(values[kept], 0), vectors[:, kept]
        self.columns = self._vectors.T @ columns

    def reach(self, test: Jacobian, times: Array) -> tuple[Array, Array]:
        """C [m′ n, r] and g [T, r]: J* q Jᵀ e is C (g · c) for a column e that is c in `columns`."""
        return self._along(test), learnt(self._values + self._noise, times)[0]

    def predict(self, test: Jacobian, times: Array, joint: bool) -> tuple[Array, Array]:
        """The mean [T, m′ n] of J* δ for the first column, and its variance [T, m′ n] or covariance [T, m′ n, m′ n]."""
        q, left = learnt(self._values + self._noise, times)
        along = self._along(test)
        mean = (q * self.columns[:, 0]) @ along.T
        learnt_share = q * (1 + left)
        prior = test.row_norms().reshape(-1)**2
        variance = prior - learnt_share @ (along**2).T
        lost = (variance <= CANCELLED * prior).any(0)
        if not joint:
            if lost.any():
                samples = np.flatnonzero(lost.reshape(len(test.X), -1).any(1))
                found = [self._squares(part(test, slice(k, k + 1)), times) for k in samples]
                variance = variance.reshape(len(times), len(test.X), -1)
                variance[:, samples] = np.stack([np.diagonal(one, axis1=1, axis2=2) for one in found], axis=1)
            return mean, variance.reshape(len(times), -1)
        if lost.any():
            return mean, self._squares(test, times)
        return mean, test.gram() - np.stack([(along * share) @ along.T for share in learnt_share])

    def _along(self, test: Jacobian) -> Array:
        """J* Jᵀ v of the eigenvectors v [m′ n, r], by slabs of test samples."""
        n = test.network.widths[-1]
        step = max(1, BLOCK // (8 * n * self._train.shape[0]))
        if step >= len(test.X):
            return self._train.gram(test).T @ self._vectors
        parts = [part(test, slice(first, first + step)) for first in range(0, len(test.X), step)]
        return np.concatenate([self._train.gram(one).T @ self._vectors for one in parts])

    def _squares(self, test: Jacobian, times: Array) -> Array:
        """The covariance [T, rows, rows] of all rows of J*, as a sum of squares."""
        rows = test.dense()
        q, left = learnt(self._values + self._noise, times)
        if self._noise == 0:
            along = ((self._train @ rows.T).T @ self._vectors) / np.sqrt(self._values)
            for _ in range(2):
                rows = rows - self._reached(rows)
            rest = rows @ rows.T
            return np.stack([(along * share**2) @ along.T + rest for share in left])
        found = []
        products = self._vectors.T @ (self._train @ rows.T)
        for share in q:
            w = self._vectors @ (share[:, None] * products)
            u = rows - (self._train.T @ w).T
            found.append(u @ u.T + self._noise * (w.T @ w))
        return np.stack(found)

    def _reached(self, rows: Array) -> Array:
        """What training can reach of rows [., P]: J⁺J of each."""
        return (self._train.T @ (self._vectors @ ((self._vectors.T @ (self._train @ rows.T)).T / self._values).T)).T


def tangent_flow(train: Jacobian, columns: Array, noise: float) -> PrimalFlow | DualFlow:
    """The flow from δ(0) ~ N(0, I) with the rows `train` of J, in float64, and columns [m n, k], the first the residual y − f(X).

    Each member of the ensemble has dδ/dt = −Jᵀ (f + J δ − y − σ ξ) − σ² (δ − δ(0)), its own start and its own noise ξ ~ N(0, I) of
    the targets. With H = JᵀJ and q = (1 − e^{−(H + σ²) t}) / (H + σ²) it is δ(t) = (I − q H) δ(0) + q Jᵀ (y − f + σ ξ): of mean
    q Jᵀ (y − f) and covariance (I − q H)² + σ² H q², where I − q H = (σ² + H e^{−(H + σ²) t}) / (H + σ²).
    """
    return (PrimalFlow if train.shape[1] <= max(train.shape[0], PRIMAL) else DualFlow)(train, columns, noise)
