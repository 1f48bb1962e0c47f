"""Derivatives in the inputs: of the network, the Jacobian of a residual of them, a cost's gradient, and a step with all of it."""

import numpy as np

from engine import Residual, collocation, value_and_gradient
from engine.operators import ResidualJacobian

from .common import Benchmark, OnNetwork, cases, in_engine


class Dense(Benchmark):
    """J of −Δu, from X."""

    params = (cases.JETS, *Benchmark.params[1:])
    work = "jet_dense"

    def time_dense(self, network, dtype, threads):
        self.run()


class Step(Benchmark):
    """Levenberg–Marquardt on Poisson's equation, with the geodesic bend and without: ten steps."""

    params = (cases.JETS[:1], *Benchmark.params[1:])

    def setup(self, network, dtype, threads):
        in_engine.set_threads(threads)
        self.ways = in_engine.Peer(cases.Case.named(network, dtype)).residual_step()
        for work in self.ways.values():
            work.run()

    def time_ten_steps(self, network, dtype, threads):
        self.ways[""].run()

    def time_ten_steps_without_the_bend(self, network, dtype, threads):
        self.ways["geodesic=False"].run()


class Jets(OnNetwork):
    """The network's derivatives, and what −Δu costs without its Jacobian as a matrix."""

    params = (cases.JETS, *OnNetwork.params[1:])

    def prepare(self):
        self.points, self.sets, self.residuals = collocation((self.X, Residual(lambda x, u: -u.laplacian())))
        self.J = ResidualJacobian(self.network, self.points, self.sets, self.residuals)
        self.v, self.u = np.ones(self.J.shape[1], self.J.dtype), np.ones(self.J.shape[0], self.J.dtype)
        for call in (self.time_laplacian, self.time_hessian, self.time_value_and_gradient, self.time_matvec, self.time_rmatvec):
            call()

    def time_laplacian(self, *_):
        self.network.jet(self.X, second="laplacian")

    def time_hessian(self, *_):
        self.network.jet(self.X, second="full")

    def time_value_and_gradient(self, *_):
        value_and_gradient(self.network, self.points, self.sets, self.residuals)

    def time_matvec(self, *_):
        self.J.matvec(self.v)

    def time_rmatvec(self, *_):
        self.J.rmatvec(self.u)
