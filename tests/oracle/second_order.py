"""Damped Gauss–Newton steps by dense formulas, in plain NumPy; imports nothing of ours."""

import numpy as np


def projected(H):
    """A symmetric [n, n] with its eigenvalues below 0 set to 0."""
    values, vectors = np.linalg.eigh(H)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def ggn(J, hessians, weights):
    """Σ_k J_kᵀ (w_k H_k projected) J_k [P, P], J [m, n, P], H [m, n, n], w [m]."""
    return sum(Jk.T @ projected(w * H) @ Jk for Jk, H, w in zip(J, hessians, weights))


def damped_step(G, gradient, added, free):
    """−(G + diag(added))⁻¹ g over the free numbers, 0 elsewhere."""
    step = np.zeros_like(gradient)
    step[free] = -np.linalg.solve(G[np.ix_(free, free)] + np.diag(added[free]), gradient[free])
    return step


def levenberg_marquardt(theta, outputs, jacobian, y, added, scale, steps, damping=1e-3, attempts=10):
    """θ after so many steps on `scale` ½ Σ (f − y)² + ½ Σ added θ², and the damping: λ by Nielsen's rule from the gain, D² the
    running maximum of the diagonal of the curvature, λ at least 10 ε."""
    theta, growth, squares = theta.astype(float).copy(), 2.0, 0

    def cost(theta):
        return scale * 0.5 * np.square(outputs(theta) - y).sum() + 0.5 * added @ theta**2

    for _ in range(steps):
        J = jacobian(theta)
        A = scale * J.T @ J + np.diag(added)
        g = scale * J.T @ (outputs(theta) - y) + added * theta
        squares = np.maximum(squares, np.diag(A))
        for _ in range(attempts):
            step = -np.linalg.solve(A + damping * np.diag(squares), g)
            predicted = -g @ step - 0.5 * step @ A @ step
            decrease = cost(theta) - cost(theta + step)
            if decrease >= 0:
                theta = theta + step
                damping = max(damping * max(1 / 3, 1 - (2 * min(decrease / predicted, 1) - 1)**3), 10 * np.finfo(float).eps)
                growth = 2.0
                break
            damping, growth = damping * growth, 2 * growth
    return theta, damping


def effective_parameters(A, penalised, strength):
    """P − ρ tr_w (A + ρ I_w)⁻¹ for curvature A [p, p] and a penalty of strength ρ on the numbers `penalised` [p]."""
    inverse = np.linalg.inv(A + strength * np.diag(penalised * 1.0))
    return len(A) - strength * np.diag(inverse)[penalised].sum()
