"""Peak memory of a process that makes a dense Jacobian, setup included."""

import numpy as np

from engine import Network


class PeakMemory:
    """J of B: 256 samples, 10 outputs, 109386 parameters."""

    params = ["float64", "float32"]
    param_names = ["dtype"]

    def setup(self, dtype):
        self.network = Network.initialize((784, 128, 64, 10), "tanh", dtype=dtype)
        self.X = np.ones((256, 784), dtype)

    def peakmem_dense(self, dtype):
        self.network.jacobian(self.X).dense()
