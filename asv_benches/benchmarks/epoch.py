"""Epochs of training through fit, shuffle included."""

import numpy as np

from engine import Adam, Cost, GradientDescent, Network, fit
from schedulers import BatchSchedule

from .common import Benchmark, cases, in_engine

UPDATES = {"gradient_descent": GradientDescent(0.05), "adam": Adam(1e-3)}


class SmallEpochs:
    """2-20-20-1 on 512 samples, float32, many epochs in one fit: eight batches an epoch, or one."""

    params = [64, 512]
    param_names = ["batch_size"]

    def setup(self, batch_size):
        self.X = np.random.default_rng(0).standard_normal((512, 2)).astype(np.float32)
        self.network = Network.initialize((2, 20, 20, 1), "tanh", dtype=np.float32)
        self.time_fifty_epochs(batch_size)

    def time_fifty_epochs(self, batch_size):
        fit(self.network, self.X, self.X[:, :1], Cost("squared_error"), Adam(1e-3), BatchSchedule(batch_size), epochs=50,
            progress=False)


class Epoch:
    """64-64-32-10 on 1792 samples, batches of 32."""

    params = (["float64", "float32"], list(UPDATES))
    param_names = ["dtype", "update"]

    def setup(self, dtype, update):
        generator = np.random.default_rng(0)
        self.X, self.y = generator.standard_normal((1792, 64)).astype(dtype), generator.integers(0, 10, 1792)
        self.network, self.cost = Network.initialize((64, 64, 32, 10), "tanh", dtype=dtype), Cost("softmax_cross_entropy")
        self.time_ten_epochs(dtype, update)

    def time_ten_epochs(self, dtype, update):
        fit(self.network, self.X, self.y, self.cost, UPDATES[update], BatchSchedule(32), epochs=10, progress=False)


class Fit(Benchmark):
    """2-20-20-1 on 512 samples by Adam: 50 epochs of 8 batches."""

    params = (["m 512"], *Benchmark.params[1:])
    work = "fit"

    def time_fifty_epochs(self, network, dtype, threads):
        self.run()


class FullBatches:
    """2-20-20-1 by Adam: 50 steps on all samples."""

    params = (cases.WORK["fit_full"][1], *Benchmark.params[1:])
    param_names = Benchmark.param_names
    timeout = 300

    def setup(self, network, dtype, threads):
        ways = in_engine.Peer(cases.Case.named(network, dtype)).fit_full()
        self.run = ways["one thread" if threads == 1 and "one thread" in ways else ""].run
        self.run()

    def time_fifty_steps(self, network, dtype, threads):
        self.run()
