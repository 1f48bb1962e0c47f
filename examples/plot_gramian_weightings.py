"""
Weightings from the Gramian of per-sample gradients
===================================================

A step along the mean gradient lowers the mean loss; the losses of single samples may well rise. Jacobian descent (Quinton & Rey
2024) looks for a direction along which none of them does. With the rows ∇_θ L_k of G = D_θ φ̃ it takes Gᵀ w, where the weights w
depend on the Gramian G Gᵀ alone. ``operators.LossJacobian`` gives both without forming a row of G: ``gram()`` is [m, m], and
``G.T @ w`` is one pass back.

What turns the Gramian into weights is a *weighting*. Two of them follow in a few lines, by non-negative least squares: the convex
combination of least norm (Désidéri 2012, MGDA) and UPGrad, the mean of the rows' projections on the cone where no loss rises.
TorchJD has many more, and takes any Gramian (``pip install "torchjd[quadprog_projector]"``)::

    w = UPGradWeighting()(torch.from_numpy(G.gram())).numpy()

**What is to be seen**: the mean gradient raises the loss of some samples for long; the other two lower, to first order, every loss
at every step, and the rare class is learnt sooner. Where TorchJD is installed, its weights, applied here, in JAX, which forms the
rows, and in torch by TorchJD's own engine, lead to the same parameters.
"""

import importlib.util

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import nnls

from engine import Cost, Network
from engine.operators import LossJacobian

STEPS = 150
COMPARED = 10
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


def upgrad(gramian, added=0.0):
    """The mean of the rows' projections on the cone where no loss rises; a number added to the diagonal allows for a little."""
    m = len(gramian)
    F = root(gramian / np.trace(gramian) + added * np.eye(m))
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
# TorchJD's weights
# -----------------
# Its UPGrad adds 1e-4 to the diagonal of a Gramian of trace 1; with that the weights are the same.

start = Network.initialize((2, 24, 2), "tanh", seed=0)
theirs, differences, apart = None, {}, {}
if importlib.util.find_spec("torchjd") is None:
    print("TorchJD is not installed, so that nothing is compared with it")
else:
    import torch
    from torchjd.aggregation import MGDAWeighting, UPGradWeighting
    from torchjd.autogram import Engine

    from engine.interop.torch import to_torch

    theirs = MGDAWeighting()
    if importlib.util.find_spec("quadprog"):  # which its UPGrad solves by
        theirs = UPGradWeighting()
        gramian = LossJacobian(start, X, y, cost).gram()
        ours, others = upgrad(gramian, added=1e-4), theirs(torch.from_numpy(gramian)).numpy()
        differences["UPGrad"] = np.abs(ours - others).max() / np.abs(ours).max()
        print(f"weights {differences['UPGrad']:.1e} apart from TorchJD's")

# %%
# Applied in torch and in JAX
# ---------------------------
# Each takes a few steps with what TorchJD makes of its own Gramian.


def steps_here():
    """G.T @ w."""
    network = start
    for _ in range(COMPARED):
        G = LossJacobian(network, X, y, cost)
        w = theirs(torch.from_numpy(G.gram())).numpy()
        network = network.replace(network.parameters - RATE * (G.T @ w))
    return network.parameters


def steps_in_torch():
    """losses.backward(w)."""
    model, inputs, classes = to_torch(start), torch.from_numpy(X), torch.from_numpy(y)
    gramians = Engine(model, batch_dim=0)
    for _ in range(COMPARED):
        losses = torch.nn.functional.cross_entropy(model(inputs), classes, reduction="none")
        model.zero_grad()
        losses.backward(theirs(gramians.compute_gramian(losses)))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= RATE * parameter.grad
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()


def steps_in_jax():
    """The rows [m, P] of vmap and grad."""
    def loss(params, x, k):
        (W, b), (U, d) = params
        return -jax.nn.log_softmax(U @ jnp.tanh(W @ x + b) + d)[k]

    gradients = jax.jit(jax.vmap(jax.grad(loss), (None, 0, 0)))
    params = jax.tree.map(jnp.asarray, start.unflatten(start.parameters))
    for _ in range(COMPARED):
        each = gradients(params, X, y)
        rows = jnp.concatenate([part.reshape(len(X), -1) for part in jax.tree.leaves(each)], axis=1)
        w = theirs(torch.from_numpy(np.array(rows @ rows.T))).numpy()
        params = jax.tree.map(lambda part, g, w=w: part - RATE * jnp.tensordot(w, g, 1), params, each)
    return np.concatenate([np.ravel(part) for part in jax.tree.leaves(params)])


if theirs is not None:
    others = {"torch": steps_in_torch}
    if importlib.util.find_spec("jax"):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        others["JAX"] = steps_in_jax
    moved = steps_here()
    for library, steps in others.items():
        apart[library] = np.linalg.norm(steps() - moved) / np.linalg.norm(moved - start.parameters)
        print(f"{COMPARED} steps with {type(theirs).__name__}: {apart[library]:.1e} of the way apart from those in {library}")

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
