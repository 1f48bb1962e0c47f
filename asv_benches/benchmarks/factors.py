"""What the factors (B^l, a^{l-1}) give: Kronecker-factored curvature and tangent kernels."""

from engine.operators import ekfac, kfac, ntk

from .common import OnNetwork


class KroneckerFactors(OnNetwork):
    """Factors, eigenvectors and one solve."""

    params = (list("AC"), *OnNetwork.params[1:])

    def prepare(self):
        self.solve(kfac)
        self.solve(ekfac)

    def solve(self, make):
        make(self.network, self.X, self.y, self.cost).solve(self.network.parameters, damping=1e-3)

    def time_kfac(self, network, dtype, threads):
        self.solve(kfac)

    def time_ekfac(self, network, dtype, threads):
        self.solve(ekfac)


class TangentKernel(OnNetwork):
    """A at 600 samples, output by output and summed over outputs."""

    params = (["A"], *OnNetwork.params[1:])

    def prepare(self):
        self.kernel = ntk(self.network, self.X[:600])
        self.kernel.per_output()
        self.kernel.contracted()

    def time_per_output(self, network, dtype, threads):
        self.kernel.per_output()

    def time_contracted(self, network, dtype, threads):
        self.kernel.contracted()
