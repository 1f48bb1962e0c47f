"""Eq. 9 in indices, before any sum is removed: loops over every index, Kronecker deltas kept. Imports nothing of ours."""

import numpy as np


def delta(i, j):
    return 1.0 if i == j else 0.0


def weight_derivative(weights, gammas, inputs, l):
    """∂a^L_ν / ∂w^l_pq of one sample [n_L, n_l, n_{l−1}] (eq. 9).

    weights[k − 1] = W^k, gammas[k − 1] = γ^k, inputs[k] = a^k; layers from 1.
    """
    depth = len(weights)
    widths = [weights[0].shape[1]] + [W.shape[0] for W in weights]
    out = np.zeros((widths[depth], widths[l], widths[l - 1]))

    def inner(k, nu, p, q):
        """γ^k_ν Σ … from layer k down to the deltas at layer l."""
        if k == l:
            total = 0.0
            for below in range(widths[l - 1]):
                total += delta(nu, p) * delta(below, q) * inputs[l - 1][below]
            return gammas[k - 1][nu] * total
        total = 0.0
        for below in range(widths[k - 1]):
            total += weights[k - 1][nu, below] * inner(k - 1, below, p, q)
        return gammas[k - 1][nu] * total

    for nu in range(widths[depth]):
        for p in range(widths[l]):
            for q in range(widths[l - 1]):
                out[nu, p, q] = inner(depth, nu, p, q)
    return out


def bias_derivative(weights, gammas, l):
    """∂a^L_ν / ∂b^l_p of one sample [n_L, n_l]: eq. 9 without its last sum."""
    depth = len(weights)
    widths = [weights[0].shape[1]] + [W.shape[0] for W in weights]
    out = np.zeros((widths[depth], widths[l]))

    def inner(k, nu, p):
        if k == l:
            return gammas[k - 1][nu] * delta(nu, p)
        total = 0.0
        for below in range(widths[k - 1]):
            total += weights[k - 1][nu, below] * inner(k - 1, below, p)
        return gammas[k - 1][nu] * total

    for nu in range(widths[depth]):
        for p in range(widths[l]):
            out[nu, p] = inner(depth, nu, p)
    return out
