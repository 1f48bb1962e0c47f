"""A fresh process: import, import to the first Jacobian, and `train digits` to its summary."""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .table import Row
from .wanted import AT_MOST

ROOT = Path(__file__).parents[2]
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


TRAIN = ("-m", "engine", "train", "digits", "--quiet")
DEMO = ("sklearn", "matplotlib", "pandas")  # without which there are no digits


def run(arguments, root, folder, **environment):
    """A process of Python in `folder` with the checkout at `root`; the bytecode of what it imports is kept, as an installed
    package's is."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept |= {"PYTHONPATH": str(root), "GAMMACHAIN_RUNS": f"{folder}/runs", **environment}
    subprocess.run([sys.executable, *arguments], cwd=folder, env=kept, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def once(arguments, root=ROOT, empty_cache=False, **environment):
    """The seconds of a process, its interpreter's start included."""
    with tempfile.TemporaryDirectory() as folder:
        if empty_cache:
            environment = environment | {"NUMBA_CACHE_DIR": f"{folder}/cache"}
        started = time.perf_counter()
        run(arguments, root, folder, **environment)
        return time.perf_counter() - started


def seconds(arguments, repeats, **how):
    """The median time of a process, the interpreter's own start taken off."""
    return statistics.median(once(arguments, **how) - once(("-c", "pass")) for _ in range(repeats))


def starts():
    """{what: its arguments, whether from an empty cache}."""
    found = {"import": (("-c", OURS_IMPORT), False), "first Jacobian, warm cache": (("-c", OURS), False),
             "first Jacobian, empty cache": (("-c", OURS), True)}
    if all(map(importlib.util.find_spec, DEMO)):
        found["train digits, empty cache"] = TRAIN, True
    return found


def cold_starts(peers, repeats):
    """A row for import, for the first Jacobian from a warm and from an empty cache, and for the first training."""
    once(("-c", OURS))
    scripts = {"jax": ("import jax.numpy", IN_JAX), "torch": ("import torch.func", IN_TORCH)}
    theirs = {name: [seconds(("-c", script), repeats) for script in scripts[name]] for name in peers if name in scripts}
    for work, (arguments, empty) in starts().items():
        mine, limit = seconds(arguments, 1 if empty else repeats, empty_cache=empty), AT_MOST[work] / 1e3
        yield Row(work, "", "", None, "wanted", mine, limit, limit / mine, None)
        if arguments != TRAIN:
            for name, (imported, jacobian) in theirs.items():
                took = imported if work == "import" else jacobian
                yield Row(work, "", "", None, name, mine, took, took / mine, None)
