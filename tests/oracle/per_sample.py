"""Gradients of single samples' losses by central differences. Imports nothing of ours."""

import numpy as np


def loss_gradients(losses, theta, h=1e-6):
    """∂L_k/∂θ [m, P] of losses(θ), m numbers."""
    steps = h * np.eye(theta.size)
    return np.stack([(np.array(losses(theta + e)) - np.array(losses(theta - e))) / (2 * h) for e in steps], 1)
