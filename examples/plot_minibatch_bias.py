"""
CVaR of minibatches is not CVaR of the data
===========================================

Packages for robust learning apply CVaR and its kin to each minibatch. The mean over minibatches of a nonlinear φ is another
function than φ of the data set: of a batch of 16 samples the worst 5 % is less than one sample, so that its CVaR is its largest
loss, which in most batches is not among the worst 5 % by far. No number of batches averages that away, and the gradient is biased
too.

**What is to be seen**: CVaR over small minibatches is far too small and its gradient points elsewhere; the mean has no such bias.

With ``max_bytes=`` the exact φ of all samples costs no more memory than minibatches do, and that is what they are compared with.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Cost, Network, reductions, value_and_gradient

SAMPLES = 32768
SIZES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
ALPHA = 0.05

generator = np.random.default_rng(0)
X = generator.uniform(-1, 1, (SAMPLES, 2))
y = np.sin(3 * X[:, :1]) * X[:, 1:] + 0.1 * generator.standard_t(3, (SAMPLES, 1))
network = Network.initialize((2, 20, 20, 1), "tanh", seed=0)

# %%
# φ and its gradient, over minibatches and of everything
# ------------------------------------------------------


def over_minibatches(cost, size):
    """The mean over all batches of so many samples of φ and of its gradient."""
    found = [value_and_gradient(network, X[first:first + size], y[first:first + size], cost) for first in range(0, SAMPLES, size)]
    values, gradients = zip(*found)
    return float(np.mean(values)), np.mean(gradients, axis=0)


rows = {}
for name, reduction in (("cvar", reductions.cvar(ALPHA)), ("mean", reductions.mean)):
    cost = Cost("squared_error", reduction)
    exact, gradient = value_and_gradient(network, X, y, cost, max_bytes=1 << 22)
    rows[name] = []
    for size in SIZES:
        value, mean = over_minibatches(cost, size)
        rows[name].append((size, value / exact, float(np.linalg.norm(mean - gradient) / np.linalg.norm(gradient))))
        print(f"{name:5} {size:5} samples a batch: {rows[name][-1][1]:6.3f} of φ, gradient {rows[name][-1][2]:6.3f} off")

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, style in (("cvar", "o-"), ("mean", "s--")):
    sizes, ratios, distances = zip(*rows[name])
    label = f"CVaR, α = {ALPHA}" if name == "cvar" else "mean"
    left.semilogx(sizes, ratios, style, label=label, base=2)
    right.semilogx(sizes, distances, style, label=label, base=2)
left.axhline(1, color="0.6", linewidth=0.8)
left.set(xlabel="samples in a minibatch", ylabel="mean of φ over minibatches / φ", title="The cost")
right.set(xlabel="samples in a minibatch", ylabel="|mean gradient − D_θ C| / |D_θ C|", title="The gradient")
left.legend()
plt.show()
