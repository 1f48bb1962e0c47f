"""Peak memory of a process that makes a dense Jacobian."""

import subprocess
import sys

import numpy as np

from engine import Network

WIDTHS, SAMPLES = (784, 128, 64, 10), 256
SCRIPT = """
import resource, sys
import numpy as np
from engine import Network
network = Network.initialize({widths}, "tanh", dtype="{dtype}")
X = np.ones(({samples}, 784), "{dtype}")
network.jacobian(X[:8]).dense()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
J = network.jacobian(X).dense()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, J.nbytes)
"""


class PeakMemory:
    """J of B: 256 samples, 10 outputs, 109386 parameters."""

    params = ["float64", "float32"]
    param_names = ["dtype"]
    timeout = 300

    def setup(self, dtype):
        self.network = Network.initialize(WIDTHS, "tanh", dtype=dtype)
        self.X = np.ones((SAMPLES, WIDTHS[0]), dtype)

    def peakmem_dense(self, dtype):
        self.network.jacobian(self.X).dense()

    def track_mebibytes_beyond_the_result(self, dtype):
        """What the peak rose by while `dense` ran, J itself taken off; the factors and 64 MiB are allowed."""
        script = SCRIPT.format(widths=WIDTHS, samples=SAMPLES, dtype=dtype)
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        rise, size = map(int, found.split())
        unit = 1 if sys.platform == "darwin" else 1024
        return (rise * unit - size) / 2**20

    track_mebibytes_beyond_the_result.unit = "MiB"
