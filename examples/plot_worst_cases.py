"""
CVaR against the mean: who pays for a good average
==================================================

A cost is a reduction of the losses, and the mean is only one. The conditional value at risk, CVaR, is the mean of the worst share
α of the losses (Rockafellar & Uryasev 2000); log-sum-exp weighs bad losses up smoothly. Here the targets of eight percent of the
samples are 2 higher than those of the others, and nothing in the inputs tells which.

**What is to be seen**: trained on the mean, the network gives the minority up; trained on CVaR it stands between both groups, and
the worst losses are less than half as large. A larger mean is what that costs.

Each reduction sees all samples at once, so that its gradient is exact. Of minibatches CVaR is biased: see
:doc:`plot_minibatch_bias`.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Adam, Cost, Network, fit, reductions
from schedulers import BatchSchedule, rates

EPOCHS = 1000
SAMPLES, SHARE = 400, 0.08

generator = np.random.default_rng(0)
X = generator.uniform(-1, 1, (SAMPLES, 2))
minority = generator.permutation(SAMPLES) < SHARE * SAMPLES
target = np.sin(2 * X[:, 0]) * X[:, 1] + 2 * minority
y = (target + 0.05 * generator.standard_normal(SAMPLES))[:, None]

# %%
# The same start, three reductions
# --------------------------------

start = Network.initialize((2, 8, 1), "tanh", seed=1)
costs = {"mean": reductions.mean, "CVaR, α = 0.1": reductions.cvar(0.1), "log-sum-exp, t = 5": reductions.log_sum_exp(5.0)}
losses = {}
print("trained on            mean loss   worst tenth   largest")
for name, reduction in costs.items():
    network = fit(start, X, y, Cost("squared_error", reduction), Adam(rates.cosine(0.03, steps=EPOCHS)), BatchSchedule(SAMPLES),
                  epochs=EPOCHS, progress=False).network
    losses[name] = Cost("squared_error").losses(network(X), y)
    print(f"{name:20} {losses[name].mean():10.4f} {reductions.cvar(0.1).value(losses[name]):13.4f} {losses[name].max():9.4f}")

# %%
# The picture
# -----------
# On the left all losses in order of size, on the right those of the minority and of the others on average.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for name, values in losses.items():
    left.semilogy(np.linspace(0, 100, SAMPLES), np.sort(values), label=name)
left.axvspan(90, 100, color="0.9", zorder=0)
left.set(xlabel="percent of samples with a smaller loss", ylabel="loss", title="losses in order (grey: the worst tenth)",
         ylim=(1e-4, 5))
left.legend()
places = np.arange(2)
for i, (name, values) in enumerate(losses.items()):
    right.bar(places + 0.27 * (i - 1), [values[~minority].mean(), values[minority].mean()], 0.25, label=name)
right.set_xticks(places, ["majority", "minority"])
right.set(ylabel="mean loss", title="who pays")
plt.show()
