"""CVaR of the whole data set against CVaR of minibatches: the second is biased, whatever the number of batches.

    python examples/minibatch_bias.py        # writes docs/minibatch_bias.png
"""

import pathlib

import numpy as np

from engine import Cost, Network, reductions, value_and_gradient

WIDTHS, SAMPLES, ALPHA = (2, 20, 20, 1), 32768, 0.05
PICTURE = pathlib.Path(__file__).parents[1] / "docs" / "minibatch_bias.png"


def problem(samples=SAMPLES):
    """A network and data with a few bad outliers."""
    generator = np.random.default_rng(0)
    X = generator.uniform(-1, 1, (samples, 2))
    noise = generator.standard_t(3, (samples, 1))
    return Network.initialize(WIDTHS, "tanh", seed=0), X, np.sin(3 * X[:, :1]) * X[:, 1:] + 0.1 * noise


def over_minibatches(network, X, y, cost, size):
    """The mean over all batches of so many samples of φ and of its gradient."""
    found = [value_and_gradient(network, X[first:first + size], y[first:first + size], cost) for first in range(0, len(X), size)]
    values, gradients = zip(*found)
    return float(np.mean(values)), np.mean(gradients, axis=0)


def main(samples=SAMPLES, sizes=(8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096), picture=PICTURE):
    """Rows (batch size, mean of φ / φ, |mean gradient − D_θ C| / |D_θ C|), for CVaR and the mean."""
    network, X, y = problem(samples)
    rows = {}
    for name, reduction in (("cvar", reductions.cvar(ALPHA)), ("mean", reductions.mean)):
        cost = Cost("squared_error", reduction)
        exact, gradient = value_and_gradient(network, X, y, cost, max_bytes=1 << 22)
        rows[name] = []
        for size in sizes:
            value, mean = over_minibatches(network, X, y, cost, size)
            rows[name].append((size, value / exact, float(np.linalg.norm(mean - gradient) / np.linalg.norm(gradient))))
    if picture is not None:
        draw(rows, picture)
    return rows


def draw(rows, picture):
    """φ over minibatches against their size, and how far its gradient is off."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, style in (("cvar", "o-"), ("mean", "s--")):
        sizes, ratios, distances = zip(*rows[name])
        label = f"CVaR, α = {ALPHA}" if name == "cvar" else "mean"
        left.semilogx(sizes, ratios, style, label=label, base=2)
        right.semilogx(sizes, distances, style, label=label, base=2)
    left.axhline(1, color="0.6", linewidth=0.8)
    left.set(xlabel="samples in a minibatch", ylabel="mean of φ over minibatches / φ", title="The cost")
    right.set(xlabel="samples in a minibatch", ylabel="|mean gradient − D_θ C| / |D_θ C|", title="The gradient")
    left.legend()
    figure.savefig(picture, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    for name, table in main().items():
        for size, ratio, distance in table:
            print(f"{name:5} {size:5} samples a batch: {ratio:6.3f} of φ, gradient {distance:6.3f} off")
