"""Updates in NumPy: from θ, a list of gradients (functions of θ) and settings to θ. Imports nothing of ours."""

import numpy as np


def gradient_descent(theta, gradient, steps, rate=0.1, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = np.zeros_like(theta)
    for _ in range(steps):
        G = gradient(theta) + weight_decay * theta
        v = momentum * v + G
        theta = theta - rate * (G + momentum * v if nesterov else v)
    return theta


def adam(theta, gradient, steps, rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0, decoupled=False):
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, steps + 1):
        G = gradient(theta)
        if decoupled:
            theta = theta - rate * weight_decay * theta
        else:
            G = G + weight_decay * theta
        m, v = beta_1 * m + (1 - beta_1) * G, beta_2 * v + (1 - beta_2) * G**2
        theta = theta - rate * (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return theta


def rmsprop(theta, gradient, steps, rate=1e-2, decay=0.99, epsilon=1e-8, momentum=0.0, weight_decay=0.0):
    v, u = np.zeros_like(theta), np.zeros_like(theta)
    for _ in range(steps):
        G = gradient(theta) + weight_decay * theta
        v = decay * v + (1 - decay) * G**2
        u = momentum * u + G / (np.sqrt(v) + epsilon)
        theta = theta - rate * u
    return theta
