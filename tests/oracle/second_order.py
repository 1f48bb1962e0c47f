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
