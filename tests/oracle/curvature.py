"""Curvature, literally: sums over samples of dense products, second derivatives by two tangents. Imports nothing of ours."""

import numpy as np
from scipy.special import expit, softmax

from . import network
from .activations import FORMS

# name: ∇L(u, y), ∇²L(u, y) of one sample
LOSSES = {
    "squared_error": (lambda u, y: u - y, lambda u, y: np.eye(len(u))),
    "absolute_error": (lambda u, y: np.sign(u - y), lambda u, y: np.zeros((len(u), len(u)))),
    "huber": (lambda u, y: np.clip(u - y, -1, 1), lambda u, y: np.diag((abs(u - y) <= 1) * 1.0)),
    "log_cosh": (lambda u, y: np.tanh(u - y), lambda u, y: np.diag(1 / np.cosh(u - y)**2)),
    "softmax_cross_entropy": (lambda u, y: softmax(u) - np.eye(len(u))[int(y)],
                              lambda u, y: np.diag(softmax(u)) - np.outer(softmax(u), softmax(u))),
    "binary_cross_entropy": (lambda u, y: expit(u) - y, lambda u, y: np.diag(expit(u) * expit(-u))),
    "poisson": (lambda u, y: np.exp(u) - y, lambda u, y: np.diag(np.exp(u))),
    "hinge": (lambda u, y: np.where(1 - y * u > 0, -y, 0), lambda u, y: np.zeros((len(u), len(u)))),
    "cosine": (lambda u, y: _cosine(u, y)[0], lambda u, y: _cosine(u, y)[1]),
}


def _cosine(u, y):
    s, y = np.sqrt(u @ u), y / np.sqrt(y @ y)
    first = (u @ y) * u / s**3 - y / s
    second = (np.outer(u, y) + np.outer(y, u) + (u @ y) * np.eye(len(u))) / s**3 - 3 * (u @ y) * np.outer(u, u) / s**5
    return first, second


def losses(name, A, y):
    """∇L [m, n] and ∇²L [m, n, n]."""
    first, second = LOSSES[name]
    return np.array([first(u, t) for u, t in zip(A, y)]), np.array([second(u, t) for u, t in zip(A, y)])


def reduction_hessian(name, parameter, L):
    """∇²φ [m, m]."""
    m = len(L)
    if name == "log_sum_exp":
        w = softmax(parameter * L)
        return parameter * (np.diag(w) - np.outer(w, w))
    if name == "mean_variance":
        return 2 * parameter / m * (np.eye(m) - np.ones((m, m)) / m)
    if name == "power_mean":
        p, value = parameter, np.mean(L**parameter)**(1 / parameter)
        w = (L / value)**(p - 1) / m
        return (p - 1) * (np.diag(w / L) - np.outer(w, w) / value)
    return np.zeros((m, m))


def gauss_newton(J, H, joined=0):
    """Σ_k J_kᵀ H_k J_k + Σ_kk′ g_k joined_kk′ g_k′ᵀ, from J [m, n, P], H [m, n, n]; `joined` is 0 or a pair (G [m, P], ∇²φ)."""
    total = np.zeros((J.shape[2], J.shape[2]))
    for rows, square in zip(J, H):
        total += rows.T @ square @ rows
    if joined:
        G, second = joined
        for k in range(len(G)):
            for i in range(len(G)):
                total += second[k, i] * np.outer(G[k], G[i])
    return total


def second_derivatives(theta, widths, names, x):
    """∂a^L/∂t_i [n, N] and ∂²a^L/∂t_i∂t_j [n, N, N] of one sample, t = (θ, x): index sums layer by layer, g″ included."""
    weights, _ = network.split(theta, widths)
    inputs, P = widths[0], len(theta)
    N, at = P + inputs, 0
    a, first, second = x, np.zeros((inputs, N)), np.zeros((inputs, N, N))
    first[:, P:] = np.eye(inputs)
    for l, name in enumerate(names):
        W, before, width = weights[l], widths[l], widths[l + 1]
        b = theta[at + width * before:at + width * (before + 1)]
        z, z1, z2 = W @ a + b, W @ first, np.einsum("pq,qij->pij", W, second)
        for p in range(width):
            for q in range(before):
                i = at + p * before + q  # w_pq
                z1[p, i] += a[q]
                z2[p, i, :] += first[q]
                z2[p, :, i] += first[q]
            z1[p, at + width * before + p] += 1  # b_p
        g, g1, g2 = FORMS[name]
        second = g2(z)[:, None, None] * z1[:, :, None] * z1[:, None, :] + g1(z)[:, None, None] * z2
        first, a = g1(z)[:, None] * z1, g(z)
        at += width * (before + 1)
    return a, first, second


def hessian(theta, widths, names, X, weights, gradients, hessians, joined):
    """D²C over (θ, X) [P + m n_0, P + m n_0]: ∇φ = weights [m], ∇L [m, n], ∇²L [m, n, n], ∇²φ = joined [m, m]."""
    m, P, inputs = len(X), len(theta), widths[0]
    total = np.zeros((P + m * inputs,) * 2)
    rows = np.zeros((m, len(total)))
    for k in range(m):
        _, first, second = second_derivatives(theta, widths, names, X[k])
        part = np.einsum("a,aij->ij", gradients[k], second) + first.T @ hessians[k] @ first
        places = np.r_[0:P, P + k * inputs:P + (k + 1) * inputs]
        total[np.ix_(places, places)] += weights[k] * part
        rows[k, places] = gradients[k] @ first
    return total + rows.T @ joined @ rows
