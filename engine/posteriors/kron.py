"""The posterior with Kronecker factors of the curvature of each layer (Ritter, Botev & Barber 2018)."""

from __future__ import annotations

import numpy as np

from ..cost import Cost
from ..operators.kfac import kfac
from ..typing import Array
from . import checks
from .layered import Layer, LayeredPosterior, split
from .uncertain import Uncertain


def least_bytes(uncertain: Uncertain) -> int:
    """What it holds at least: factors, their eigenvectors, and copies."""
    widths = uncertain.top.widths
    return 8 * sum(6 * (n * n + (before + 1)**2) + 4 * n * (before + 1) for before, n in zip(widths, widths[1:]))


class KronCurvature:
    """B_l ⊗ A_l of the layers with uncertain numbers, for noise of variance 1.

    A prior of precision D on the inputs ā of a layer, the same for all of its neurons, makes the precision
    B ⊗ A + I ⊗ D = (I ⊗ D^½) (B ⊗ Ã + I) (I ⊗ D^½) with Ã = D^−½ A D^−½, of which the eigenvectors of B and Ã are those.
    """

    def __init__(self, uncertain: Uncertain, inputs: Array, y: Array, cost: Cost, max_bytes: int | None) -> None:
        self.uncertain = uncertain
        marked = [part > 0 for part in split(uncertain, np.ones(uncertain.size))]
        checks.whole_parts(all((part == part[:1]).all() and (part[0, :-1] == part[0, :1]).all() for part in marked))
        self._inputs = [np.flatnonzero(part[0]) for part in marked]
        factors = kfac(uncertain.top, inputs, y, cost, max_bytes=max_bytes)
        self._input_factors = [A[np.ix_(rows, rows)] for A, rows in zip(factors.input_factors, self._inputs)]
        self._output_eigen = [np.linalg.eigh(B) for B in factors.output_factors]
        self._input_eigen: dict[tuple[int, bytes], tuple[Array, Array]] = {}

    def _eigen(self, l: int, relative: Array) -> tuple[Array, Array]:
        """Eigenvalues and eigenvectors of A_l between diagonals of `relative`^−½; those of the last few are kept."""
        key = l, relative.tobytes()
        if key not in self._input_eigen:
            scale = 1 / np.sqrt(relative)
            if len(self._input_eigen) > 2 * len(self._inputs):
                self._input_eigen.clear()
            self._input_eigen[key] = np.linalg.eigh(scale[:, None] * self._input_factors[l] * scale)
        return self._input_eigen[key]

    def at(self, precision: Array, noise: float) -> LayeredPosterior:
        """The posterior under Λ = diag(λ) [p], the same for all of W^l and for all of b^l, and noise of variance σ²."""
        checks.proper(int((precision == 0).sum()), "kron")
        layers, log_ratio = [], 0.0
        for l, (whole, rows) in enumerate(zip(split(self.uncertain, precision), self._inputs)):
            if not len(rows):
                width = len(whole)
                layers.append(Layer(rows, None, None, np.zeros((width, 0)), np.zeros((width, 0))))
                continue
            D = whole[0, rows]
            b, U = self._output_eigen[l]
            a, Q = self._eigen(l, D / D[0])
            curved = np.maximum(b, 0)[:, None] * np.maximum(a, 0) / (noise * D[0])  # of B ⊗ Ã
            log_ratio += float(np.log1p(curved).sum())
            shares = U**2 @ (curved / (1 + curved)) @ (Q**2).T
            layers.append(Layer(rows, U, Q / np.sqrt(D)[:, None], 1 / (1 + curved), shares))
        return LayeredPosterior(self.uncertain, layers, log_ratio)
