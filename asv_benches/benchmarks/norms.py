"""Norms of rows of J, and of per-sample gradients."""

from .common import Benchmark


class RowNorms(Benchmark):
    """All [m, n] of them."""

    params = (list("ABCD"), *Benchmark.params[1:])
    work = "row_norms"

    def time_norms(self, network, dtype, threads):
        self.run()


class GradientNorms(RowNorms):
    """All m of them."""

    work = "gradient_norms"
