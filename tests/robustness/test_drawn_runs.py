"""Fits to points that are drawn anew at every step, killed at any moment: they go on bit for bit."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytestmark = pytest.mark.robustness
EPOCHS, KILLS = "60", 3
PROGRAM = """
import sys
import numpy as np
from engine import Drawn, LevenbergMarquardt, Network, Residual, collocation, fit
def draw(generator): return generator.uniform(size=(40, 2))
def equation(x, u, p): return u.d(1) - p["kappa"] * u.d(0, 0)
def measured(x, u): return u.value - np.exp(-2 * x[:, 1]) * np.sin(3 * x[:, 0])
def begun(row, network):
    if row["epoch"] % 7 == 0: print("going", flush=True)
X, y, cost = collocation((Drawn(draw, 40, 25, seed=3), Residual(equation, unknowns={"kappa": 1.0})),
                         (np.random.default_rng(0).uniform(size=(15, 2)), Residual(measured), 5.0))
found = fit(Network.initialize((2, 8, 6, 1), "tanh", seed=0), X, y, cost, LevenbergMarquardt(), X.schedule(),
            epochs=int(sys.argv[2]), progress=False, callbacks=[begun], checkpoint=sys.argv[1], resume=True)
np.savez(sys.argv[1] + ".end", theta=found.network.parameters, cost=found.history.columns()["cost"], **found.state.arrays)
"""


@pytest.mark.compiled
@pytest.mark.timeout(600)
def test_a_fit_to_drawn_points_that_is_killed_goes_on_bit_for_bit(tmp_path):
    """By Levenberg–Marquardt, with an unknown beside θ, and its points drawn again where it goes on."""
    generator, kills = random.Random(), 0
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    subprocess.run([*command, str(tmp_path / "whole"), EPOCHS], check=True, timeout=300, stdout=subprocess.DEVNULL)
    path = tmp_path / "killed"
    for _ in range(KILLS):
        run = subprocess.Popen([*command, str(path), EPOCHS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if run.stdout.readline() == "going\n":
            time.sleep(generator.uniform(0, 0.1))
            run.send_signal(signal.SIGKILL)
        _, said = run.communicate()
        assert run.returncode in (0, -signal.SIGKILL), said
        kills += run.returncode != 0
    assert kills, "every run ended before it was killed"
    subprocess.run([*command, str(path), EPOCHS], check=True, timeout=300, stdout=subprocess.DEVNULL)
    with np.load(f"{path}.end.npz") as found, np.load(f"{tmp_path / 'whole'}.end.npz") as right:
        assert {"theta", "damping", "scale"} <= set(right.files) and np.isfinite(right["theta"]).all()
        assert all(found[name].tobytes() == right[name].tobytes() for name in right.files)
