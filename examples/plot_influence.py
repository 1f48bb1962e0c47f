"""
Influence functions against leave-one-out
=========================================

How would the cost on other samples change if training sample k had been left out? One could train again without it, m times. The
influence function answers to first order from the network as it is (Koh & Liang 2017): at a minimum the answer is (1/m) D_θ C*
(∇²C)⁻¹ ∇_θ L_k, one solve for all k.

Here both are done for a small network fitted to forty noisy samples, two of them outliers, each fit by Levenberg–Marquardt to
full precision. The other samples are four whose targets are off, as those are that one asks about.

**What is to be seen**: the points lie along the diagonal, and the outliers are among the most influential samples; where the
change is large the first order misses a part of it.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Cost, LevenbergMarquardt, Network, fit, influence_on_cost, operators, reductions
from schedulers import BatchSchedule

SAMPLES = 40

generator = np.random.default_rng(2)


def truth(x):
    """A step up and a step down."""
    return np.tanh(2 * x + 2) - np.tanh(2 * x - 2)


X = np.sort(generator.uniform(-2, 2, (SAMPLES, 1)), 0)
y = truth(X) + 0.1 * generator.standard_normal(X.shape)
outliers = [10, 30]
y[outliers] += [[0.6], [-0.6]]
X_test = np.array([[-1.2], [-0.4], [0.5], [1.4]])
y_test = truth(X_test) + [[0.3], [-0.3], [0.3], [0.3]]


# %%
# Train, and leave each sample out in turn
# ----------------------------------------
# A weight of 0 leaves a sample out; the weights of the others stay 1/m.

def trained(start, weights):
    """The minimum of Σ w_k L_k nearest to `start`."""
    return fit(start, X, y, Cost("squared_error", reductions.weighted(weights)), LevenbergMarquardt(), BatchSchedule(SAMPLES),
               epochs=200, progress=False).network


cost, even = Cost("squared_error"), np.full(SAMPLES, 1 / SAMPLES)
network = trained(Network((1, 2, 1), ("tanh", "identity"), [2.0, 2.0, 2.0, -2.0, 1.0, -1.0, 0.0]), even)
before = cost.value(network(X_test), y_test)
left_out = np.empty(SAMPLES)
for k in range(SAMPLES):
    weights = even.copy()
    weights[k] = 0
    left_out[k] = cost.value(trained(network, weights)(X_test), y_test) - before

# %%
# The influence function
# ----------------------
# It needs the curvature of the cost at the minimum: the Hessian, whose smallest eigenvalue is above 0 there.

hessian = operators.hessian(network, X, y, cost)
predicted = -influence_on_cost(network, X, y, cost, X_test, y_test, curvature=hessian, damping=0.0) / SAMPLES
correlation = np.corrcoef(predicted, left_out)[0, 1]
print(f"smallest eigenvalue of the Hessian {np.linalg.eigvalsh(hessian.dense())[0]:.1e}; correlation {correlation:.3f}")

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
line = np.linspace(-2, 2, 200)[:, None]
left.plot(line, truth(line), color="0.6", label="truth")
left.plot(line, network(line), label="network")
left.plot(X_test, y_test, "kx", label="other samples")
left.scatter(X, y, c=np.abs(left_out), cmap="OrRd", edgecolors="0.5", zorder=3, label="samples, by influence")
left.set(xlabel="x", ylabel="y")
left.legend()
ends = [min(predicted.min(), left_out.min()), max(predicted.max(), left_out.max())]
right.plot(ends, ends, color="0.6", linewidth=1)
right.plot(left_out, predicted, "o", alpha=0.6)
right.plot(left_out[outliers], predicted[outliers], "o", color="tab:red", label="the two outliers")
right.set(xlabel="change of the cost on other samples, without k", ylabel="as the influence function has it",
          title=f"correlation {correlation:.3f}")
right.legend()
plt.show()
