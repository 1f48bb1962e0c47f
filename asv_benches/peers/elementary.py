"""g and γ of a flat array by NumPy's and SciPy's functions."""

import math

import numpy as np
from scipy import special

from .cases import REPEATS, Work, flat_numbers


def argument(case):
    """z, spread over (−4, 4)."""
    return np.ascontiguousarray(2 * case.X[:, 0]).clip(-4, 4)


def tanh(z, g, gamma):
    np.tanh(z, out=g)
    if gamma is not None:
        np.multiply(g, g, out=gamma)
        np.subtract(1, gamma, out=gamma)


def sin(z, g, gamma):
    np.sin(z, out=g)
    if gamma is not None:
        np.cos(z, out=gamma)


def bell(z, gamma, factor, scale):
    """scale e^(-factor z²)."""
    np.multiply(z, z, out=gamma)
    np.multiply(gamma, -factor, out=gamma)
    np.exp(gamma, out=gamma)
    np.multiply(gamma, scale, out=gamma)


def gelu(z, g, gamma):
    special.ndtr(z, out=g)
    if gamma is not None:
        bell(z, gamma, 0.5, 1 / math.sqrt(2 * math.pi))
        np.multiply(gamma, z, out=gamma)
        np.add(gamma, g, out=gamma)
    np.multiply(g, z, out=g)


def erf(z, g, gamma):
    special.erf(z, out=g)
    if gamma is not None:
        bell(z, gamma, 1.0, 2 / math.sqrt(math.pi))


def softplus(z, g, gamma):
    np.logaddexp(z, 0, out=g)
    if gamma is not None:
        special.expit(z, out=gamma)


FORMS = {form.__name__: form for form in (tanh, sin, gelu, erf, softplus)}


def by_numpy(case):
    """NumPy's and SciPy's functions, into arrays that are used again: g alone, and g with γ."""
    form, z = FORMS[case.name], argument(case)
    g, gamma = np.empty_like(z), np.empty_like(z)

    def both():
        for _ in range(REPEATS):
            form(z, g, gamma)
        return np.concatenate([g, gamma])

    def alone():
        for _ in range(REPEATS):
            form(z, g, None)
    size = REPEATS * z.size
    return {"g and γ": Work(both, flat_numbers, size), "g alone": Work(alone, lambda _: None, size)}
