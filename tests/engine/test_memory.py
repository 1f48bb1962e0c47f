"""What a dense Jacobian takes of memory."""

import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.compiled
resource = pytest.importorskip("resource")
SCRIPT = """
import pathlib, resource, sys
import numpy as np, engine
def peak():
    status = pathlib.Path("/proc/self/status")  # Linux hands ru_maxrss on from the process that started this one
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
dtype = np.dtype(sys.argv[1])
engine.set_num_threads(int(sys.argv[2]))
net = engine.Network.initialize((64, 128, 128, 10), "tanh", seed=0, dtype=dtype)
small = net.jacobian(np.ones((32, 64), dtype))
small.dense()  # its kernels are compiled and loaded
X = np.ones((300, 64), dtype)
pages = pathlib.Path("/proc/self/statm")
before = int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else peak()
J = net.jacobian(X)
whole = J.dense()
factors = len(X) * sum(net.widths) * (1 + net.widths[-1]) * dtype.itemsize
print(peak() - before, whole.nbytes, factors)
"""


@pytest.mark.parametrize("dtype, threads", [("float32", 1), ("float32", 4), ("float64", 2)])
def test_dense_takes_j_and_the_factors_and_64_mebibytes(dtype, threads):
    done = subprocess.run([sys.executable, "-c", SCRIPT, dtype, str(threads)], capture_output=True, text=True, timeout=200,
                          env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[2])})
    assert done.returncode == 0, done.stderr
    taken, whole, factors = map(int, done.stdout.split())
    assert 0.9 * whole < taken < whole + factors + (64 << 20)
