"""A network in plain NumPy. Imports nothing of ours."""

import numpy as np

from .activations import form


def split(theta, widths):
    """[W^1 …], [b^1 …] of θ."""
    weights, biases, at = [], [], 0
    for before, width in zip(widths, widths[1:]):
        weights.append(theta[at:at + width * before].reshape(width, before))
        at += width * before
        biases.append(theta[at:at + width])
        at += width
    return weights, biases


def forward(theta, widths, names, X):
    """z^1 …, a^0 …, γ^1 … of every sample, lists over layers."""
    weights, biases = split(theta, widths)
    z, a, gamma = [], [X], []
    for W, b, name in zip(weights, biases, names):
        z.append(a[-1] @ W.T + b)
        a.append(form(name)[0](z[-1]))
        gamma.append(form(name)[1](z[-1]))
    return z, a, gamma


def jacobian(theta, widths, names, X):
    """D_θ A [m n, P], by matrix products of D^l, sample by sample."""
    weights, _ = split(theta, widths)
    _, a, gamma = forward(theta, widths, names, X)
    rows = []
    for k in range(len(X)):
        parts = []
        for l in range(1, len(widths)):
            B = np.diag(gamma[-1][k])
            for above in range(len(widths) - 1, l, -1):
                B = B @ weights[above - 1] @ np.diag(gamma[above - 2][k])
            parts += [np.einsum("ip,q->ipq", B, a[l - 1][k]).reshape(widths[-1], -1), B]
        rows.append(np.hstack(parts))
    return np.vstack(rows) if rows else np.zeros((0, sum(n * (b + 1) for b, n in zip(widths, widths[1:]))))
