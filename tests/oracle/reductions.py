"""φ in NumPy: from losses [m], a parameter and per-sample data to a number. Imports nothing of ours.

They take complex losses too, so that `differences` can have their derivatives: sorts go by real parts, squares are not of moduli.
"""

import numpy as np


def cvar(L, alpha, _):
    tail, worst = alpha * len(L), np.sort(L)[::-1]
    whole = int(np.floor(tail))
    return (worst[:whole].sum() + (tail - whole) * (worst[whole] if whole < len(L) else 0)) / tail


def trimmed_mean(L, fraction, _):
    cut = int(np.floor(fraction * len(L)))
    return np.sort(L)[cut:len(L) - cut].mean()


def quantile(L, q, _):
    """NumPy's "linear"."""
    ranked, place = np.sort(L), q * (len(L) - 1)
    below = int(np.floor(place))
    return ranked[below] + (place - below) * (ranked[min(below + 1, len(L) - 1)] - ranked[below])


FORMS = {
    "mean": lambda L, _, __: L.mean(),
    "sum": lambda L, _, __: L.sum(),
    "weighted": lambda L, _, w: w @ L,
    "weighted_mean": lambda L, _, w: w @ L / w.sum(),
    "max": lambda L, _, __: np.sort(L)[-1],
    "log_sum_exp": lambda L, t, _: np.log(np.mean(np.exp(t * L))) / t,
    "cvar": cvar,
    "quantile": quantile,
    "trimmed_mean": trimmed_mean,
    "power_mean": lambda L, p, _: np.mean(L**p)**(1 / p),
    "mean_variance": lambda L, c, _: L.mean() + c * ((L - L.mean())**2).mean(),
    "group_max": lambda L, _, groups: np.sort([L[groups == g].mean() for g in np.unique(groups)])[-1],
}
