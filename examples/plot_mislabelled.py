"""
Mislabelled digits, found by the norms of their gradients
=========================================================

A sample whose label contradicts its neighbours pulls at the parameters long after the others have stopped: its own gradient is
large (Paul, Ganguli & Dziugaite 2021 call its norm, early in training, GraNd). Here one in twenty labels of scikit-learn's
handwritten digits is replaced by another, a network is trained for a few epochs on all of them, and samples are ranked by the
norm of their own gradient, ‖∇_θ L_k‖, which ``per_sample_gradient_norms`` computes for all samples without forming a single
gradient.

**What is to be seen**: among the samples of largest norm, as many as were mislabelled, about nine of ten are mislabelled, where
chance would find one in twenty.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from engine import Adam, Cost, Network, fit, per_sample_gradient_norms
from schedulers import BatchSchedule

EPOCHS = 8
SHARE = 0.05

generator = np.random.default_rng(0)
images, truth = load_digits(return_X_y=True)
X = (images - images.mean(0)) / (images.std(0) + 1e-9)
wrong = generator.permutation(len(X))[:round(SHARE * len(X))]
labels = truth.copy()
labels[wrong] = (truth[wrong] + generator.integers(1, 10, len(wrong))) % 10

# %%
# Train on all of them, and rank
# ------------------------------

cost = Cost("softmax_cross_entropy")
start = Network.initialize((64, 32, 10), "tanh", seed=0)
network = fit(start, X, labels, cost, Adam(3e-3), BatchSchedule(32, seed=0), epochs=EPOCHS, progress=False).network
norms = per_sample_gradient_norms(network, X, labels, cost)
order = np.argsort(-norms)
mislabelled = labels != truth
found = np.cumsum(mislabelled[order])
precision = found[len(wrong) - 1] / len(wrong)
print(f"{len(wrong)} of {len(X)} labels are wrong; of the {len(wrong)} samples of largest norm {100 * precision:.0f} % are "
      f"mislabelled, chance {100 * SHARE:.0f} %")

# %%
# The picture
# -----------
# The norms of both kinds; how precision falls as more samples are looked at; and the sixteen samples of largest norm, each with
# its given label and, where that is wrong, the true one.

figure = plt.figure(figsize=(12, 4), layout="constrained")
left, middle, right = figure.subfigures(1, 3)
ax = left.subplots()
bins = np.geomspace(max(norms.min(), 1e-3), norms.max(), 40)
ax.hist(norms[~mislabelled], bins, label="right label", alpha=0.7)
ax.hist(norms[mislabelled], bins, label="wrong label", alpha=0.7)
ax.set(xscale="log", yscale="log", xlabel="norm of the sample's gradient", ylabel="samples")
ax.legend()
ax = middle.subplots()
looked = np.arange(1, 3 * len(wrong) + 1)
ax.plot(looked, found[:len(looked)] / looked, label="precision")
ax.plot(looked, found[:len(looked)] / len(wrong), label="share found")
ax.axvline(len(wrong), color="0.6", linewidth=0.8)
ax.axhline(SHARE, color="0.6", linestyle="--", linewidth=0.8)
ax.set(xlabel="samples looked at, from the largest norm", ylim=(0, 1.03), title=f"precision {precision:.2f} at {len(wrong)}")
ax.legend(loc="center right")
for k, ax in zip(order, right.subplots(4, 4).flat):
    ax.imshow(images[k].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{labels[k]}, is {truth[k]}" if mislabelled[k] else str(labels[k]), fontsize=8,
                 color="tab:red" if mislabelled[k] else "black")
    ax.axis("off")
plt.show()
