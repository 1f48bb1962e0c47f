"""Gradients of single samples' losses: norms, rows, Gram matrix, clipped sum."""

import numpy as np

from engine import gradient_moments, per_sample_ggn_diagonals, per_sample_gradient_norms
from engine.operators import LossJacobian

from .common import OnNetwork


class Norms(OnNetwork):
    """Forward and back, no gradient formed."""

    def prepare(self):
        per_sample_gradient_norms(self.network, self.X, self.y, self.cost)

    def time_per_sample_gradient_norms(self, network, dtype, threads):
        per_sample_gradient_norms(self.network, self.X, self.y, self.cost)


class Rows(OnNetwork):
    """From kept factors, into memory that is used again."""

    def prepare(self):
        self.G = LossJacobian(self.network, self.X, self.y, self.cost)
        self.out = np.empty(self.G.shape, self.G.dtype)
        self.G.dense(out=self.out)
        self.G.clipped_sum(1.0)

    def time_dense(self, network, dtype, threads):
        self.G.dense(out=self.out)

    def time_clipped_sum(self, network, dtype, threads):
        self.G.clipped_sum(1.0)


class Moments(OnNetwork):
    """Mean and variance over samples, forward and back."""

    def prepare(self):
        gradient_moments(self.network, self.X, self.y, self.cost)

    def time_gradient_moments(self, network, dtype, threads):
        gradient_moments(self.network, self.X, self.y, self.cost)


class GGNDiagonals(OnNetwork):
    """A row for each sample, into memory that is used again."""

    def prepare(self):
        self.out = np.empty((len(self.X), self.network.size), self.network.dtype)
        per_sample_ggn_diagonals(self.network, self.X, self.y, self.cost, out=self.out)

    def time_per_sample_ggn_diagonals(self, network, dtype, threads):
        per_sample_ggn_diagonals(self.network, self.X, self.y, self.cost, out=self.out)


class GradientGram(OnNetwork):
    """All pairs of samples."""

    params = (["A"], *OnNetwork.params[1:])

    def prepare(self):
        self.G = LossJacobian(self.network, self.X, self.y, self.cost)
        self.G.gram()

    def time_gram(self, network, dtype, threads):
        self.G.gram()
