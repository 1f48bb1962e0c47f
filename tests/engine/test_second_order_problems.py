"""Second-order updates on problems that nobody here wrote: NIST's regressions, MathWorks' two, sinc, optimistix issue 124."""

import itertools
import pathlib
import re

import numpy as np
import pytest

from engine import Cost, LevenbergMarquardt, Network, fit
from schedulers import BatchSchedule

pytestmark = pytest.mark.compiled

DATA = pathlib.Path(__file__).parents[1] / "data" / "nist"
NUMBER = r"[-+]?\d*\.?\d+(?:E[-+]?\d+)?"
R2 = np.sqrt(2)


def nist(name):
    """Two starts and the certified parameters [3, p]; x [m], y [m] of a set of NIST's StRD (public domain)."""
    lines = (DATA / f"{name}.dat").read_text().splitlines()
    rows = [[float(v) for v in re.findall(NUMBER, line.split("=")[1])] for line in lines if re.match(r"\s+b\d+\s+=", line)]
    first = max(i for i, line in enumerate(lines) if line.startswith("Data:")) + 1
    table = np.array([[float(v) for v in line.split()] for line in lines[first:] if line.strip()])
    return np.array(rows)[:, :3].T, table[:, 1], table[:, 0]


# hidden units, activation, x to X, b to θ, θ to b, trainable
REGRESSIONS = {
    "Rat42": (1, "sigmoid", lambda x: x, lambda b: [b[2], -b[1], b[0], 0], lambda t: [t[2], -t[1], t[0]], [1, 1, 1, 0]),
    "DanWood": (1, "exp", np.log, lambda b: [b[1], 0, b[0], 0], lambda t: [t[2], t[0]], [1, 0, 1, 0]),
    "Eckerle4": (1, "gaussian", lambda x: x, lambda b: [1 / (b[1] * R2), -b[2] / (b[1] * R2), b[0] / b[1], 0],
                 lambda t: [t[2] / (t[0] * R2), 1 / (t[0] * R2), -t[1] / t[0]], [1, 1, 1, 0]),
    "MGH17": (2, "exp", lambda x: x, lambda b: [-b[3], -b[4], 0, 0, b[1], b[2], b[0]],
              lambda t: [t[6], t[4], t[5], -t[0], -t[1]], [1, 1, 0, 0, 1, 1, 1]),
    "Lanczos2": (3, "exp", lambda x: x, lambda b: [*-b[1::2], 0, 0, 0, *b[::2], 0],
                 lambda t: np.column_stack([t[6:9], -t[:3]])[np.argsort(-t[:3])].ravel(), [1, 1, 1, 0, 0, 0, 1, 1, 1, 0]),
}


def train(start, X, y, epochs, goal=0.0, reduction="mean", trainable=None):
    """A whole-batch fit that ends where the mean squared error is at `goal`."""
    return fit(start, X, y, Cost("squared_error", reduction), LevenbergMarquardt(), BatchSchedule(len(X), order="sequential"),
               epochs=epochs, progress=False, trainable=trainable, callbacks=[lambda row, _: 2 * row["cost"] <= goal])


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_nists_certified_parameters_to_eight_digits(name, start):
    hidden, activation, transform, to, back, mask = REGRESSIONS[name]
    (*starts, certified), x, y = nist(name)
    net = Network((1, hidden, 1), (activation, "identity"), np.array(to(starts[start]), float))
    found = train(net, transform(x)[:, None], y, 1000, reduction="sum", trainable=np.array(mask, bool)).network
    np.testing.assert_allclose(back(found.parameters), certified, rtol=1e-8)


def mathworks(name):
    """Network and data of MathWorks' comparison of training functions: one period of a sine, the parity of three bits."""
    if name == "sin":
        x = np.linspace(-1, 1, 41)[:, None]
        return (1, 5, 1), ("tanh", "identity"), x, np.sin(np.pi * x), 0.002
    bits = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    return (3, 10, 10, 1), "tanh", bits, np.where((bits > 0).sum(1) % 2 == 1, 1.0, -1.0), 0.001


@pytest.mark.parametrize("name", ["sin", "parity"])
def test_mathworks_goals_from_thirty_starts(name):
    widths, activations, X, y, goal = mathworks(name)
    reached = 0
    for seed in range(30):
        start = Network.initialize(widths, activations, output="tanh" if name == "parity" else "identity", seed=seed)
        found = train(start, X, y, 100, goal=goal).network
        reached += ((found(X).reshape(-1) - y.reshape(-1))**2).mean() <= goal
    assert reached >= 29


@pytest.mark.parametrize("seed", [0, 1])
def test_sinc_to_eight_digits(seed):
    X = np.linspace(-1, 1, 300)[:, None]
    found = train(Network.initialize((1, 14, 14, 1), "tanh", seed=seed), X, np.sinc(10 * X / np.pi), 200, goal=1e-9).network
    assert ((found(X) - np.sinc(10 * X / np.pi))**2).mean() < 1e-8


def test_three_inputs_go_down_to_their_noise():
    """2 sin 1.5x + cos 2y + z/2 with noise of 0.05 on a grid, inputs scaled to [0, 1] (optimistix issue 124)."""
    axis = np.linspace(-5, 5, 12)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    y = 2 * np.sin(1.5 * grid[:, 0]) + np.cos(2 * grid[:, 1]) + grid[:, 2] / 2
    y += 0.05 * np.random.default_rng(42).standard_normal(len(y))
    X = (grid + 5) / 10
    found = train(Network.initialize((3, 20, 20, 1), "tanh", seed=2), X, y, 400, goal=0.05**2).network
    assert ((found(X)[:, 0] - y)**2).mean() < 1.1 * 0.05**2
