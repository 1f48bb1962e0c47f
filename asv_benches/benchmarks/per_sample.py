"""Gradients of single samples' losses: norms, rows, Gram matrix, clipped sum."""

import numpy as np

from engine import per_sample_gradient_norms
from engine.operators import LossJacobian

from .common import Benchmark, OnNetwork


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


class Moments(Benchmark):
    """Mean and variance over samples, forward and back."""

    params = (list("ABC"), *Benchmark.params[1:])
    work = "gradient_moments"

    def time_moments(self, network, dtype, threads):
        self.run()


class GGNDiagonals(Moments):
    """A row for each sample, into memory that is used again."""

    work = "ggn_diagonals"


class GradientGram(OnNetwork):
    """All pairs of samples."""

    params = (["A"], *OnNetwork.params[1:])

    def prepare(self):
        self.G = LossJacobian(self.network, self.X, self.y, self.cost)
        self.G.gram()

    def time_gram(self, network, dtype, threads):
        self.G.gram()
