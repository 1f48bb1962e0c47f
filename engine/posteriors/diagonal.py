"""The posterior with the diagonal of the curvature alone (MacKay 1992; Kirkpatrick et al. 2017)."""

from __future__ import annotations

import numpy as np

from ..cost import Cost
from ..losses import Form
from ..operators.gaussian_posterior import SLAB, scaled, slabs_of
from ..operators.ggn import ggn
from ..typing import Array
from . import checks
from .layered import Layer, LayeredPosterior, split
from .uncertain import Uncertain


def least_bytes(uncertain: Uncertain) -> int:
    """What it holds at least: the diagonal, and copies."""
    return 8 * 6 * uncertain.top.size


class DiagonalCurvature:
    """The diagonal h of Jᵀ H J, for noise of variance 1.

    Parameters
    ----------
    uncertain : Uncertain
    inputs, y : ndarray
    cost : Cost
    roots : ndarray [m, n, n], optional
        S, which only losses of no known form need: what is not positive semi-definite of their H is projected.
    max_bytes : int, optional
    """

    def __init__(self, uncertain: Uncertain, inputs: Array, y: Array, cost: Cost, roots: Array | None,
                 max_bytes: int | None) -> None:
        self.uncertain = uncertain
        if cost.loss.form is not Form.ENTRIES:
            self._diagonal = uncertain.of_top(ggn(uncertain.top, inputs, y, cost, max_bytes=max_bytes).diagonal())
            return
        assert roots is not None
        self._diagonal, J, n = np.zeros(uncertain.size), uncertain.jacobian(inputs), uncertain.top.widths[-1]
        for rows, slab in slabs_of(J, SLAB if max_bytes is None else min(SLAB, max_bytes // 3)):
            self._diagonal += (scaled(slab, roots[rows.start // n:rows.stop // n])**2).sum(0)

    def at(self, precision: Array, noise: float) -> LayeredPosterior:
        """The posterior under Λ = diag(λ) [p] and noise of variance σ²."""
        h = self._diagonal / noise
        total, proper = h + precision, precision > 0
        checks.determined(int((total == 0).sum()))
        log_ratio = np.log1p(h[proper] / precision[proper]).sum() + np.log(h[~proper]).sum()
        parts = zip(split(self.uncertain, 1 / total), split(self.uncertain, h / total))
        layers = [Layer(np.arange(variances.shape[1]), None, None, variances, shares) for variances, shares in parts]
        return LayeredPosterior(self.uncertain, layers, float(log_ratio))
