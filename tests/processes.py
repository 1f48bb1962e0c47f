"""New processes for tests: what one prints, and a piece of work that is worth threads."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
BEGIN = """
import os, sys, threading, time
import numpy as np, engine
from engine import Cost, Network, value_and_gradient
engine.set_num_threads(3)
engine.pool.learner.learning = False
net = Network.initialize((12, 40, 24, 4), "tanh", seed=1)
generator = np.random.default_rng(0)
X, y = generator.standard_normal((600, 12)), generator.standard_normal((600, 4))
def work():
    return net.jacobian(X).dense().tobytes() + value_and_gradient(net, X, y, Cost("squared_error"))[1].tobytes()
"""


def process(code, *, errors="", **environment):
    """What a new process prints; it must end well and say on stderr nothing, or what contains `errors`, or anything where None."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=variables, cwd=variables["PYTHONPATH"], capture_output=True, text=True,
                          timeout=200)
    said = errors is None or (errors in done.stderr if errors else done.stderr == "")
    assert done.returncode == 0 and said, (done.returncode, done.stderr[-3000:])
    return done.stdout
