"""The same fit by Adam and by Levenberg–Marquardt: cost against time.

    python examples/levenberg_marquardt.py

sin(10x)/10x on [−1, 1] by 1-20-20-1; then MathWorks' two problems for its training functions and the three inputs of optimistix
issue 124, each from seeded starts, with the time to its goal.
"""

import itertools
import time
from statistics import median

import numpy as np

from engine import Adam, Cost, LevenbergMarquardt, Network, fit
from schedulers import BatchSchedule, rates

COST = Cost("squared_error")


def sinc(m=2000):
    """X [m, 1], y [m, 1]."""
    X = np.linspace(-1, 1, m)[:, None]
    return X, np.sinc(10 * X / np.pi)


def three_inputs(points=20, noise=0.05):
    """8000 noisy samples of 2 sin 1.5x + cos 2y + z/2 on a grid, the inputs scaled to [0, 1]."""
    axis = np.linspace(-5, 5, points)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    y = 2 * np.sin(1.5 * grid[:, 0]) + np.cos(2 * grid[:, 1]) + grid[:, 2] / 2
    return (grid + 5) / 10, (y + noise * np.random.default_rng(42).standard_normal(len(y)))[:, None]


def problems():
    """Name: widths, g of the last layer, X, y, goal of the mean squared error, epochs of either update, starts."""
    x = np.linspace(-1, 1, 41)[:, None]
    bits = np.array(list(itertools.product([-1.0, 1.0], repeat=3)))
    parity = np.where((bits > 0).sum(1, keepdims=True) % 2 == 1, 1.0, -1.0)
    return {"SIN": ((1, 5, 1), "identity", x, np.sin(np.pi * x), 0.002, (300, 20000), 30),
            "PARITY": ((3, 10, 10, 1), "tanh", bits, parity, 0.001, (300, 20000), 30),
            "three inputs": ((3, 20, 20, 1), "identity", *three_inputs(), 1.05 * 0.05**2, (600, 10000), 3)}


def train(start, X, y, update, epochs, goal=0.0):
    """The mean squared error before each batch step, the seconds until then, and the network."""
    errors, seconds, started = [], [], time.perf_counter()

    def watch(row, network):
        errors.append(2 * row["cost"])
        seconds.append(time.perf_counter() - started)
        return errors[-1] <= goal

    whole = BatchSchedule(len(X), order="sequential")
    result = fit(start, X, y, COST, update, whole, epochs=epochs, callbacks=[watch], progress=False)
    return np.array(errors), np.array(seconds), result.network


def compare(name, widths, output, X, y, goal, epochs, starts):
    """Print how many starts reach the goal, and the median time of those, for both updates; the rows."""
    rows = []
    for title, update, most in (("LevenbergMarquardt", LevenbergMarquardt(), epochs[0]), ("Adam", Adam(0.01), epochs[1])):
        times = []
        for seed in range(starts):
            start = Network.initialize(widths, "tanh", output=output, seed=seed)
            errors, seconds, _ = train(start, X, y, update, most, goal)
            if errors[-1] <= goal:
                times.append(seconds[-1])
        rows.append((name, title, len(times), median(times) if times else float("nan")))
        print(f"{name:13} {title:19} reaches {goal:.2g} from {len(times):2} of {starts}, median {rows[-1][3]:8.4f} s", flush=True)
    return rows


def main(m=2000, steps=(200, 10000), picture="levenberg_marquardt.png", names=("SIN", "PARITY", "three inputs")):
    """Fit sinc both ways, draw `picture` (None leaves it out), compare on the other problems; the last errors of both, the rows."""
    X, y = sinc(m)
    for update in (LevenbergMarquardt(), Adam(0.01)):  # compiles the kernels, before any clock starts
        train(Network.initialize((1, 20, 20, 1), "tanh", seed=4), X, y, update, 3)
    start, last = Network.initialize((1, 20, 20, 1), "tanh", seed=4), {}
    curves = {"Levenberg–Marquardt": train(start, X, y, LevenbergMarquardt(), steps[0]),
              "Adam": train(start, X, y, Adam(rates.cosine(0.01, steps=steps[1])), steps[1])}
    for name, (errors, seconds, _) in curves.items():
        last[name] = errors[-1]
        print(f"sinc          {name:19} error {errors[-1]:.1e} after {len(errors)} steps, {seconds[-1]:.1f} s", flush=True)
    if picture:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        for name, (errors, seconds, _) in curves.items():
            axes.loglog(seconds, errors, label=name)
        axes.set(xlabel="seconds", ylabel="mean squared error", title="sin(10x)/10x by 1-20-20-1")
        axes.legend()
        figure.savefig(picture, dpi=150)
    chosen = problems()
    return last, [row for name in names for row in compare(name, *chosen[name])]


if __name__ == "__main__":
    main()
