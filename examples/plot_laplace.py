"""
Laplace's approximation across a gap in the data
================================================

A fitted network says nothing about where it does not know. Laplace's approximation puts a normal distribution around the trained
parameters, of covariance (JᵀJ/σ² + τ I)⁻¹, and passes it through the linearised network (MacKay 1992; Immer, Korzepa & Bauer
2021).

Here a network is fitted to noisy samples of a sine with a gap in the middle.

**What is to be seen**: the band is narrow where there are samples and widens in the gap and outside; with the covariance of the
last layer alone it is narrower there.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Cost, LevenbergMarquardt, Network, fit, laplace
from schedulers import BatchSchedule

NOISE, PRECISION = 0.15, 0.1

generator = np.random.default_rng(1)
X = np.sort(np.concatenate([generator.uniform(-3, -1, 40), generator.uniform(1, 3, 40)]))[:, None]
y = np.sin(1.5 * X) + NOISE * generator.standard_normal(X.shape)
X_new = np.linspace(-4.5, 4.5, 300)[:, None]

# %%
# Fit, then the posterior
# -----------------------
# With the reduction "sum" the squared error is the negative log likelihood of noise of variance 1; dividing by σ makes it that of
# variance σ². ``prior_precision`` is τ.

cost = Cost("squared_error", "sum")
start = Network.initialize((1, 16, 1), "tanh", seed=0)
network = fit(start, X, y / NOISE, cost, LevenbergMarquardt(damping=1.0), BatchSchedule(len(X)), epochs=30, progress=False).network
bands = {}
for name, last_layer in (("all layers", False), ("the last layer alone", True)):
    posterior = laplace(network, X, y / NOISE, cost, prior_precision=PRECISION, last_layer=last_layer)
    mean, covariance = posterior.predict(X_new)
    bands[name] = NOISE * mean.ravel(), NOISE * np.sqrt(covariance[:, 0, 0])
inside, gap = (np.abs(X_new.ravel()) > 1.2) & (np.abs(X_new.ravel()) < 2.8), np.abs(X_new.ravel()) < 0.5
for name, (_, deviation) in bands.items():
    print(f"{name:21} standard deviation {deviation[inside].mean():.3f} among the samples, {deviation[gap].mean():.3f} in the gap")

# %%
# The picture
# -----------

figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for ax, (name, (mean, deviation)) in zip(axes, bands.items()):
    ax.fill_between(X_new.ravel(), mean - 2 * deviation, mean + 2 * deviation, alpha=0.25, linewidth=0,
                    label="± 2 standard deviations")
    ax.plot(X_new, mean, label="network")
    ax.plot(X_new, np.sin(1.5 * X_new), "--", color="0.5", label="truth")
    ax.plot(X, y, "k.", markersize=4, label="samples")
    ax.set(xlabel="x", title=f"uncertain: {name}", ylim=(-4, 4))
axes[0].set_ylabel("y")
axes[0].legend(loc="lower left")
plt.show()
