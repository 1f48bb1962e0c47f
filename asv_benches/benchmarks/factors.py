"""What the factors (B^l, a^{l-1}) give: Kronecker-factored curvature and tangent kernels."""

from engine.operators import ekfac, ggn, inverse, kfac, ntk

from .common import Benchmark, OnNetwork


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


class KroneckerSolve(Benchmark):
    """Factors and one solve with separate biases, as curvlinops has it."""

    params = (list("ABCD"), *Benchmark.params[1:])
    work = "kfac_solve"

    def time_solve(self, network, dtype, threads):
        self.run()


class Inverses(OnNetwork):
    """(GGN + λ I)⁻¹ v by conjugate gradients, and the determinant of KFAC."""

    params = (["A"], *OnNetwork.params[1:])

    def prepare(self):
        self.K = kfac(self.network, self.X, self.y, self.cost)
        self.G = ggn(self.network, self.X, self.y, self.cost)
        self.K.log_determinant(damping=1e-2)
        self.G @ self.network.parameters

    def time_cg(self, network, dtype, threads):
        inverse(self.G, damping=1e-2) @ self.network.parameters

    def time_cg_preconditioned_by_kfac(self, network, dtype, threads):
        inverse(self.G, damping=1e-2, preconditioner=self.K) @ self.network.parameters

    def time_log_determinant(self, network, dtype, threads):
        kfac(self.network, self.X, self.y, self.cost, biases="separate").log_determinant(damping=1e-2)


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
