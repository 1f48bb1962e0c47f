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


def log_sum_exp(L, t):
    """φ, ∇φ [m] and ∇²φ 1_0 [m], the Hessian's first column."""
    L, t = numbers(L), mpf(float(t))
    top = max(t * a for a in L) / t
    e = [mpmath.exp(t * (a - top)) for a in L]
    g = [a / mpmath.fsum(e) for a in e]
    value = top + mpmath.log1p(mpmath.fsum(mpmath.expm1(t * (a - top)) for a in L) / len(L)) / t
    return value, g, [t * (g[0] * mpmath.fsum(g[1:]) if k == 0 else -g[0] * g[k]) for k in range(len(L))]


def power_mean(L, p):
    """The same."""
    L, p, m = numbers(L), mpf(float(p)), len(L)
    value = max(L) * mpmath.exp(mpmath.log1p(mpmath.fsum(mpmath.expm1(p * mpmath.log(a / max(L))) for a in L) / m) / p)
    g = [(a / value)**(p - 1) / m for a in L]
    others = mpmath.fsum(g[k] * L[k] for k in range(1, m)) / value / L[0]  # 1 - g_0 L_0 / φ = Σ g_k L_k / φ, k > 0
    return value, g, [(p - 1) * (g[0] * others if k == 0 else -g[0] * g[k] / value) for k in range(m)]
