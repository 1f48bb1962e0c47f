"""A Kronecker-factored stand-in for MᵀM, a block for each layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, solve_triangular

from ...typing import Array
from ..linearised import RightSide

LEAST = 10  # times ε: λ, relative to the largest entry of the diagonal, below which it counts as 0


class KroneckerFactored:
    """(KFAC + λ I)⁻¹ b by `engine.operators.kfac` (Martens & Grosse 2015): two small matrices a layer in place of p × p.

    Of D only its mean square is used; frozen numbers of θ take part as if their gradient were 0. A λ below 10 ε of the largest
    entry of KFAC's diagonal counts as 0, for which `KroneckerFactored.solve` of `engine.operators` leaves out the directions in
    which KFAC is 0 to within rounding: the step of least norm.

    With a penalty it is (KFAC + Λ + λ I)⁻¹ b (`BesidePenalty`), and a λ below 10 ε of that entry counts as this.
    """

    def __init__(self, linearised: Any, steepest: RightSide) -> None:
        from ...operators.kfac import kfac

        self.linearised, samples = linearised, linearised.samples
        self._operator = kfac(samples.network, samples.X, samples.problem.y, samples.cost, max_bytes=samples.kept_bytes)
        self._penalised: BesidePenalty | None = None
        self._least = LEAST * float(np.finfo(linearised.network.dtype).eps * self._operator.diagonal().max())

    def diagonal(self) -> Array:
        """The diagonal of MᵀM + Λ [p], its mean everywhere."""
        diagonal = self.linearised.diagonal()
        return np.full_like(diagonal, diagonal.mean())

    def least_damping(self, squares: Array) -> float:
        """The least λ worth taking: what counts as 0."""
        mean = float(squares.mean())
        return self._least / mean if mean > 0 else 0.0

    def damp(self, damping: float, squares: Array) -> bool:
        """Take λ mean(D²). True but where it does not make a singular KFAC beside a penalty definite."""
        damping = float(damping * squares.mean())
        if self.linearised.added is not None:
            curvature = self.linearised.penalty.curvature(self.linearised.network)
            try:
                self._penalised = BesidePenalty(self._operator, curvature, max(damping, self._least))
            except LinAlgError:
                return False
            return True
        self._damping = damping if damping >= 0.5 * self._least else 0.0
        return True

    def solve(self, right_side: RightSide) -> Array:
        """δ [p]."""
        here = self.linearised
        full = np.zeros(here.network.size, here.network.dtype)
        full[here.free] = right_side.vector
        if self._penalised is not None:
            return self._penalised.solve(full)[here.free]
        return np.asarray(self._operator.solve(full, damping=self._damping))[here.free].astype(here.network.dtype)


class BesidePenalty:
    """(K + Λ + λ I)⁻¹ of a KFAC K = ⊕ B ⊗ A, exactly, for a Λ that a layer's weights share, and its biases.

    At a layer G = Λ + λ I depends on the input alone. With b the largest eigenvalue of B, b A + G = L Lᵀ and L⁻¹ G L⁻ᵀ = V g Vᵀ,
    T = L⁻ᵀ V makes A and G diagonal, and U, of B = U β Uᵀ, does B: (B ⊗ A + I ⊗ G)⁻¹ Y = U (Uᵀ Y T / (β (1 − g) / b + g)) Tᵀ.

    Raises
    ------
    LinAlgError
        Where b A + G is not positive definite in this arithmetic.
    """

    def __init__(self, operator: Any, curvature: Array, damping: float) -> None:
        self._network = operator.network
        self._layers: list[tuple[Array, Array, Array]] = []
        tiny = np.finfo(curvature.dtype).tiny
        shifts = self._network.unflatten(curvature)
        for (W, b), A, B in zip(shifts, operator.input_factors, operator.output_factors):
            values, U = np.linalg.eigh(B)
            most = max(values[-1], tiny)
            G = np.maximum(np.append(W[0], b[0]) + curvature.dtype.type(damping), tiny)
            L = np.linalg.cholesky(most * A + np.diag(G))
            V, s, _ = np.linalg.svd(solve_triangular(L, np.diag(np.sqrt(G)), lower=True, check_finite=False))
            self._layers.append((U, solve_triangular(L, V, lower=True, trans="T", check_finite=False),
                                 np.maximum(values, 0)[:, None] / most * np.maximum(1 - s**2, 0) + s**2))

    def solve(self, v: Array) -> Array:
        """(K + Λ + λ I)⁻¹ v [P]."""
        out = np.empty_like(v)
        for (W, b), (out_W, out_b), (U, T, divisor) in zip(*map(self._network.unflatten, (v, out)), self._layers):
            found = U @ ((U.T @ np.column_stack([W, b]) @ T) / divisor) @ T.T
            out_W[...], out_b[...] = found[:, :-1], found[:, -1]
        return out
