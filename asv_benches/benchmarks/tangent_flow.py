"""The linearised network in time, tangent kernels in slabs and with a scale, and the Gramian of per-sample gradients."""

import numpy as np

from engine.operators import ntk, ntk_scale

from .common import Benchmark, OnNetwork


class Predictions(Benchmark):
    """Mean and variance at five times."""

    params = (["A60"], *Benchmark.params[1:])
    work = "ntk_time"

    def time_ntk_predict(self, network, dtype, threads):
        self.run()


class Gramian(Benchmark):
    """From X."""

    params = (["A600"], *Benchmark.params[1:])
    work = "gradient_gram"

    def time_gram(self, network, dtype, threads):
        self.run()


class Slabs(OnNetwork):
    """A at 600 samples: in 16 MiB beside the kernel, with the scale of the NTK parametrisation, and the diagonal blocks alone."""

    params = (["A"], *OnNetwork.params[1:])

    def prepare(self):
        X = self.X[:600]
        self.kernel, self.scaled = ntk(self.network, X), ntk(self.network, X, scale=ntk_scale(self.network))
        self.out = np.empty(self.kernel.shape, self.kernel.dtype)
        self.time_slabs()
        self.time_scaled()
        self.time_sample_blocks()

    def time_slabs(self, *_):
        self.kernel.dense(max_bytes=1 << 24, out=self.out)

    def time_scaled(self, *_):
        self.scaled.dense(out=self.out)

    def time_sample_blocks(self, *_):
        self.kernel.sample_blocks()
