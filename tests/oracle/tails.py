"""Losses and reductions in mpmath, to as many digits as one asks for: what holds in their tails. Imports nothing of ours."""

import mpmath
from mpmath import mpf


def numbers(values):
    """The exact values of floats."""
    return [mpf(float(value)) for value in values]


def softmax_cross_entropy(u, y):
    """L, ∇L [n] and ∇²L [n][n] for y, a class number or n probabilities, and the size [n] of what ∇L is the difference of."""
    u, n = numbers(u), len(u)
    y = numbers(y) if hasattr(y, "__len__") else [mpf(i == int(y)) for i in range(n)]
    e = [mpmath.exp(a - max(u)) for a in u]
    p, w, top = [a / sum(e) for a in e], sum(y), u.index(max(u))
    loss = w * mpmath.log1p(sum(e[:top] + e[top + 1:])) + sum(t * (max(u) - a) for t, a in zip(y, u))
    gradient, size = ([sum(p[i] * y[j] + sign * y[i] * p[j] for j in range(n) if j != i) for i in range(n)] for sign in (-1, 1))
    H = [[w * (p[i] * sum(p[:i] + p[i + 1:]) if i == j else -p[i] * p[j]) for j in range(n)] for i in range(n)]
    return loss, gradient, H, size


def binary_cross_entropy(u, y):
    """L, ∇L and ∇²L of one logit."""
    u, y = numbers([u, y])
    low, high = 1 / (1 + mpmath.exp(u)), 1 / (1 + mpmath.exp(-u))
    return (1 - y) * mpmath.log1p(mpmath.exp(u)) + y * mpmath.log1p(mpmath.exp(-u)), (1 - y) * high - y * low, low * high


def cosine(u, y):
    """1 − cos of the angle between u and y."""
    u, y = numbers(u), numbers(y)
    return 1 - mpmath.fdot(u, y) / mpmath.sqrt(mpmath.fdot(u, u) * mpmath.fdot(y, y))
