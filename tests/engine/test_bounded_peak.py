"""What the two passes over memmaps take of memory, in a process of their own."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
SAMPLES, BOUND = 500_000, 8 << 20
SCRIPT = """
import pathlib, sys, threading
import numpy as np
import engine
from engine import Cost, Network, reductions, value_and_gradient
engine.set_num_threads(2)
def anonymous():
    return int(pathlib.Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) * 1024
dtype, samples, bound, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
X, y = (np.memmap(f"{folder}/{name}", dtype, "r", shape=(samples, width)) for name, width in (("X", 2), ("y", 1)))
network = Network.initialize((2, 20, 20, 1), "tanh", dtype=dtype)
cost = Cost("squared_error", reductions.cvar(0.1))
value_and_gradient(network, X[:1000], y[:1000], cost, max_bytes=bound)
before, peak, done = anonymous(), [0], threading.Event()
def watch():
    while not done.wait(0.001):
        peak[0] = max(peak[0], anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
value_and_gradient(network, X, y, cost, max_bytes=bound)
done.set()
watcher.join()
print(peak[0] - before)
"""


@pytest.mark.compiled
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_passes_take_the_bound_and_six_numbers_a_sample(dtype, tmp_path):
    generator = np.random.default_rng(0)
    for name, width in (("X", 2), ("y", 1)):
        generator.standard_normal((SAMPLES, width)).astype(dtype).tofile(tmp_path / name)
    done = subprocess.run([sys.executable, "-c", SCRIPT, dtype, str(SAMPLES), str(BOUND), str(tmp_path)], capture_output=True,
                          text=True, timeout=200, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    # a sort's places are int64 whatever the dtype
    six = SAMPLES * (6 * np.dtype(dtype).itemsize + (8 if dtype == "float32" else 0))
    stacks = SAMPLES * 84 * np.dtype(dtype).itemsize
    assert int(done.stdout) < six + BOUND + (8 << 20) < stacks
