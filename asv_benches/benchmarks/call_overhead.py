"""The smallest calls, where there is nothing but overhead; a thousand of them a timed body."""

import numpy as np

from engine import Cost, Network, value_and_gradient


class CallOverhead:
    """2-2-1."""

    def setup(self):
        self.network = Network.initialize((2, 2, 1), "tanh")
        self.X, self.y, self.cost = np.ones((4, 2)), np.zeros((4, 1)), Cost("squared_error")
        value_and_gradient(self.network, self.X, self.y, self.cost)
        self.network(self.X[0])

    def time_thousand_gradients(self):
        for _ in range(1000):
            value_and_gradient(self.network, self.X, self.y, self.cost)

    def time_thousand_predictions(self):
        for _ in range(1000):
            self.network(self.X[0])
