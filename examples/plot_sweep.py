"""
A sweep with its heat map
=========================

Which rate, and which width? A sweep runs a function at each setting, several at a time, and keeps what it returns. Here a network
learns scikit-learn's handwritten digits at five rates and three widths, each from two seeds.

**What is to be seen**: the rate decides. Too small, and 10 epochs do not suffice; too large, and training diverges or wanders;
width matters less.

``python examples/sweep.py digits.sqlite`` does the same with a store: killed at any moment, it goes on where it stopped.
"""

import functools

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from engine import Cost, GradientDescent, Network, fit, plot
from schedulers import BatchSchedule, sweep

EPOCHS = 10
GRID = {"width": [8, 16, 32], "rate": [0.001, 0.01, 0.1, 0.3, 3.0], "seed": [0, 1]}

images, classes = load_digits(return_X_y=True)
X = (images - images.mean(0)) / (images.std(0) + 1e-9)
data = train_test_split(X, classes, test_size=0.25, random_state=0, stratify=classes)


# %%
# One run, and the sweep
# ----------------------
# A run is a plain function of its settings that returns a dict. A run that raises, as `fit` does when the cost is no longer
# finite, leaves its traceback in its row, and the sweep goes on.

def run(data, epochs, width, rate, seed):
    """The share of right answers on the samples left out."""
    X, X_test, y, y_test = data
    network = Network.initialize((64, width, 10), "tanh", seed=seed)
    network = fit(network, X, y, Cost("softmax_cross_entropy"), GradientDescent(rate, momentum=0.9), BatchSchedule(32, seed=seed),
                  epochs=epochs, progress=False).network
    return {"accuracy": float((network(X_test).argmax(1) == y_test).mean())}


result = sweep(functools.partial(run, data, EPOCHS), GRID, executor="threads", progress=False)
best = result.best("accuracy", largest=True)
print(f"best of {len(result)} runs: {best['accuracy']:.3f} right, with width {best['width']} and rate {best['rate']}")

# %%
# The pictures
# ------------

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
plot.sweep(result, "accuracy", "rate", "width", left, largest=True)
plot.sweep(result, "accuracy", "rate", "width", right, kind="lines", largest=True)
left.set_title("mean over seeds, the best framed")
right.set_title("mean and spread over seeds")
plt.show()
