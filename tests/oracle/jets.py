"""Jets of a network in its inputs and their derivatives in θ, forward, one tangent for each number of θ. Imports nothing of ours.

With W = w^l_pq in nested sums and tangents ȧ = ∂a/∂θ_j of every a of eq. 22: ż_k = Σ_q W_pq ȧ_kq, plus a_kq where θ_j is w_pq, plus
1 where it is b_p and k the value; then of a_i = g′ z_i and a_s = g″ q_s + g′ z_s the product rule, whose last term has g‴.
"""

import numpy as np

from .activations import form
from .network import split


def matrices(axes, forms):
    """Q [d, d] of each form of terms (i, j, c)."""
    found = []
    for terms in forms:
        Q = np.zeros((len(axes), len(axes)))
        for i, j, c in terms:
            Q[i, j] += c / 2
            Q[j, i] += c / 2
        found.append(Q)
    return found


def tangents(theta, widths, names, x, axes, forms):
    """Of one sample: the components [K, n] of its jet and their derivatives [K, n, P]."""
    weights, biases = split(theta, widths)
    d, P = len(axes), len(theta)
    K = 1 + d + len(forms)
    a, da, place = np.zeros((K, widths[0])), np.zeros((K, widths[0], P)), 0
    a[0] = x
    for i, axis in enumerate(axes):
        a[1 + i, axis] = 1
    for W, b, name in zip(weights, biases, names):
        z, dz = np.zeros((K, len(b))), np.zeros((K, len(b), P))
        for k in range(K):
            for p in range(len(b)):
                z[k, p] = sum(W[p, q] * a[k, q] for q in range(W.shape[1])) + (b[p] if k == 0 else 0)
                dz[k, p] = sum(W[p, q] * da[k, q] for q in range(W.shape[1]))
                for q in range(W.shape[1]):
                    dz[k, p, place + p * W.shape[1] + q] += a[k, q]
                if k == 0:
                    dz[k, p, place + W.size + p] += 1
        place += W.size + len(b)
        a, da = _activated(z, dz, name, d, matrices(axes, forms))
    return a, da


def _activated(z, dz, name, d, forms):
    g, g1, g2, g3 = (function(z[0]) for function in form(name))
    a, da = np.zeros_like(z), np.zeros_like(dz)
    a[0], da[0] = g, g1[:, None] * dz[0]
    for i in range(1, 1 + d):
        a[i] = g1 * z[i]
        da[i] = (g2 * z[i])[:, None] * dz[0] + g1[:, None] * dz[i]
    for s, Q in enumerate(forms, 1 + d):
        q = sum(Q[i, j] * z[1 + i] * z[1 + j] for i in range(d) for j in range(d))
        dq = sum(Q[i, j] * (z[1 + i][:, None] * dz[1 + j] + dz[1 + i] * z[1 + j][:, None]) for i in range(d) for j in range(d))
        a[s] = g2 * q + g1 * z[s]
        da[s] = (g3 * q + g2 * z[s])[:, None] * dz[0] + g2[:, None] * dq + g1[:, None] * dz[s]
    return a, da


def jets(theta, widths, names, X, axes, forms):
    """[m, K, n] and their derivatives in θ [m, K, n, P]."""
    found = [tangents(theta, widths, names, x, axes, forms) for x in X]
    return np.stack([a for a, _ in found]), np.stack([da for _, da in found])
