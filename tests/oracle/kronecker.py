"""The GGN and its Kronecker factors by literal sums over samples and outputs, in float64. Imports nothing of ours."""

import numpy as np
from scipy.special import softmax

from .network import forward, jacobian, split


def loss_hessian(name, u, y):
    """∇²L [n, n] of one sample."""
    if name == "squared_error":
        return np.eye(len(u))
    if name == "softmax_cross_entropy":
        p = softmax(u)
        return np.diag(p) - np.outer(p, p)
    if name == "poisson":
        return np.diag(np.exp(u))
    p = 1 / (1 + np.exp(-u))
    return np.diag(p * (1 - p))


def ggn(theta, widths, names, X, y, loss, weights):
    """Σ_k w_k J_kᵀ ∇²L_k J_k [P, P]."""
    J = jacobian(theta, widths, names, X).reshape(len(X), widths[-1], -1)
    A = forward(theta, widths, names, X)[1][-1]
    return sum(w * rows.T @ loss_hessian(loss, u, t) @ rows for w, rows, u, t in zip(weights, J, A, y))


def layer_slices(widths):
    """Where (W^l, b^l) lies in θ."""
    ends = np.cumsum([0] + [n * (b + 1) for b, n in zip(widths, widths[1:])])
    return [slice(first, stop) for first, stop in zip(ends, ends[1:])]


def in_order(matrix, width):
    """Rows and columns (W_1, b_1), (W_2, b_2), … moved to (W, b)."""
    before = len(matrix) // width - 1
    order = [p * (before + 1) + q for p in range(width) for q in range(before)] + [p * (before + 1) + before for p in range(width)]
    return matrix[order][:, order]


def factors(theta, widths, names, X, y, loss, weights):
    """(A_l, B_l) of every layer: Σ_k (w_k / Σ w) ā āᵀ and Σ_k w_k B^lᵀ ∇²L_k B^l."""
    weights_of, _ = split(theta, widths)
    _, a, gamma = forward(theta, widths, names, X)
    found = []
    for l in range(1, len(widths)):
        A, B = np.zeros((widths[l - 1] + 1,) * 2), np.zeros((widths[l],) * 2)
        for k in range(len(X)):
            chain = np.diag(gamma[-1][k])
            for above in range(len(widths) - 1, l, -1):
                chain = chain @ weights_of[above - 1] @ np.diag(gamma[above - 2][k])
            extended = np.append(a[l - 1][k], 1.0)
            A += weights[k] / np.sum(weights) * np.outer(extended, extended)
            B += weights[k] * chain.T @ loss_hessian(loss, a[-1][k], y[k]) @ chain
        found.append((A, B))
    return found
