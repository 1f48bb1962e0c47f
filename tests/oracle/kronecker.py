"""The GGN and its Kronecker factors by literal sums over samples and outputs, in float64. Imports nothing of ours."""

import numpy as np

from .losses import derivatives
from .network import forward, jacobian, split


def ggn(theta, widths, names, X, y, loss, weights):
    """Σ_k w_k J_kᵀ ∇²L_k J_k [P, P]."""
    J = jacobian(theta, widths, names, X).reshape(len(X), widths[-1], -1)
    A = forward(theta, widths, names, X)[1][-1]
    return sum(w * rows.T @ H @ rows for w, rows, H in zip(weights, J, derivatives(loss, A, y)[1]))


def layer_slices(widths):
    """Where (W^l, b^l) lies in θ."""
    ends = np.cumsum([0] + [n * (b + 1) for b, n in zip(widths, widths[1:])])
    return [slice(first, stop) for first, stop in zip(ends, ends[1:])]


def in_order(matrix, width):
    """Rows and columns (W_1, b_1), (W_2, b_2), … moved to (W, b)."""
    before = len(matrix) // width - 1
    order = [p * (before + 1) + q for p in range(width) for q in range(before)] + [p * (before + 1) + before for p in range(width)]
    return matrix[order][:, order]


def factors(theta, widths, names, X, y, loss, weights, empirical=False):
    """(A_l, B_l) of every layer: Σ_k (w_k / Σ w) ā āᵀ and Σ_k w_k B^lᵀ ∇²L_k B^l, with ∇L ∇Lᵀ for ∇²L where `empirical`."""
    weights_of, _ = split(theta, widths)
    _, a, gamma = forward(theta, widths, names, X)
    gradients, hessians = derivatives(loss, a[-1], y)
    hessians, found = [np.outer(g, g) for g in gradients] if empirical else hessians, []
    for l in range(1, len(widths)):
        A, B = np.zeros((widths[l - 1] + 1,) * 2), np.zeros((widths[l],) * 2)
        for k in range(len(X)):
            chain = np.diag(gamma[-1][k])
            for above in range(len(widths) - 1, l, -1):
                chain = chain @ weights_of[above - 1] @ np.diag(gamma[above - 2][k])
            extended = np.append(a[l - 1][k], 1.0)
            A += weights[k] / np.sum(weights) * np.outer(extended, extended)
            B += weights[k] * chain.T @ hessians[k] @ chain
        found.append((A, B))
    return found


def separated(block, width):
    """A block in order with zeros between the weights and the biases of `width` neurons."""
    block = block.copy()
    block[:-width, -width:] = block[-width:, :-width] = 0
    return block


def factored_solve(A, B, damping, V):
    """(B + √λ/π I)⁻¹ V (A + π √λ I)⁻¹ for V [n, q]: π² = (tr A / q) / (tr B / n)."""
    pi, root = np.sqrt(np.trace(A) / len(A) / (np.trace(B) / len(B))), np.sqrt(damping)
    return np.linalg.inv(B + root / pi * np.eye(len(B))) @ V @ np.linalg.inv(A + pi * root * np.eye(len(A)))
