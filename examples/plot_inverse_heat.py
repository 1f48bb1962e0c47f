"""
How fast does heat flow?
========================

∂u/∂t = κ ∂²u/∂x² in a rod, κ unknown, and 60 thermometer readings at random places and times, with noise of 0.01. κ is fitted along
with the network: it is an unknown of the equation's residual, beside θ, and has a standard error from the same Gauss–Newton matrix.

**What is to be seen**: κ comes out within its standard error of the truth, and the network fills in the temperature between the
readings.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import LevenbergMarquardt, Network, Residual, collocation, fit, standard_errors
from schedulers import BatchSchedule

KAPPA, NOISE = 0.3, 0.01
STEPS = 150


def temperature(x):
    return np.exp(-KAPPA * np.pi**2 * x[:, 1]) * np.sin(np.pi * x[:, 0])


# %%
# The equation with an unknown, and the readings
# ----------------------------------------------
# A residual is given what depends on x alone as it likes: here each reading is found by its place and time.

generator = np.random.default_rng(0)
places = generator.uniform(size=(60, 2))
readings = dict(zip(map(tuple, places), temperature(places) + NOISE * generator.standard_normal(60)))

heat = Residual(lambda x, u, p: u.d(1) - p["kappa"] * u.d(0, 0), unknowns={"kappa": 1.0})
data = Residual(lambda x, u: u.value - np.array([readings[tuple(point)] for point in x]))
X, y, cost = collocation((generator.uniform(size=(400, 2)), heat, 1.0), (places, data, 100.0))

# %%
# One fit of everything
# ---------------------

start = Network.initialize((2, 20, 1), "tanh", seed=0)
history = []
run = fit(start, X, y, cost, LevenbergMarquardt(), BatchSchedule(len(X), order="sequential"), epochs=STEPS, progress=False,
          callbacks=[lambda row, network: history.append(network.unknowns["kappa"])])
kappa, error = run.network.unknowns["kappa"], standard_errors(run.network, X, y, cost)["kappa"]
print(f"kappa = {kappa:.4f} ± {error:.4f}, in truth {KAPPA}")

# %%
# The picture
# -----------

ticks = np.linspace(0, 1, 81)
grid = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
found = run.network(grid)[:, 0]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for ax, values, title in ((left, found, "temperature, and readings"), (middle, found - temperature(grid), "its error")):
    image = ax.imshow(values.reshape(81, 81), origin="lower", extent=(0, 1, 0, 1))
    figure.colorbar(image, ax=ax)
    ax.set(title=title, xlabel="x", ylabel="t")
left.plot(*places.T, "w.", ms=3)
right.plot(history)
right.axhspan(kappa - error, kappa + error, alpha=0.3)
right.axhline(KAPPA, color="k", lw=1)
right.set(xlabel="steps", ylabel="κ", title="the unknown, its error, the truth")
plt.show()
