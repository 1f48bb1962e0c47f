"""
A torch module, brought in and taken apart
==========================================

A dense network that was trained elsewhere is the same network here: ``from_torch`` reads the layers of a ``torch.nn.Sequential``,
and θ is what ``parameters_to_vector`` gives. From there on everything of this package is at hand: per-sample Jacobians, their
spectrum, the tangent kernel between classes, and the norms of the chains.

**What is to be seen**: outputs and Jacobian agree with torch's own to rounding; in the kernel of the trained network each class
is a block with little between the blocks, before training classes are less far apart.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from engine import operators, plot
from engine.interop.torch import from_torch

EPOCHS = 30
SHOWN = 150

torch.manual_seed(0)
torch.set_num_threads(1)
images, classes = load_digits(return_X_y=True)
X = (images - images.mean(0)) / (images.std(0) + 1e-9)

# %%
# Train in torch
# --------------

module = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16), torch.nn.Tanh(),
                             torch.nn.Linear(16, 10)).double()
untrained = from_torch(module)
inputs, targets = torch.from_numpy(X), torch.from_numpy(classes)
optimizer = torch.optim.Adam(module.parameters(), 0.02)
for _ in range(EPOCHS):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(module(inputs), targets).backward()
    optimizer.step()

# %%
# Bring it in
# -----------

network = from_torch(module)
print(network)
with torch.no_grad():
    outputs_apart = np.abs(network(X) - module(inputs).numpy()).max()
names = dict(module.named_parameters())
by_torch = torch.func.vmap(torch.func.jacrev(lambda p, x: torch.func.functional_call(module, p, x)), (None, 0))(names, inputs[:50])
by_torch = torch.cat([part.detach().reshape(50 * 10, -1) for part in by_torch.values()], 1).numpy()
J = network.jacobian(X[:50])
jacobian_apart = np.abs(J.dense() - by_torch).max() / np.abs(by_torch).max()
right = float((network(X).argmax(1) == classes).mean())
print(f"outputs {outputs_apart:.1e} and Jacobians {jacobian_apart:.1e} apart; {100 * right:.1f} % right")

# %%
# Take it apart
# -------------
# The cosines between samples' gradients, sorted by class, before and after training; the singular values of J; and the chains.

figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
contrast = {}
same = classes[:SHOWN, None] == classes[:SHOWN]
for ax, (name, one) in zip(axes[0], (("before training", untrained), ("trained", network))):
    kernel = operators.ntk(one, X[:SHOWN])
    plot.ntk(kernel, ax, groups=classes[:SHOWN], normalized=True)
    K = kernel.contracted()
    K = K / np.sqrt(np.outer(K.diagonal(), K.diagonal()))
    contrast[name] = K[same].mean() - K[~same].mean()
    ax.set_title(f"tangent kernel, {name}")
    plot.jacobian_spectrum(one.jacobian(X[:50]), axes[1, 0], label=name)
    plot.chain_norms(one.jacobian(X[:SHOWN]), axes[1, 1], label=name)
axes[1, 0].set_title("spectrum of J, 50 samples")
axes[1, 1].set_title("norms of the chains")
print(f"mean cosine within a class less that between classes: {contrast['before training']:.2f} before training, "
      f"{contrast['trained']:.2f} after")
plt.show()
