"""A fresh process: import, and import to the first Jacobian."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from .table import Row
from .wanted import AT_MOST

OURS_IMPORT = "import engine"
OURS = """
import numpy as np
from engine import Network
network = Network.initialize((64, 64, 32, 10), "tanh", dtype=np.float32)
network.jacobian(np.ones((100, 64), np.float32)).dense()
"""
IN_JAX = """
import jax, jax.numpy as jnp
theta = [(jnp.ones((n, k)) * 0.1, jnp.zeros(n)) for k, n in ((64, 64), (64, 32), (32, 10))]
def forward(theta, x):
    for W, b in theta[:-1]:
        x = jnp.tanh(W @ x + b)
    return theta[-1][0] @ x + theta[-1][1]
jax.block_until_ready(jax.jit(jax.vmap(jax.jacrev(forward), (None, 0)))(theta, jnp.ones((100, 64))))
"""
IN_TORCH = """
import torch
from torch.func import jacrev, vmap
theta = [(torch.ones(n, k) * 0.1, torch.zeros(n)) for k, n in ((64, 64), (64, 32), (32, 10))]
def forward(theta, x):
    for W, b in theta[:-1]:
        x = torch.tanh(W @ x + b)
    return theta[-1][0] @ x + theta[-1][1]
vmap(jacrev(forward), (None, 0))(theta, torch.ones(100, 64))
"""


def run(script, **environment):
    """A process that runs `script`; the bytecode of what it imports is kept, as an installed package's is."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", script], env=kept | environment, check=True, stderr=subprocess.DEVNULL)


def seconds(script, repeats, fresh_cache=False):
    """The median time of a process that runs `script`, the interpreter's own start taken off."""
    times = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            run(script, **({"NUMBA_CACHE_DIR": folder} if fresh_cache else {}))
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def cold_starts(peers, repeats):
    """A row for import, and for the first Jacobian from a warm and from an empty cache."""
    run(OURS)
    bare = seconds("pass", repeats)
    scripts = {"jax": ("import jax.numpy", IN_JAX), "torch": ("import torch.func", IN_TORCH)}
    theirs = {name: [seconds(script, repeats) - bare for script in scripts[name]] for name in peers if name in scripts}
    ours = {"import": seconds(OURS_IMPORT, repeats) - bare, "first Jacobian, warm cache": seconds(OURS, repeats) - bare,
            "first Jacobian, empty cache": seconds(OURS, 1, True) - bare}
    for work, mine in ours.items():
        limit = AT_MOST[work] / 1e3
        yield Row(work, "", "", None, "wanted", mine, limit, limit / mine, None)
        for name, (imported, jacobian) in theirs.items():
            took = imported if work == "import" else jacobian
            yield Row(work, "", "", None, name, mine, took, took / mine, None)
