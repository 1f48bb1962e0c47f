"""A step of private training from the gradients of single samples, by eq. 9 in indices. Imports nothing of ours."""

import numpy as np

from . import index_sums
from .network import forward, split


def sample_gradients(theta, widths, names, X, loss_gradients):
    """∇_θ L_k [m, P] for ∇L [m, n]."""
    theta, X = np.asarray(theta, float), np.asarray(X, float)
    weights, _ = split(theta, widths)
    _, a, gamma = forward(theta, widths, names, X)
    rows = []
    for k, slope in enumerate(np.asarray(loss_gradients, float)):
        gammas, inputs, row = [layer[k] for layer in gamma], [layer[k] for layer in a], []
        for l in range(1, len(widths)):
            row += [np.tensordot(slope, index_sums.weight_derivative(weights, gammas, inputs, l), 1).ravel(),
                    slope @ index_sums.bias_derivative(weights, gammas, l)]
        rows.append(np.concatenate(row))
    return np.array(rows).reshape(len(X), theta.size)


def private_gradient(rows, clip_norm, noise, expected, trainable=None):
    """(Σ_k min(1, c / ‖g_k‖) g_k + noise) / expected, for g_k over the trainable numbers."""
    total = np.zeros(rows.shape[1])
    for row in rows:
        norm = np.sqrt((row[trainable] ** 2).sum() if trainable is not None else (row ** 2).sum())
        total += row * min(1.0, clip_norm / norm)
    return (total + noise) / expected


def philox(seed, step, size, dtype):
    """Standard normal noise of a step, as the update says that it draws it: Box & Muller's of whole numbers of 31 or 53 bits."""
    bits, even = np.random.Philox(key=seed, counter=[0, 0, step, 0]), size + size % 2
    if dtype == np.float32:
        whole = np.array([part for word in bits.random_raw(even // 2).tolist() for part in (word & 0xFFFFFFFF, word >> 32)]) >> 1
        unit = 2.0**-31
    else:
        whole, unit = bits.random_raw(even) >> np.uint64(11), 2.0**-53
    radii, angles = np.split(whole.astype(float) * unit, 2)
    radii = np.sqrt(-2 * np.log(radii + unit / 2))
    return np.concatenate([radii * np.cos(2 * np.pi * angles), radii * np.sin(2 * np.pi * angles)])[:size].astype(dtype)
