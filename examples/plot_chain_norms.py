"""
Vanishing and exploding chains, against initialisation
======================================================

The chain Bˡ = ∂aᴸ/∂bˡ carries gradients from the outputs back to layer l. In a deep network it is a product of many matrices, and
unless their variance is right it vanishes or explodes: for tanh Glorot & Bengio (2010) keep it with variance 2 / (n₍ₗ₋₁₎ + nₗ);
relu passes half of its inputs on, so that He et al. (2015) double the variance.

Here are networks of thirty layers of width 64 before any training, for both activations and three initialisations.

**What is to be seen**: with Glorot's variance relu's chain halves its square at every layer back, and is tens of thousands of
times smaller at the first layer; with He's it keeps its size. For tanh He's variance is too large, and the chain grows on the way
back.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Network, plot

DEPTH = 30
WIDTH = 64
SAMPLES = 100

X = np.random.default_rng(0).standard_normal((SAMPLES, WIDTH))

# %%
# ``network.jacobian(X).chain(l)`` is Bˡ of all samples; ``plot.chain_norms`` draws the norms at every layer, the median of the
# samples and a band around it.

figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
ratios = {}
for ax, activation in zip(axes, ("relu", "tanh")):
    for scheme in ("glorot", "he", "lecun"):
        network = Network.initialize((WIDTH,) * (DEPTH + 1), activation, seed=0, scheme=scheme)
        J = network.jacobian(X)
        plot.chain_norms(J, ax, label=scheme)
        first, last = (np.median(np.linalg.norm(J.chain(l), axis=(1, 2))) for l in (1, DEPTH))
        ratios[activation, scheme] = first / last
        print(f"{activation:5} {scheme:7} norm of the chain at layer 1 / at layer {DEPTH}: {ratios[activation, scheme]:.2g}")
    ax.set_title(activation)
plt.show()

# %%
# By theory relu halves the square of the norm in expectation at each of the layers between, where the variance is 1 / width:

expected = 0.5 ** ((DEPTH - 1) / 2)
print(f"√½ to the power {DEPTH - 1}: {expected:.2g}")
