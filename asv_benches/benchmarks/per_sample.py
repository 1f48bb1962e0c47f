"""Gradients of single samples' losses: norms, rows, Gram matrix, clipped sum."""

import numpy as np

from engine import per_sample_gradient_norms
from engine.operators import LossJacobian

from .common import Benchmark


class Norms(Benchmark):
    """Forward and back, no gradient formed."""

    params = (list("ABCD"), ["float64", "float32"], [1, 2])

    def prepare(self):
        per_sample_gradient_norms(self.network, self.X, self.y, self.cost)

    def time_per_sample_gradient_norms(self, name, dtype, threads):
        per_sample_gradient_norms(self.network, self.X, self.y, self.cost)


class Rows(Benchmark):
    """From kept factors, into memory that is used again."""

    params = (list("ABCD"), ["float64", "float32"], [1, 2])

    def prepare(self):
        self.G = LossJacobian(self.network, self.X, self.y, self.cost)
        self.out = np.empty(self.G.shape, self.G.dtype)
        self.G.dense(out=self.out)
        self.G.clipped_sum(1.0)

    def time_dense(self, name, dtype, threads):
        self.G.dense(out=self.out)

    def time_clipped_sum(self, name, dtype, threads):
        self.G.clipped_sum(1.0)


class GradientGram(Benchmark):
    """All pairs of samples."""

    params = (["A"], ["float64", "float32"], [1, 2])

    def prepare(self):
        self.G = LossJacobian(self.network, self.X, self.y, self.cost)
        self.G.gram()

    def time_gram(self, name, dtype, threads):
        self.G.gram()
