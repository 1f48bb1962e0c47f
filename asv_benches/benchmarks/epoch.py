"""Epochs of training through fit, shuffle included."""

import numpy as np

from engine import Adam, Cost, GradientDescent, Network, fit
from schedulers import BatchSchedule

UPDATES = {"gradient_descent": GradientDescent(0.05), "adam": Adam(1e-3)}


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
