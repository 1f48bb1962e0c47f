"""The empirical neural tangent kernel of A at 600 samples."""

from .common import Benchmark


class Gram(Benchmark):
    """J Jᵀ."""

    params = (["A600"], *Benchmark.params[1:])
    work = "gram"

    def time_gram(self, network, dtype, threads):
        self.run()


class GramOther(Gram):
    """J J′ᵀ."""

    work = "gram_other"
