"""What every benchmark shares: the networks, a compiled start, and the thread count."""

import numpy as np

import engine
from engine import Cost, Network

# widths, samples
NETWORKS = {
    "A": ((64, 64, 32, 10), 1797),
    "B": ((784, 128, 64, 10), 256),
    "C": ((2, 20, 20, 1), 10000),
    "D": ((256, 512, 512, 10), 64),
    "E": ((784, 1024, 1024, 10), 256),
    "F": ((2, 50, 50, 1), 10000),
}


class Benchmark:
    """A benchmark states its object in `prepare`; `setup` builds the network and calls it once, compiled, before the clock runs."""

    params = (list("ABCDF"), ["float64", "float32"], [1, 2])
    param_names = ["network", "dtype", "threads"]
    timeout = 300

    def setup(self, name, dtype, threads):
        widths, m = NETWORKS[name]
        engine.set_num_threads(threads)
        generator = np.random.default_rng(0)
        self.network = Network.initialize(widths, "tanh", seed=0, dtype=dtype)
        self.X = generator.standard_normal((m, widths[0])).astype(dtype)
        self.y = generator.standard_normal((m, widths[-1])).astype(dtype)
        self.cost = Cost("squared_error")
        self.prepare()

    def prepare(self):
        """What the timed body needs, and one call of it."""
