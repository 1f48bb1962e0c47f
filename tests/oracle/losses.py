"""Losses in NumPy, one sample at a time: L(u, y). Imports nothing of ours.

They take complex outputs too, so that `differences` can have their derivatives.
"""

import numpy as np

from . import differences


def absolute(x):
    """|x|, with the sign of the real part."""
    return np.where(np.real(x) < 0, -x, x)


def log_sum_exp(u):
    top = np.real(u).max()
    return top + np.log(np.exp(u - top).sum())


def softmax_cross_entropy(u, y):
    return log_sum_exp(u) - u[int(y)] if np.ndim(y) == 0 else y.sum() * log_sum_exp(u) - y @ u


def gaussian_nll(u, y):
    mean, s = np.split(u, 2)
    return 0.5 * (s + (y - mean)**2 * np.exp(-s)).sum()


def quantile_loss(u, y, q=0.5):
    d = y - u
    return np.where(np.real(d) > 0, q * d, (q - 1) * d).sum()


def weighted_cross_entropy(u, y, smoothing, weights):
    y = np.eye(len(u))[int(y)] if np.ndim(y) == 0 else y
    t = weights * ((1 - smoothing) * y + smoothing / len(u))
    return t.sum() * log_sum_exp(u) - t @ u


def weighted_binary_cross_entropy(u, y, w):
    return (w * y * np.log(1 + np.exp(-u)) + (1 - y) * np.log(1 + np.exp(u))).sum()


FORMS = {
    "squared_error": lambda u, y: 0.5 * ((u - y)**2).sum(),
    "absolute_error": lambda u, y: absolute(u - y).sum(),
    "huber": lambda u, y: np.where(abs(np.real(u - y)) <= 1, (u - y)**2 / 2, absolute(u - y) - 0.5).sum(),
    "log_cosh": lambda u, y: np.log(np.cosh(u - y)).sum(),
    "softmax_cross_entropy": softmax_cross_entropy,
    "binary_cross_entropy": lambda u, y: (np.log(1 + np.exp(u)) - y * u).sum(),
    "poisson": lambda u, y: (np.exp(u) - y * u).sum(),
    "hinge": lambda u, y: np.where(np.real(y * u) < 1, 1 - y * u, 0).sum(),
    "cosine": lambda u, y: 1 - u @ y / np.sqrt((u @ u) * (y @ y)),
    "gaussian_nll": gaussian_nll,
    "quantile_loss": quantile_loss,
}


def derivatives(name, A, y):
    """∇L [m, n] and ∇²L [m, n, n] of the loss `name` at A [m, n] and y, from its values alone."""
    form = name if callable(name) else FORMS[name.removesuffix(" on probabilities")]
    samples = [(lambda u, t=t: form(u, t), u) for u, t in zip(A, y)]
    return (np.array([differences.gradient(function, u) for function, u in samples], float),
            np.array([differences.hessian(function, u) for function, u in samples], float))


def second_derivative(gradient, A, y, h=1e-6):
    """∂gradient/∂A [m, n, n] by central differences of gradient(A, y) [m, n]."""
    columns = [(gradient(A + h * e, y) - gradient(A - h * e, y)) / (2 * h) for e in np.eye(A.shape[1])]
    return np.stack(columns, axis=2)
