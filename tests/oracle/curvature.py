"""Curvature, literally: sums over samples of dense products, second derivatives by two tangents. Imports nothing of ours."""

import numpy as np

from . import network
from .activations import FORMS


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
        g, g1, g2, _ = FORMS[name]
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
