"""Laplace's posterior: fitted, with the covariance of 64 predictions, and where its evidence is largest."""

from engine import Cost, laplace

from .common import Benchmark, OnNetwork


class Full(Benchmark):
    """Every entry of P × P."""

    params = (["m 512"], *Benchmark.params[1:])
    work = "laplace_full"

    def time_laplace(self, network, dtype, threads):
        self.run()


class Kron(Benchmark):
    """Kronecker factors."""

    params = (["A"], *Benchmark.params[1:])
    work = "laplace_kron"

    def time_laplace(self, network, dtype, threads):
        self.run()


class Evidence(OnNetwork):
    """Prior precision and noise, from a posterior that is there."""

    params = (["m 512"], *OnNetwork.params[1:])

    def prepare(self):
        self.posterior = laplace(self.network, self.X, self.y, Cost("squared_error", "sum"))
        self.posterior.optimize()

    def time_optimize(self, network, dtype, threads):
        self.posterior.optimize()
