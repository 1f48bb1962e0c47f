"""Products with the GGN and the Hessian; the GGN's diagonal; the GGN of the last layer alone."""

from engine import operators

from .common import THREADS, Benchmark, OnNetwork


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


class LastLayerGGN(GGN):
    """GGN · v for the last layer's parameters alone."""

    work = "ggn_v_last"


class TrainablePart(OnNetwork):
    """The dense GGN of all of θ, of the last layer, and of the biases; making the operator included."""

    params = (["C"], ["float64", "float32"], THREADS)

    def prepare(self):
        self.last, self.biases = self.network.mask(layers=[self.network.depth]), self.network.mask(weights=False)
        self.time_whole()
        self.time_last_layer()
        self.time_biases()

    def _dense(self, trainable=None):
        operators.ggn(self.network, self.X, self.y, self.cost, trainable=trainable).dense()

    def time_whole(self, *_):
        self._dense()

    def time_last_layer(self, *_):
        self._dense(self.last)

    def time_biases(self, *_):
        self._dense(self.biases)
