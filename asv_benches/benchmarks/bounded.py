"""C and D_θ C of 10⁶ samples of C in bounded memory, against the same with everything held."""

import subprocess
import sys
from time import perf_counter

import numpy as np

import engine
from engine import Cost, Network, reductions, value_and_gradient

from .common import THREADS

SAMPLES, BOUND = 10**6, 1 << 26
SCRIPT = """
import pathlib, sys, threading, time
import numpy as np
from engine import Cost, Network, reductions, value_and_gradient
def anonymous():
    return int(pathlib.Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) * 1024
X, y = (np.memmap(path, sys.argv[1], "r", shape=(int(sys.argv[2]), width)) for path, width in zip(sys.argv[4:], (2, 1)))
network = Network.initialize((2, 20, 20, 1), "tanh", dtype=sys.argv[1])
cost = Cost("squared_error", reductions.cvar(0.1))
value_and_gradient(network, X[:1000], y[:1000], cost, max_bytes=int(sys.argv[3]))
before, peak, done = anonymous(), [0], threading.Event()
def watch():
    while not done.wait(0.002):
        peak[0] = max(peak[0], anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
value_and_gradient(network, X, y, cost, max_bytes=int(sys.argv[3]))
done.set()
watcher.join()
print(peak[0] - before)
"""


def data(dtype):
    """X, y and C's network."""
    X = np.random.default_rng(0).standard_normal((SAMPLES, 2)).astype(dtype)
    return Network.initialize((2, 20, 20, 1), "tanh", dtype=dtype), X, np.sin(X.sum(1, keepdims=True))


class TwoPasses:
    """CVaR sorts, log_sum_exp does not; the mean needs one pass."""

    params = (["mean", "log_sum_exp", "cvar"], ["float64", "float32"], THREADS)
    param_names = ["reduction", "dtype", "threads"]
    timeout = 300

    def setup(self, reduction, dtype, threads):
        engine.set_num_threads(threads)
        phi = {"mean": "mean", "log_sum_exp": reductions.log_sum_exp(1.0), "cvar": reductions.cvar(0.1)}[reduction]
        self.arguments = *data(dtype), Cost("squared_error", phi)
        value_and_gradient(*self.arguments, max_bytes=BOUND)

    def time_bounded(self, reduction, dtype, threads):
        value_and_gradient(*self.arguments, max_bytes=BOUND)

    def track_times_one_pass(self, reduction, dtype, threads):
        """Bounded over unbounded, the median of turns; 1.6 at most."""
        ratios = []
        for _ in range(6):
            times = []
            for settings in ({"max_bytes": BOUND}, {}):
                started = perf_counter()
                value_and_gradient(*self.arguments, **settings)
                times.append(perf_counter() - started)
            ratios.append(times[0] / times[1])
        return float(np.median(ratios[1:]))

    track_times_one_pass.unit = "times"


class BoundedMemory:
    """Ten times as many samples from memmaps."""

    params = ["float64", "float32"]
    param_names = ["dtype"]
    timeout = 300

    def setup(self, dtype):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.paths = [f"{self.folder.name}/{name}" for name in "Xy"]
        for _ in range(10):
            for path, array in zip(self.paths, data(dtype)[1:]):
                with open(path, "ab") as file:
                    array.tofile(file)

    def teardown(self, dtype):
        self.folder.cleanup()

    def track_mebibytes_beyond_six_numbers(self, dtype):
        """Anonymous memory at the peak, six numbers a sample taken off; 300 MiB at most."""
        command = [sys.executable, "-c", SCRIPT, dtype, str(10 * SAMPLES), str(BOUND), *self.paths]
        taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return (taken - 60 * SAMPLES * np.dtype(dtype).itemsize) / 2**20

    track_mebibytes_beyond_six_numbers.unit = "MiB"
