"""C and D_θ C of a whole batch, and the forward pass."""

from engine import value_and_gradient

from .common import Benchmark


class Gradient(Benchmark):
    """A full batch, squared error."""

    params = (list("ABCDEF"), ["float64", "float32"], [1, 2])

    def prepare(self):
        value_and_gradient(self.network, self.X, self.y, self.cost)

    def time_value_and_gradient(self, name, dtype, threads):
        value_and_gradient(self.network, self.X, self.y, self.cost)

    def time_predictions(self, name, dtype, threads):
        self.network(self.X)


class GradientSmoke(Gradient):
    """The same on one small case, for a quick look at whether benchmarks run."""

    params = (["C"], ["float32"], [1])
