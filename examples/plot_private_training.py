"""
Private training, and what it costs in accuracy
===============================================

A classifier of scikit-learn's handwritten digits is trained by DP-SGD (Abadi et al. 2016): the gradient of every sample is clipped
to a length, noise is added to their sum, and Adam takes the step. More noise reveals less of any one image, a smaller ε, and costs
accuracy. ε is printed where the package dp-accounting is installed (``python -m pip install "gammachain[private]"``).

**What is to be seen**: the accuracy on held-out digits falls slowly as the noise grows, from 95 % at a noise of 1, where ε is 11,
to some 91 % at a noise of 4, where it is 1.5.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from engine import Adam, Cost, Network, Private, fit, per_sample_gradient_norms
from schedulers import BatchSchedule, orders

EPOCHS = 25
NOISE = (0.0, 0.7, 1.0, 1.5, 2.5, 4.0)
CLIP, PROBABILITY, DELTA = 1.0, 0.1, 1e-4

images, labels = load_digits(return_X_y=True)
X = images / 16 - 0.5
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:1500], order[1500:]

# %%
# One run for each amount of noise
# --------------------------------
# A batch takes each sample with the same probability, so that its size is random too: what the accountant needs.

cost = Cost("softmax_cross_entropy")
start = Network.initialize((64, 32, 10), "tanh", seed=0)
schedule = BatchSchedule(150, order=orders.poisson_sampling(PROBABILITY), seed=1)
accuracies, epsilons, histories = [], [], []
for noise in NOISE:
    update = Private(Adam(0.01), clip_norm=CLIP, noise_multiplier=noise, seed=2)
    result = fit(start, X[train], labels[train], cost, update, schedule, epochs=EPOCHS, progress=False)
    accuracies.append((result.network(X[test]).argmax(1) == labels[test]).mean())
    histories.append(result.history.columns()["cost"])
    if importlib.util.find_spec("dp_accounting"):
        epsilons.append(update.epsilon(schedule, len(train), epochs=EPOCHS, delta=DELTA))
    said = f", epsilon {epsilons[-1]:.2f} at delta {DELTA:g}" if epsilons else ""
    print(f"noise {noise:.1f}: {100 * accuracies[-1]:.1f} % of the held-out digits are right{said}")

# %%
# The picture
# -----------
# Accuracy against noise, the costs of the runs, and the norms that were clipped, at the first parameters.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
left.plot(NOISE, accuracies, "o-")
for noise, accuracy, epsilon in zip(NOISE, accuracies, epsilons):
    left.annotate(f"ε {epsilon:.1f}" if np.isfinite(epsilon) else "ε ∞", (noise, accuracy), (4, 4), textcoords="offset points")
left.set(xlabel="noise multiplier", ylabel="held-out accuracy")
for noise, costs in zip(NOISE, histories):
    middle.plot(costs, label=f"{noise:.1f}")
middle.set(xlabel="epoch", ylabel="cost of a batch")
middle.legend(title="noise")
right.hist(per_sample_gradient_norms(start, X[train], labels[train], cost), 40)
right.axvline(CLIP, color="tab:red", label="clipped to")
right.set(xlabel="norm of a sample's gradient", ylabel="samples")
right.legend()
plt.show()
