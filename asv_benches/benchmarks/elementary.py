"""g and γ of some activations, on one thread."""

from .common import Benchmark, cases


class Elementary(Benchmark):
    """4096 numbers, 20 times."""

    params = (cases.FUNCTIONS, ["float64", "float32"], [1])
    param_names = ["activation", "dtype", "threads"]
    work = "elementary"

    def time_g_and_gamma(self, activation, dtype, threads):
        self.run()
