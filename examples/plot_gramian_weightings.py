"""
Weightings from the Gramian of per-sample gradients
===================================================

A step along the mean gradient lowers the mean loss; the losses of single samples may well rise. Jacobian descent (Quinton & Rey
2024) looks for a direction along which none of them does. With the rows ∇_θ L_k of G = D_θ φ̃ it takes Gᵀ w, where the weights w
depend on the Gramian G Gᵀ alone. ``operators.LossJacobian`` gives both without forming a row of G: ``gram()`` is [m, m], and
``G.T @ w`` is one pass back.

What turns the Gramian into weights is a *weighting* of TorchJD, where that is installed (``pip install torchjd quadprog``)::

    from torchjd.aggregation import UPGradWeighting
    w = UPGradWeighting()(torch.from_numpy(G.gram())).numpy()

or here, in a few lines, two of them by non-negative least squares: the convex combination of least norm (Désidéri 2012, MGDA) and
UPGrad, the mean of the rows' projections on the cone where no loss rises.

The same in JAX, and in TorchJD's own engine, which differentiate by themselves::

    rows = jax.vmap(jax.grad(loss), (None, 0, 0))(theta, X, y)           # [m, P], formed
    theta = theta - rate * weighting(rows @ rows.T) @ rows

    losses = criterion(model(X), y)                                      # torch, reduction="none"
    w = UPGradWeighting()(torchjd.autogram.Engine(model, batch_dim=0).compute_gramian(losses))
    losses.backward(w)

**What is to be seen**: the mean gradient raises the loss of some samples for long; the other two lower, to first order, every loss
at every step, and the rare class is learnt sooner. Where TorchJD is installed, its weights give the same directions.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import nnls

from engine import Cost, Network
from engine.operators import LossJacobian

STEPS = 200
RATE = 0.3

# %%
# Weightings
# ----------
# With G Gᵀ = F Fᵀ, min ‖Fᵀ w‖² + (Σ w − 1)² over w ≥ 0 is the point of least norm but for a factor, and the projection of row k on
# the cone is min ‖Fᵀ (e_k + x)‖² over x ≥ 0.


def root(gramian):
    """Fᵀ [m, m]."""
    values, vectors = np.linalg.eigh(gramian)
    return np.sqrt(np.maximum(values, 0))[:, None] * vectors.T


def mean(gramian):
    """1/m each."""
    return np.full(len(gramian), 1 / len(gramian))


def least_norm(gramian):
    """The convex combination of least norm."""
    m, size = len(gramian), np.sqrt(np.trace(gramian) / len(gramian))
    w = nnls(np.vstack([root(gramian) / size, np.ones(m)]), np.append(np.zeros(m), 1), maxiter=100 * m)[0]
    return w / w.sum()


def upgrad(gramian):
    """The mean of the rows' projections on the cone where no loss rises."""
    F, m = root(gramian / np.trace(gramian)), len(gramian)
    return np.mean([np.eye(m)[k] + nnls(F, -F[:, k], maxiter=100 * m)[0] for k in range(m)], axis=0)


WEIGHTINGS = {"mean": mean, "least norm (MGDA)": least_norm, "UPGrad": upgrad}

# %%
# Descent
# -------
# Forty samples of one class around four of another.

generator = np.random.default_rng(0)
X = np.concatenate([generator.standard_normal((40, 2)), [0.6, 0.4] + 0.25 * generator.standard_normal((4, 2))])
y = np.repeat([0, 1], [40, 4])
cost = Cost("softmax_cross_entropy")


def descend(weighting):
    """Losses [STEPS, m], and the least and mean of the first-order changes −(G Gᵀ w)_k at each step."""
    network = Network.initialize((2, 24, 2), "tanh", seed=0)
    losses, rising = [], []
    for _ in range(STEPS):
        G = LossJacobian(network, X, y, cost)
        gramian = G.gram()
        w = weighting(gramian)
        losses.append(G.losses)
        rising.append(np.sum(gramian @ w < -1e-9 * np.trace(gramian) / len(X)))
        network = network.replace(network.parameters - RATE * (G.T @ w))
    return np.array(losses), np.array(rising)


runs = {name: descend(weighting) for name, weighting in WEIGHTINGS.items()}
for name, (losses, rising) in runs.items():
    print(f"{name:18} losses that rise, at most {rising.max():2}, in {np.mean(rising > 0):4.0%} of the steps; at the end mean "
          f"{losses[-1].mean():.3f}, rare class {losses[-1, 40:].mean():.3f}")

# %%
# Beside TorchJD
# --------------

differences = {}
if importlib.util.find_spec("torchjd") is None:
    print("TorchJD is not installed, so its weightings are not compared; pip install torchjd quadprog")
else:
    import torch
    from torchjd.aggregation import MGDAWeighting, UPGradWeighting

    theirs = {"least norm (MGDA)": MGDAWeighting(1e-6, 10000)}
    if importlib.util.find_spec("quadprog"):  # which its UPGrad solves by
        theirs["UPGrad"] = UPGradWeighting()
    G = LossJacobian(Network.initialize((2, 24, 2), "tanh", seed=0), X, y, cost)
    gramian = G.gram()
    for name, weighting in theirs.items():
        ours, others = (G.T @ w for w in (WEIGHTINGS[name](gramian), weighting(torch.from_numpy(gramian)).numpy()))
        differences[name] = np.linalg.norm(ours - others) / np.linalg.norm(ours)
        print(f"{name}: directions {differences[name]:.1e} apart from TorchJD's")

# %%
# The picture
# -----------

figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
for name, (losses, rising) in runs.items():
    axes[0].plot(losses.mean(1), label=name)
    axes[1].plot(losses[:, 40:].mean(1), label=name)
    axes[2].plot(rising, label=name)
for ax, title in zip(axes, ("mean loss", "mean loss of the rare class", "losses that rise to first order")):
    ax.set(title=title, xlabel="step")
axes[0].legend()
plt.show()
