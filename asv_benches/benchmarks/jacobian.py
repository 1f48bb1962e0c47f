"""The Jacobian: dense, products, Gram matrix, norms."""

import numpy as np

from .common import Benchmark


class Dense(Benchmark):
    """J into memory that is used again."""

    def prepare(self):
        self.J = self.network.jacobian(self.X)
        self.out = np.empty(self.J.shape, self.J.dtype)
        self.J.dense(out=self.out)

    def time_dense(self, name, dtype, threads):
        self.J.dense(out=self.out)

    def track_share_of_fill(self, name, dtype, threads):
        """Our time over that of filling the same memory, the best of five each, in turn."""
        from time import perf_counter

        best = [np.inf, np.inf]
        for _ in range(5):
            for i, work in enumerate((lambda: self.J.dense(out=self.out), lambda: self.out.fill(1))):
                started = perf_counter()
                work()
                best[i] = min(best[i], perf_counter() - started)
        return best[0] / best[1]

    track_share_of_fill.unit = "ratio"


class Products(Benchmark):
    """J v and Jᵀ u."""

    def prepare(self):
        self.J = self.network.jacobian(self.X)
        self.v, self.u = np.ones(self.J.shape[1], self.J.dtype), np.ones(self.J.shape[0], self.J.dtype)
        self.J.matvec(self.v)
        self.J.rmatvec(self.u)

    def time_matvec(self, name, dtype, threads):
        self.J.matvec(self.v)

    def time_rmatvec(self, name, dtype, threads):
        self.J.rmatvec(self.u)

    def time_row_norms(self, name, dtype, threads):
        self.J.row_norms()


class Gram(Benchmark):
    """J Jᵀ of A at 600 samples."""

    params = (["A"], ["float64", "float32"], [1, 2])

    def prepare(self):
        self.J = self.network.jacobian(self.X[:600])
        self.J.gram()

    def time_gram(self, name, dtype, threads):
        self.J.gram()
