"""Epochs of training through fit."""

import numpy as np

from engine import Adam, Cost, GradientDescent, Network, fit
from schedulers import BatchSchedule


class Epoch:
    """64-64-32-10 on 1797 samples, batches of 32."""

    params = (["float64", "float32"], ["gradient_descent", "adam"])
    param_names = ["dtype", "update"]

    def setup(self, dtype, update):
        generator = np.random.default_rng(0)
        self.X, self.y = generator.standard_normal((1797, 64)).astype(dtype), generator.integers(0, 10, 1797)
        self.network = Network.initialize((64, 64, 32, 10), "tanh", dtype=dtype)
        self.update = GradientDescent(0.05) if update == "gradient_descent" else Adam(1e-3)
        self.run()

    def run(self):
        fit(self.network, self.X, self.y, Cost("softmax_cross_entropy"), self.update, BatchSchedule(32), epochs=10, progress=False)

    def time_ten_epochs(self, dtype, update):
        self.run()
