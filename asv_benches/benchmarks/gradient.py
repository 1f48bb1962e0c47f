"""C and D_θ C of a whole batch, against the peak of multiply-adds."""

from .common import Benchmark


class Gradient(Benchmark):
    """Squared error, mean."""

    work = "gradient"

    def time_value_and_gradient(self, network, dtype, threads):
        self.run()

    def track_share_of_peak(self, network, dtype, threads):
        return self.share(network, dtype, "peak")

    track_share_of_peak.unit = "share"


class GaussianLikelihood(Benchmark):
    """gaussian_nll, mean: half of the outputs are means, half their log variances."""

    params = (["A", "D"], *Benchmark.params[1:])
    work = "gaussian_nll"

    def time_value_and_gradient(self, network, dtype, threads):
        self.run()


class AdamStep(Benchmark):
    """The public benchmark of small networks: 4-32-16-4, m 10000, full batch, twenty gradients and Adam steps."""

    params = (["small"], *Benchmark.params[1:])
    work = "adam_step"

    def time_twenty_steps(self, network, dtype, threads):
        self.run()

    def track_share_of_peak(self, network, dtype, threads):
        return self.share(network, dtype, "peak")

    track_share_of_peak.unit = "share"
