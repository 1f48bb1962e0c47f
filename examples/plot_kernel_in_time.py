"""
An ensemble trained by gradient flow, in closed form
====================================================

A wide network trains like its linearisation f(x) + J(x) δ, and gradient flow on the squared error of that is solved by the tangent
kernel K = J Jᵀ. ``operators.ntk_predict(..., time=t)`` gives what an ensemble of starts δ(0) ~ N(0, S²) predicts after a time t:
its mean f + K* K⁻¹ (I − e^{−K t}) (y − f), and its variance (Jacot et al. 2018; Lee et al. 2019). With the scale S of the NTK
parametrisation the entries of δ(0) have the size that entries of θ have at the start.

Times are those of dθ/dt = −∇C with C = ½ Σ (f − y)²: s steps of gradient descent at a rate η take the time η s.

**What is to be seen**: at time 0 the mean is the network as it is and the band is wide everywhere; slow eigenvectors of K, which
wiggle, are learnt last; at the end the band closes at the samples and stays open between them and beyond. Members that are drawn
and trained step by step lie in the band, and their mean and deviation are those of the formula.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Network
from engine.operators import ntk, ntk_predict, ntk_scale

WIDTH = 128
MEMBERS = 300
TIMES = [0.0, 0.1, 1.0, 10.0, np.inf]

network = Network.initialize((1, WIDTH, WIDTH, 1), "tanh", seed=1, scheme="lecun")
X = np.array([-0.9, -0.7, -0.6, 0.1, 0.25, 0.8])[:, None]
y = np.sin(4 * X)
X_new = np.linspace(-1.3, 1.3, 131)[:, None]
scale = ntk_scale(network, biases=0.1)

# %%
# In closed form
# --------------
# One decomposition of K serves all times.

means, variances = ntk_predict(network, X, y, X_new, time=TIMES, scale=scale)
deviations = np.sqrt(variances)
rates = np.linalg.eigvalsh(ntk(network, X, scale=scale).dense())[::-1]
print("rates of learning, the eigenvalues of K:", ", ".join(f"{rate:.3g}" for rate in rates))
print("time    mean deviation at the samples    everywhere")
at_samples = ntk_predict(network, X, y, X, time=TIMES, scale=scale)[1]
for time, here, everywhere in zip(TIMES, at_samples, deviations):
    print(f"{time:4g} {np.sqrt(here).mean():25.3f} {everywhere.mean():23.3f}")

# %%
# Member by member
# ----------------
# Each draws its own start δ(0) and follows the gradient in small steps. A step of δ by −η Jᵀe, e = J δ − (y − f), changes outputs
# by −η J* Jᵀe, so that kernels are all that is needed once the starts are drawn.

J, J_new = network.jacobian(X).dense() * scale, network.jacobian(X_new).dense() * scale
delta = np.random.default_rng(0).standard_normal((network.size, MEMBERS))
error, drawn = J @ delta - (y - network(X)), network(X_new) + J_new @ delta
K, K_new, rate = J @ J.T, J_new @ J.T, 0.1 / rates[0]
members = {}
for time, before in zip(TIMES[:-1], [0.0, *TIMES]):
    steps = int(np.ceil((time - before) / rate))
    for _ in range(steps):
        drawn, error = drawn - (time - before) / steps * (K_new @ error), error - (time - before) / steps * (K @ error)
    members[time] = drawn
apart = {time: (np.abs(drawn.mean(1) - mean[:, 0]).max() / deviation.max(),
                np.abs(drawn.std(1) / np.maximum(deviation[:, 0], 1e-2) - 1).max())
         for (time, drawn), mean, deviation in zip(members.items(), means, deviations)}
for time, (mean, deviation) in apart.items():
    print(f"time {time:4g}: mean of {MEMBERS} members within {mean:.2f} deviations, their deviation within {100 * deviation:.0f} %")

# %%
# The picture
# -----------

figure, axes = plt.subplots(1, len(TIMES), figsize=(15, 3.4), sharey=True, layout="constrained")
for ax, time, mean, deviation in zip(axes, TIMES, means[:, :, 0], deviations[:, :, 0]):
    if time in members:
        ax.plot(X_new, members[time][:, :8], color="0.7", linewidth=0.6)
    ax.fill_between(X_new[:, 0], mean - 2 * deviation, mean + 2 * deviation, alpha=0.25, label="mean ± 2 standard deviations")
    ax.plot(X_new, mean, label="mean")
    ax.plot(X, y, "k.", label="samples")
    ax.set(title="the end of training" if np.isinf(time) else f"time {time:g}", xlabel="x")
axes[0].set_ylabel("f(x)")
axes[-1].legend(loc="lower right", fontsize="small")
plt.show()
