"""Products with the GGN and the Hessian; the GGN's diagonal."""

from .common import Benchmark


class GGN(Benchmark):
    """GGN · v."""

    work = "ggn_v"

    def time_product(self, network, dtype, threads):
        self.run()


class Hessian(GGN):
    """Hessian · v."""

    work = "hessian_v"


class GGNDiagonal(Benchmark):
    """The diagonal alone."""

    params = (list("ABCD"), *Benchmark.params[1:])
    work = "ggn_diagonal"

    def time_diagonal(self, network, dtype, threads):
        self.run()
