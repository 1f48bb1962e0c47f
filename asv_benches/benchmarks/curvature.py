"""Curvature operators: products, the diagonal, a dense matrix, from the forward pass they keep."""

import numpy as np

from engine.operators import ggn, hessian

from .common import Benchmark


class Products(Benchmark):
    """G v and H v."""

    params = (list("ABCDEF"), ["float64", "float32"], [1, 2])

    def prepare(self):
        self.G, self.H = (build(self.network, self.X, self.y, self.cost) for build in (ggn, hessian))
        self.v = np.ones(self.network.size, self.network.dtype)
        self.G.matvec(self.v)
        self.H.matvec(self.v)

    def time_ggn_product(self, name, dtype, threads):
        self.G.matvec(self.v)

    def time_hessian_product(self, name, dtype, threads):
        self.H.matvec(self.v)


class Diagonal(Benchmark):
    """diag(G), the forward pass included."""

    params = (list("ABCD"), ["float64", "float32"], [1, 2])

    def prepare(self):
        self.time_ggn_diagonal(None, None, None)

    def time_ggn_diagonal(self, name, dtype, threads):
        ggn(self.network, self.X, self.y, self.cost).diagonal()


class Dense(Benchmark):
    """G of A, P = 6570."""

    params = (["A"], ["float64", "float32"], [2])

    def prepare(self):
        self.G = ggn(self.network, self.X, self.y, self.cost)
        self.G.dense()

    def time_dense(self, name, dtype, threads):
        self.G.dense()
