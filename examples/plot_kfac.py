"""
KFAC against the exact Gauss–Newton matrix
==========================================

KFAC (Martens & Grosse 2015) replaces each layer's block of the Gauss–Newton matrix, a mean of Kronecker products Σ (Bᵀ H B) ⊗ (a
aᵀ), by one Kronecker product of two means. Here both are formed for networks small enough, on handwritten digits shrunk to 4 × 4.

**What is to be seen**: KFAC has the structure of the diagonal blocks, and nothing between layers. For a network of identity
activations under squared error its blocks equal the exact ones to rounding, as the theory has it. With tanh the first layer's
block is off by two fifths, and under cross entropy both are by two thirds. A damped step along KFAC's inverse is closer to the
exact one than the gradient is under squared error; under cross entropy, here, it is not.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import SymLogNorm
from sklearn.datasets import load_digits

from engine import Adam, Cost, Network, fit, operators, value_and_gradient
from schedulers import BatchSchedule

SAMPLES = 600
EPOCHS, DAMPING = 10, 1e-2

images, classes = load_digits(return_X_y=True)
X = images[:SAMPLES].reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)
X = (X - X.mean(0)) / (X.std(0) + 1e-9)
one_hot = np.eye(10)[classes[:SAMPLES]]


# %%
# Three networks
# --------------

def trained(activation, cost, y):
    """A network 16-8-10 after a few epochs."""
    start = Network.initialize((16, 8, 10), activation, seed=0)
    return fit(start, X, y, cost, Adam(1e-2), BatchSchedule(50, seed=0), epochs=EPOCHS, progress=False).network


def cosine(u, v):
    """Of the angle between two vectors."""
    return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))


cases = {"identity, squared error": ("identity", Cost("squared_error"), one_hot),
         "tanh, squared error": ("tanh", Cost("squared_error"), one_hot),
         "tanh, cross entropy": ("tanh", Cost("softmax_cross_entropy"), classes[:SAMPLES])}
errors, cosines = {}, {}
for name, (activation, cost, y) in cases.items():
    network = trained(activation, cost, y)
    exact, kfac = operators.ggn(network, X, y, cost), operators.kfac(network, X, y, cost)
    errors[name] = [float(np.linalg.norm(K - G) / np.linalg.norm(G)) for K, G in zip(kfac.blocks(), exact.blocks())]
    gradient = value_and_gradient(network, X, y, cost)[1]
    step = np.linalg.solve(exact.dense() + DAMPING * np.eye(network.size), gradient)
    cosines[name] = cosine(kfac.solve(gradient, damping=DAMPING), step), cosine(gradient, step)
    print(f"{name:24} blocks off by {', '.join(f'{error:.1e}' for error in errors[name])}; cosine to the exact step: "
          f"KFAC {cosines[name][0]:.3f}, gradient {cosines[name][1]:.3f}")

# %%
# The picture
# -----------
# Both matrices of the last network, on the same scale.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
G = exact.dense()
norm = SymLogNorm(1e-4 * np.abs(G).max(), vmin=-np.abs(G).max(), vmax=np.abs(G).max())
for ax, matrix, title in zip(axes, (G, kfac.dense()), ("exact Gauss–Newton matrix", "KFAC")):
    image = ax.imshow(matrix, cmap="RdBu_r", norm=norm)
    edge = network.slices(1)[1].stop
    ax.axhline(edge - 0.5, color="black", linewidth=0.6)
    ax.axvline(edge - 0.5, color="black", linewidth=0.6)
    ax.set(title=title, xticks=[edge / 2, (edge + network.size) / 2], yticks=[edge / 2, (edge + network.size) / 2])
    ax.set_xticklabels(["layer 1", "layer 2"])
    ax.set_yticklabels(["layer 1", "layer 2"], rotation=90, va="center")
figure.colorbar(image, ax=axes)
plt.show()
