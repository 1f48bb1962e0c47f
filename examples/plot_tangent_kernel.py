"""
The tangent kernel and the linearised regime, against width
===========================================================

How far does a network train like its linearisation about the start? Gradient descent on the linearised network is solved in
closed form by the tangent kernel K = J Jᵀ: after t steps

    f = f₀ + K(x, X) K⁻¹ (I − (I − η K)ᵗ) (y − f₀).

Jacot, Gabriel & Hongler (2018) showed that the wider a network is, the closer the two are. Here both run for networks of width 8
to 512 on twelve samples of a sine.

**What is to be seen**: the predictions of a narrow network part from those of its linearisation, those of a wide one lie on top of
them, and the difference falls at least as fast as 1 / √width.
"""

import matplotlib.pyplot as plt
import numpy as np

from engine import Cost, GradientDescent, Network, fit
from schedulers import BatchSchedule

WIDTHS = (8, 32, 128, 512)
EPOCHS = 200
SEEDS = (3, 4, 5)

X, X_new = np.linspace(-1, 1, 12)[:, None], np.linspace(-1, 1, 60)[:, None]
y = np.sin(3 * X)

# %%
# Both descents
# -------------
# ``network.jacobian(X).gram()`` is K. The rate is 1 over its largest eigenvalue, so that the same number of steps goes equally
# far at every width.


def both(width, seed):
    """Predictions at X_new of the trained network and of its trained linearisation, and K's largest eigenvalue."""
    network = Network.initialize((1, width, width, 1), "tanh", seed=seed, scheme="lecun")
    J = network.jacobian(X)
    eigenvalues, vectors = np.linalg.eigh(J.gram())
    rate = 1 / eigenvalues[-1]
    share = -np.expm1(EPOCHS * np.log1p(-np.clip(rate * eigenvalues, 0, 1 - 1e-12))) / np.maximum(eigenvalues, 1e-9)
    residual = vectors @ (share * (vectors.T @ (y - network(X)).ravel()))
    linearised = network(X_new).ravel() + network.jacobian(X_new).gram(J) @ residual
    trained = fit(network, X, y, Cost("squared_error", "sum"), GradientDescent(rate), BatchSchedule(12, order="sequential"),
                  epochs=EPOCHS, progress=False).network
    return trained(X_new).ravel(), linearised, eigenvalues[-1]


results = {(width, seed): both(width, seed) for width in WIDTHS for seed in SEEDS}
differences = np.array([[np.sqrt(np.mean((results[width, seed][0] - results[width, seed][1]) ** 2)) for seed in SEEDS]
                        for width in WIDTHS])
print("width   largest eigenvalue / width   difference of predictions")
for width, row in zip(WIDTHS, differences):
    print(f"{width:5} {results[width, SEEDS[0]][2] / width:28.3g} {row.mean():27.3g}")

# %%
# The picture
# -----------
# The narrowest and the widest network beside their linearisations, of the start where they differ most; and the difference, each
# start a point.

figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for ax, width in zip(axes, (WIDTHS[0], WIDTHS[-1])):
    trained, linearised, _ = results[width, SEEDS[int(differences[WIDTHS.index(width)].argmax())]]
    ax.plot(X_new, trained, label="network, trained")
    ax.plot(X_new, linearised, "--", label="linearised, trained")
    ax.plot(X, y, "k.", label="samples")
    ax.set(title=f"width {width}", xlabel="x", ylabel="f(x)")
axes[0].legend()
axes[2].loglog(WIDTHS, differences, "o", color="tab:blue", alpha=0.5)
axes[2].loglog(WIDTHS, differences.mean(1), color="tab:blue", label="network against linearised")
axes[2].loglog(WIDTHS, differences.mean(1)[0] * np.sqrt(WIDTHS[0] / np.array(WIDTHS)), "--", color="0.6", label="1 / √width")
axes[2].set(title="difference of predictions", xlabel="width", ylabel="root mean square")
axes[2].legend()
plt.show()
